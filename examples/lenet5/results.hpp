// SPDX-License-Identifier: MIT
// What a run leaves for tables and pictures: one JSON file each, DIR/runs/ROW-seedSEED.json.
#pragma once

#include <algorithm>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <typenet/core/config.hpp>
#include <typenet/core/error.hpp>
#include <typenet/io/atomic_file.hpp>

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

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(run_record, row, seed, quick, loss, training_accuracy, test_accuracy, test_loss, training_misses,
                                   training_count, labels, predictions, images, seconds, samples_per_second, threads, build)

inline std::filesystem::path record_path(const std::filesystem::path& folder, const std::string& row, std::uint64_t seed) {
  return folder / "runs" / (row + "-seed" + std::to_string(seed) + ".json");
}

inline void write_text(const std::filesystem::path& path, const std::string& text) {
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path());
  tn::atomic_file file{path};
  file.write(text);
  file.commit();
}

inline void save(const std::filesystem::path& folder, const run_record& run) {
  write_text(record_path(folder, run.row, run.seed), nlohmann::json(run).dump() + "\n");
}

/// @throws typenet::file_error if it cannot be read, or is no record of a run
inline run_record load_record(const std::filesystem::path& path) {
  std::ifstream in{path};
  if (!in) throw tn::file_error(path.string() + ": cannot be read");
  try {
    auto run = nlohmann::json::parse(in).get<run_record>();
    const bool whole = run.labels.size() == run.predictions.size() && !run.labels.empty() && run.epochs() > 0 &&
                       run.loss.size() == run.training_accuracy.size() && run.loss.size() == run.test_accuracy.size() &&
                       (run.images.empty() || run.images.size() == run.labels.size());
    if (!whole) throw tn::file_error("its parts do not fit one another");
    return run;
  } catch (const std::exception& e) {
    throw tn::file_error(path.string() + ": not the record of a run: " + e.what() + "; remove it to have it run again");
  }
}

/// All runs of a results folder, by row, then seed.
inline std::vector<run_record> load_records(const std::filesystem::path& folder) {
  std::vector<run_record> runs;
  if (std::filesystem::is_directory(folder / "runs"))
    for (const auto& entry : std::filesystem::directory_iterator{folder / "runs"})
      if (entry.path().extension() == ".json") runs.push_back(load_record(entry.path()));
  std::sort(runs.begin(), runs.end(),
            [](const run_record& a, const run_record& b) { return a.row != b.row ? a.row < b.row : a.seed < b.seed; });
  return runs;
}

}  // namespace lenet5
