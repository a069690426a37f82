// SPDX-License-Identifier: MIT
// Checks what `lenet5 plot` makes of records that are damaged or hostile, and that gnuplot gets no text of theirs.
#include <doctest/doctest.h>

#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <typenet/core/error.hpp>

#include "../../examples/lenet5/gnuplot.hpp"
#include "../../examples/lenet5/pictures.hpp"
#include "workplace.hpp"

using namespace example;
using namespace lenet5;

namespace {

constexpr std::array<known_recipe, 2> known{{{"e1", "eigen"}, {"lenet5-1998", "eigen"}}};

nlohmann::json good_record() {
  return {{"row", "e1"},
          {"seed", 42},
          {"quick", false},
          {"loss", {0.5, 0.25}},
          {"training_accuracy", {0.5, 1.0}},
          {"test_accuracy", {0.5, 0.75}},
          {"test_loss", 0.5},
          {"training_misses", 0},
          {"training_count", 10},
          {"labels", "0123"},
          {"predictions", "0124"},
          {"images", nlohmann::json::array()},
          {"seconds", 1.5},
          {"samples_per_second", 10},
          {"threads", 1},
          {"build", "a build"}};
}
nlohmann::json good_results() {
  return {{"rows",
           {{{"name", "e1"},
             {"published", nullptr},
             {"error", 25.0},
             {"interval", {5.0, 60.0}},
             {"count", 4},
             {"seeds", {{{"seed", 42}, {"misses", 1}}}}}}}};
}
bool is_picture(const std::string& script) {
  if (std::system("gnuplot --version >/dev/null 2>&1") != 0) return true;
  return run_gnuplot(script).find("</svg>") != std::string::npos;
}

}  // namespace

TEST_CASE("a record whose parts are not those of a run is refused") {
  const workplace here;
  const auto load = [&](const nlohmann::json& record, const std::string& name = "e1-seed42.json") {
    here.put("runs/" + name, record.dump());
    return load_records(here.folder).at(0);
  };
  CHECK(load(good_record()).misses() == 1);
  const auto refused = [&](const char* part, const nlohmann::json& value) {
    nlohmann::json record = good_record();
    record[part] = value;
    CAPTURE(record.dump());
    try {
      (void)load(record);
      return false;
    } catch (const typenet::file_error& e) {
      return std::string{e.what()}.find('\n') == std::string::npos;  // the message repeats nothing of the record
    }
  };
  for (const char* row : {"e1\nsystem 'touch made'\n", "/tmp/x", "../x", "E1", "e 1", "", "e1'", "`touch made`", "e2a"}) {
    CHECK(refused("row", row));
  }
  CHECK(refused("seed", 43));
  CHECK(refused("labels", "012"));
  CHECK(refused("labels", "01\n3"));
  CHECK(refused("predictions", "012:"));
  CHECK(refused("loss", nlohmann::json::array()));
  CHECK(refused("loss", {"0.5\nsystem 'touch made'", 1}));
  CHECK(refused("training_count", 0));
  CHECK(refused("images", {1}));
}

TEST_CASE("pictures have no text of a record") {
  const workplace here;
  for (const char* name : {"e1\nsystem 'touch made'", "/e1", "e2a", ""})
    CHECK_THROWS_AS((void)own_name("file", name, known), typenet::file_error);
  CHECK(own_name("file", "e1", known).data() == known[0].name.data());

  here.put("runs/e1-seed42.json", good_record().dump());
  run_record run = load_record(here.folder / "runs/e1-seed42.json");
  run.row = "\nsystem 'touch made'\n";
  run.build = run.row;
  for (const std::string& script : {confusion_script("e1", run), curves_script("e1", {run, run})}) {
    CHECK(script.find("system") == std::string::npos);
    CHECK(is_picture(script));
  }

  CHECK(is_picture(rows_script("results.json", good_results(), known)));
  const auto refused = [&](const auto& change) {
    nlohmann::json results = good_results();
    change(results["rows"][0]);
    CHECK_THROWS_WITH_AS((void)rows_script("results.json", results, known), doctest::Contains("results.json: "), typenet::file_error);
  };
  refused([](auto& row) { row["name"] = "e1\nsystem 'touch made'"; });
  refused([](auto& row) { row["name"] = 1; });
  refused([](auto& row) { row["error"] = "1\nsystem 'touch made'"; });
  refused([](auto& row) { row["interval"] = {1}; });
  refused([](auto& row) { row["published"] = "none"; });
  refused([](auto& row) { row.erase("seeds"); });
  refused([](auto& row) { row = "e1"; });
}

TEST_CASE("gnuplot is run without a named file, and its failure is told") {
  const workplace here;
  here.put("victim", "precious");
  // A name that others can predict, and that leads elsewhere.
  const fs::path planted = fs::temp_directory_path() / ("lenet5-plot-" + std::to_string(getpid()) + ".gp");
  fs::create_symlink(here.folder / "victim", planted);
  CHECK_THROWS_WITH_AS((void)run_gnuplot("this is no script\n"), doctest::Contains("gnuplot: "), typenet::file_error);
  CHECK_THROWS_AS((void)run_gnuplot(""), typenet::file_error);
  CHECK(is_picture("set terminal svg\nplot 1\n"));
  CHECK(fs::remove(planted));
  CHECK(here.bytes("victim") == "precious");
}
