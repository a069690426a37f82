// SPDX-License-Identifier: MIT
// What a run leaves for tables and pictures: one JSON file each, DIR/runs/ROW-seedSEED.json.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <typenet/core/config.hpp>

namespace lenet5 {

namespace tn = typenet;

/// A run that ended.
struct run_record {
  std::string row;  ///< the recipe's name
  std::uint64_t seed = 0;
  bool quick = false;  ///< on little data: proves that it learns, says nothing of how well
  // One number for each epoch.
  std::vector<double> loss{};               ///< mean over the training samples, each under the weights of its own step
  std::vector<double> training_accuracy{};  ///< likewise, a share
  std::vector<double> test_accuracy{};      ///< after the epoch; nothing is chosen by it
  // After the last one.
  double test_loss = 0;
  tn::index training_misses = 0, training_count = 0;  ///< without augmentation and dropout
  std::string labels{}, predictions{};                ///< a digit for each test image
  std::vector<tn::index> images{};                    ///< which of the test split's they are; empty: all, in order
  double seconds = 0;                                 ///< of training, without the tests after each epoch
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
  /// Where test image i is in its split.
  [[nodiscard]] tn::index image(tn::index i) const { return images.empty() ? i : images[static_cast<std::size_t>(i)]; }
};

std::filesystem::path record_path(const std::filesystem::path& folder, const std::string& row, std::uint64_t seed);

/// Replaces a file, whose folder need not be there yet.
void write_text(const std::filesystem::path& path, const std::string& text);

void save(const std::filesystem::path& folder, const run_record& run);

/// @throws typenet::file_error if it cannot be read, or is no record of a run
run_record load_record(const std::filesystem::path& path);

/// All runs of a results folder, by row, then seed.
std::vector<run_record> load_records(const std::filesystem::path& folder);

}  // namespace lenet5
