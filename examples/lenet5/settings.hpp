// SPDX-License-Identifier: MIT
// The settings that the command line gives.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace lenet5 {

enum class command { train, evaluate, predict, reproduce };

struct settings {
  std::string program = "lenet5";
  std::string model;    ///< default: one that is compiled in
  std::string backend;  ///< default: one that is compiled in
  std::string dataset = "mnist";
  std::filesystem::path data;
  int epochs = 0;
  int batch_size = 0;
  std::optional<std::uint64_t> seed;
  int threads = 0;
  std::optional<double> learning_rate;
  std::optional<double> weight_decay;
  std::filesystem::path log;
  std::filesystem::path output;
  std::filesystem::path resume;
  bool overwrite = false;         ///< --output and --log may replace files
  bool allow_non_finite = false;  ///< training goes on with numbers that are infinite or not a number
  std::filesystem::path weights;
  std::string split = "test";
  std::filesystem::path image;
  int index = -1;
  bool invert = false;
  int held_out = 0;
  // Used by reproduce and plot only.
  int seeds = 0;
  bool quick = false;
  std::vector<std::string> only;
  std::filesystem::path results = "results";
  std::string label;  ///< name of the run, for the progress display
};
inline constexpr std::uint64_t default_seed = 42;

/// Runs the published experiments again and compares the results; see docs/reproduce.md.
int reproduce(settings s);
/// Draws pictures from the records of `reproduce`.
int plot(const settings& s);

}  // namespace lenet5
