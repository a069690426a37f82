// SPDX-License-Identifier: MIT
// Runs `lenet5 reproduce` and `lenet5 plot` from a shell.
#include <doctest/doctest.h>

#if defined(TYPENET_LENET5)

#include <filesystem>
#include <fstream>
#include <string>

#include <nlohmann/json.hpp>

#include "workplace.hpp"

using namespace example;

TEST_CASE("lenet5 reproduce runs what is not there yet, and makes tables of all that is") {
  const workplace here{1000, 200};
  const std::string all = "reproduce --data . --quick --threads 1 --results r --seeds 2 --only e1 --only e2b";
  const auto first = here.run(all);
  if (first.text.find("libboost-dev") != std::string::npos) {
    CHECK(first.status == 1);
    return;
  }
  CHECK(first.status == 0);
  CHECK(mentions(first.text, "4/4 e2b, seed 43: "));
  const auto results = nlohmann::json::parse(here.bytes("r/results.json"));
  CHECK(results.at("quick") == true);
  REQUIRE(results.at("rows").size() == 2);
  const auto& row = results["rows"][0];
  CHECK(row.at("name") == "e1");
  CHECK(row.at("published").at("misses") == 104);
  CHECK(row.at("count") == 200);
  CHECK(row.at("seeds").size() == 2);
  CHECK(row["seeds"][1].at("seed") == 43);
  const auto run = nlohmann::json::parse(here.bytes("r/runs/e1-seed43.json"));
  int missed = 0;
  for (std::size_t i = 0; i < 200; ++i) missed += run.at("labels").get<std::string>()[i] != run.at("predictions").get<std::string>()[i];
  CHECK(row["seeds"][1].at("misses") == missed);
  CHECK(run.at("test_accuracy").back() == doctest::Approx(1 - missed / 200.0));
  // Each pair of adjacent rows is compared, because the seeds and the images are equal.
  CHECK(results.at("comparisons").size() == 2);
  CHECK(mentions(here.bytes("r/results.md"), "| `e1` | experiment 1"));

  // A second call runs only the missing experiment and gets the same result.
  const std::string before = here.bytes("r/runs/e2b-seed42.json"), kept = here.bytes("r/runs/e1-seed42.json");
  fs::remove(here.folder / "r/runs/e2b-seed42.json");
  const auto again = here.run(all);
  CHECK(again.status == 0);
  CHECK(mentions(again.text, "1/4 e1, seed 42"));
  CHECK(again.text.find("(already there)", again.text.find("3/4 e2b")) > again.text.find("4/4 e2b"));
  CHECK(here.bytes("r/runs/e1-seed42.json") == kept);
  const auto once = nlohmann::json::parse(before), twice = nlohmann::json::parse(here.bytes("r/runs/e2b-seed42.json"));
  CHECK(once.at("predictions") == twice.at("predictions"));
  CHECK(once.at("loss") == twice.at("loss"));

  // A full run rejects the records of a quick run.
  const auto mixed = here.run("reproduce --data . --threads 1 --results r --only e1");
  CHECK(mixed.status == 1);
  CHECK(mentions(mixed.text, "e1-seed42.json: a quick run"));
  std::ofstream{here.folder / "r/runs/e1-seed42.json"} << "{}";
  CHECK(mentions(here.run(all).text, "e1-seed42.json: not the record of a run"));
  CHECK(mentions(here.run("reproduce --only e9").text, "reproduce has no such row; it has lecun1989, "));
}

