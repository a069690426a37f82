// SPDX-License-Identifier: MIT
#include "results.hpp"

#include <algorithm>
#include <exception>
#include <fstream>
#include <string_view>

#include <nlohmann/json.hpp>

#include <typenet/core/error.hpp>

#include "outputs.hpp"

namespace lenet5 {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(run_record, row, seed, quick, loss, training_accuracy, test_accuracy, test_loss, training_misses,
                                   training_count, labels, predictions, images, seconds, samples_per_second, threads, build)

std::filesystem::path record_path(const std::filesystem::path& folder, const std::string& row, std::uint64_t seed) {
  return folder / "runs" / (row + "-seed" + std::to_string(seed) + ".json");
}

void save(const std::filesystem::path& folder, const run_record& run) {
  write_text(record_path(folder, run.row, run.seed), nlohmann::json(run).dump() + "\n");
}

run_record load_record(const std::filesystem::path& path) {
  std::ifstream in{path};
  if (!in) throw tn::file_error(path.string() + ": cannot be read");
  try {
    const nlohmann::json document = nlohmann::json::parse(in);
    // The library converts any number to an integer, also one that is out of its range.
    const auto expect_whole = [](const nlohmann::json& number) {
      if (!number.is_number_integer()) throw tn::file_error("a count in it is no whole number, or too large");
    };
    for (const char* const count : {"seed", "training_misses", "training_count", "threads"}) expect_whole(document.at(count));
    for (const nlohmann::json& image : document.at("images")) expect_whole(image);
    auto run = document.get<run_record>();
    constexpr std::string_view name_letters = "abcdefghijklmnopqrstuvwxyz0123456789-", digits = "0123456789";
    const auto consists_of = [](const std::string& text, std::string_view letters) {
      return !text.empty() && text.find_first_not_of(letters) == std::string::npos;
    };
    constexpr std::size_t longest_name = 64;
    if (!consists_of(run.row, name_letters) || run.row.size() > longest_name)
      throw tn::file_error("its row is no name of at most " + std::to_string(longest_name) + " lower-case letters, digits and '-'");
    if (!consists_of(run.labels, digits) || !consists_of(run.predictions, digits))
      throw tn::file_error("its labels and predictions are not digits alone");
    const bool whole = run.labels.size() == run.predictions.size() && run.epochs() > 0 && run.loss.size() == run.training_accuracy.size() &&
                       run.loss.size() == run.test_accuracy.size() && run.training_count > 0 &&
                       (run.images.empty() || run.images.size() == run.labels.size());
    if (!whole) throw tn::file_error("its parts do not fit one another");
    return run;
  } catch (const std::exception& e) {
    throw tn::file_error(path.string() + ": not the record of a run: " + e.what() + "; remove it to have it run again");
  }
}

std::vector<run_record> load_records(const std::filesystem::path& folder) {
  std::vector<run_record> runs;
  if (std::filesystem::is_directory(folder / "runs"))
    for (const auto& entry : std::filesystem::directory_iterator{folder / "runs"})
      if (entry.path().extension() == ".json") {
        runs.push_back(load_record(entry.path()));
        if (entry.path() != record_path(folder, runs.back().row, runs.back().seed))
          throw tn::file_error(entry.path().string() + ": the record of another row or seed; remove it to have its run again");
      }
  std::sort(runs.begin(), runs.end(),
            [](const run_record& a, const run_record& b) { return a.row != b.row ? a.row < b.row : a.seed < b.seed; });
  return runs;
}

}  // namespace lenet5
