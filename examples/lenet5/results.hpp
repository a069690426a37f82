// SPDX-License-Identifier: MIT
// The record of a run, which tables and pictures are made from. Each record is a JSON file, DIR/runs/ROW-seedSEED.json.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <typenet/core/config.hpp>

namespace lenet5 {

namespace tn = typenet;

/// The record of a finished run.
struct run_record {
  std::string row;  ///< the recipe's name, of at most 64 lower-case letters, digits and '-'
  std::uint64_t seed = 0;
  bool quick = false;  ///< true for a run on little data, which only shows that the row learns
  // `[epoch]`
  std::vector<double> loss{};               ///< mean over the training samples, each with the weights of its own step
  std::vector<double> training_accuracy{};  ///< fraction of the training samples, each with the weights of its own step
  std::vector<double> test_accuracy{};      ///< fraction of the test samples, after the epoch; never used to choose anything
  // Values after the last epoch.
  double test_loss = 0;
  tn::index training_misses = 0, training_count = 0;  ///< measured without augmentation and dropout
  std::string labels{}, predictions{};                ///< `[test image]`, one digit character each
  std::vector<tn::index> images{};                    ///< `[test image]`, index in the test split; empty: all, in order
  double seconds = 0;                                 ///< duration of training, without the tests after each epoch
  double samples_per_second = 0;
  int threads = 0;
  std::string build;

  [[nodiscard]] int epochs() const { return static_cast<int>(loss.size()); }
  [[nodiscard]] tn::index count() const { return static_cast<tn::index>(labels.size()); }
  [[nodiscard]] bool missed(tn::index i) const { return labels[static_cast<std::size_t>(i)] != predictions[static_cast<std::size_t>(i)]; }
  [[nodiscard]] tn::index misses() const {
    tn::index sum = 0;
    for (tn::index i = 0; i < count(); ++i) sum += missed(i);
    return sum;
  }
  /// Index of test image i in the test split.
  [[nodiscard]] tn::index image(tn::index i) const { return images.empty() ? i : images[static_cast<std::size_t>(i)]; }
};

std::filesystem::path record_path(const std::filesystem::path& folder, const std::string& row, std::uint64_t seed);

void save(const std::filesystem::path& folder, const run_record& run);

/// Reads the record of a run, which may be damaged or hostile.
/// @throws typenet::file_error if the file cannot be read or is not a record of a run: each part has its size and range
run_record load_record(const std::filesystem::path& path);

/// Reads all records of a results folder, ordered by row, then by seed.
/// @throws typenet::file_error if a file is no record of a run, or has another name than `record_path` gives it
std::vector<run_record> load_records(const std::filesystem::path& folder);

}  // namespace lenet5