TEST_CASE("lenet5 plot draws what there is") {
  const workplace here{500, 100};
  CHECK(mentions(here.run("plot --results nothing --data .").text, "nothing: no runs there to plot"));
  const auto runs = here.run("reproduce --data . --quick --threads 1 --results r --seeds 2 --only e2c");
  if (runs.text.find("libboost-dev") != std::string::npos) return;
  const auto none = here.shell("PATH=/nowhere '" TYPENET_LENET5 "' plot --results r --data .");
  CHECK(none.status == 1);
  CHECK(mentions(none.text, "gnuplot-nox"));
  CHECK_FALSE(fs::exists(here.folder / "r/pictures"));
  const auto drawn = here.run("plot --results r --data .");
  if (drawn.text.find("gnuplot-nox") != std::string::npos) return;
  CHECK(drawn.status == 0);
  for (const std::string picture : {"e2c-confusion.svg", "e2c-curves.svg", "rows.svg"}) {
    CAPTURE(picture);
    const std::string svg = here.bytes("r/pictures/" + picture);
    CHECK(svg.find("<svg") < 200);
    CHECK(svg.find("</svg>") != std::string::npos);
  }
  if (drawn.text.find("libstb-dev") == std::string::npos) CHECK(here.bytes("r/pictures/e2c-misses.png").starts_with("\x89PNG"));
}

TEST_CASE("lenet5 plot runs nothing and writes nowhere that a results folder names") {
  const workplace here{500, 100};
  const auto runs = here.run("reproduce --data . --quick --threads 1 --results r --only e2c");
  if (runs.text.find("libboost-dev") != std::string::npos) return;
  REQUIRE(runs.status == 0);
  const std::string good = here.bytes("r/runs/e2c-seed42.json"), table = here.bytes("r/results.json");
  const auto refused = [&](const std::string& file) {
    const auto plotted = here.run("plot --results r --data .");
    CHECK(plotted.status == 1);
    CHECK(mentions(plotted.text, "lenet5: r/" + file));
    for (const char* made : {"made", "made-confusion.svg", "r/made-confusion.svg"}) CHECK_FALSE(fs::exists(here.folder / made));
    CHECK_FALSE(fs::exists(here.folder / "r/pictures"));
  };
  for (const std::string& row : {std::string{"x\nsystem \"touch made\"\nset title '"}, (here.folder / "made").string(),
                                 std::string{"../made"}, std::string{"unknown"}}) {
    auto record = nlohmann::json::parse(good);
    record["row"] = row;
    here.put("r/runs/e2c-seed42.json", record.dump());
    refused(row == "unknown" ? "runs/e2c-seed42.json: the record of another row or seed" : "runs/e2c-seed42.json: not the record of a run");
    if (row == "unknown") {
      fs::rename(here.folder / "r/runs/e2c-seed42.json", here.folder / "r/runs/unknown-seed42.json");
      refused("runs/unknown-seed42.json: a row is no recipe of this program");
      fs::remove(here.folder / "r/runs/unknown-seed42.json");
    }
    here.put("r/runs/e2c-seed42.json", good);
    auto results = nlohmann::json::parse(table);
    results["rows"][0]["name"] = row;
    here.put("r/results.json", results.dump());
    refused("results.json: a row is no recipe of this program");
    here.put("r/results.json", table);
  }
  fs::create_directory(here.folder / "outside");
  fs::create_directory_symlink("../outside", here.folder / "r/pictures");
  CHECK(mentions(here.run("plot --results r --data .").text, "lenet5: r/pictures: is a link"));
  CHECK(fs::is_empty(here.folder / "outside"));
}

TEST_CASE("every row learns") {
  // The test runs on MNIST if it is installed. Otherwise it runs on drawn bars, as many as a quick run needs.
  const workplace here{4000, 1000};
  auto all = here.run("reproduce --quick --threads 1 --results r");
  if (all.text.find("looked for") != std::string::npos) {
    MESSAGE("no MNIST here; examples/get-data.sh fetches it");
    all = here.run("reproduce --quick --threads 1 --results r --data .");
  }
  if (all.text.find("libboost-dev") != std::string::npos) return;
  if (all.status != 0) MESSAGE(all.text);
  CHECK(all.status == 0);
  CHECK(nlohmann::json::parse(here.bytes("r/results.json")).at("rows").size() == 15);
}

#endif
