// SPDX-License-Identifier: MIT
// Checks the published results: the tables follow from the records. Their order is the one stated in docs/reference/reproduced-results.md.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "../../examples/lenet5/results.hpp"

using namespace lenet5;

namespace {

std::map<std::string, std::vector<run_record>> rows() {
  std::map<std::string, std::vector<run_record>> all;
  for (run_record& run : load_records(TYPENET_RESULTS)) all[run.row].push_back(std::move(run));
  return all;
}
double mean_error(const std::vector<run_record>& runs) {
  double sum = 0;
  for (const run_record& run : runs) sum += 100 * static_cast<double>(run.misses()) / static_cast<double>(run.count());
  return sum / static_cast<double>(runs.size());
}
double median_error(const std::vector<run_record>& runs) {
  std::vector<double> errors;
  for (const run_record& run : runs) errors.push_back(100 * static_cast<double>(run.misses()) / static_cast<double>(run.count()));
  std::sort(errors.begin(), errors.end());
  return errors[errors.size() / 2];
}

}  // namespace

TEST_CASE("the results shown are those of the records") {
  auto all = rows();
  std::ifstream in{std::string{TYPENET_RESULTS} + "/results.json"};
  const auto results = nlohmann::json::parse(in);
  CHECK(results.at("quick") == false);
  REQUIRE(results.at("rows").size() == 15);
  for (const auto& row : results["rows"]) {
    const std::string name = row.at("name");
    CAPTURE(name);
    const std::vector<run_record>& runs = all[name];
    REQUIRE(runs.size() == row.at("seeds").size());
    CHECK(runs.size() >= 3);
    CHECK(std::abs(mean_error(runs) - row.at("error").get<double>()) < 1e-9);
    for (std::size_t i = 0; i < runs.size(); ++i) {
      CHECK_FALSE(runs[i].quick);
      CHECK(runs[i].epochs() == row.at("epochs"));
      CHECK(runs[i].seed == row["seeds"][i].at("seed"));
      CHECK(runs[i].misses() == row["seeds"][i].at("misses"));
      // The test accuracy after the last epoch agrees with the recorded predictions.
      CHECK(std::abs(runs[i].test_accuracy.back() - (1 - static_cast<double>(runs[i].misses()) / static_cast<double>(runs[i].count()))) <
            1e-12);
    }
  }
}

TEST_CASE("the results shown are in the order published, where the documents say so") {
  auto all = rows();
  CHECK(mean_error(all["lecun1989"]) > 3.5);
  CHECK(mean_error(all["lecun1989"]) < 5.0);
  CHECK(mean_error(all["lecun1989-adamw"]) < mean_error(all["lecun1989-softmax"]));
  CHECK(mean_error(all["lecun1989-shift"]) < mean_error(all["lecun1989-adamw"]));
  CHECK(mean_error(all["lecun1989-relu"]) < mean_error(all["lecun1989-shift"]));
  CHECK(mean_error(all["lecun1989-relu"]) <= 2.2);
  CHECK(mean_error(all["lecun1989-data"]) < mean_error(all["lecun1989-relu"]));

  CHECK(median_error(all["lenet5-1998"]) <= 1.05);
  for (const run_record& run : all["lenet5-1998"])
    CHECK(static_cast<double>(run.training_misses) / static_cast<double>(run.training_count) < 0.006);
  CHECK(mean_error(all["lenet5-1998-distorted"]) < mean_error(all["lenet5-1998"]));

  // Upper limits of the confidence intervals of the published results.
  for (const auto& bound : std::map<std::string, double>{{"e1", 1.26}, {"e2a", 1.12}, {"e2b", 1.03}, {"e2c", 0.88}, {"e2d", 0.84}}) {
    CAPTURE(bound.first);
    CHECK(mean_error(all[bound.first]) <= bound.second);
  }
  CHECK(mean_error(all["e2b"]) < mean_error(all["e1"]));
  CHECK(mean_error(all["e2d"]) < mean_error(all["e2b"]));
  CHECK(mean_error(all["control"]) < mean_error(all["e2d"]));
}
