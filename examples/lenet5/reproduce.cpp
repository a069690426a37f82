// SPDX-License-Identifier: MIT
// Reproduces published results: runs every row with several seeds, saves one record per run, and makes tables from the records.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "outputs.hpp"
#include "program.hpp"
#include "registry.hpp"
#include "results.hpp"
#include "settings.hpp"
#include "statistics.hpp"

namespace lenet5 {
namespace {

namespace tn = typenet;
using json = nlohmann::ordered_json;

using row = compiled_recipe;

/// All recipes that `reproduce` runs, in the order of the tables.
std::vector<row> all_rows() {
  std::vector<row> rows = compiled_recipes("eigen");
  std::erase_if(rows, [](const row& r) { return !r.reproduced; });
  return rows;
}

/// The rows that `--only` selects; all rows without it.
/// @throws typenet::argument_error if `--only` names an unknown row
std::vector<row> rows_asked_for(const settings& s) {
  const std::vector<row> rows = all_rows();
  std::vector<row> asked;
  std::string names;
  for (const row& r : rows) {
    if (s.only.empty() || std::find(s.only.begin(), s.only.end(), r.name) != s.only.end()) asked.push_back(r);
    names += (names.empty() ? "" : ", ") + r.name;
  }
  for (const std::string& name : s.only)
    if (std::none_of(rows.begin(), rows.end(), [&](const row& r) { return r.name == name; }))
      throw tn::argument_error("--only " + name + ": reproduce has no such row; it has " + names);
  return asked;
}

/// Formats like printf and returns a string.
[[gnu::format(printf, 1, 2)]] std::string text(const char* format, ...) {
  std::array<char, 512> line;
  std::va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(line.data(), line.size(), format, arguments);
  va_end(arguments);
  return line.data();
}

double percent(double misses, tn::index count) { return 100 * misses / static_cast<double>(count); }

/// A row and its runs, ordered by seed.
struct measured {
  row what;
  std::vector<run_record> runs;

  [[nodiscard]] tn::index count() const { return runs.front().count(); }
  [[nodiscard]] std::vector<double> each(const auto& of) const {
    std::vector<double> values;
    for (const run_record& r : runs) values.push_back(static_cast<double>(of(r)));
    return values;
  }
  [[nodiscard]] std::vector<double> misses() const {
    return each([](const run_record& r) { return r.misses(); });
  }
  [[nodiscard]] interval confidence() const { return clopper_pearson(std::llround(mean(misses())), count()); }
};

/// Comparison of two adjacent rows with equal seeds and equal test images.
struct comparison {
  const measured *first, *second;
  std::uint64_t seed;
  tn::index only_first = 0, only_second = 0;
  [[nodiscard]] double p() const { return mcnemar_exact(only_first, only_second); }
};
std::vector<comparison> compare(const std::vector<measured>& rows) {
  std::vector<comparison> all;
  for (std::size_t i = 1; i < rows.size(); ++i)
    for (const run_record& a : rows[i - 1].runs)
      for (const run_record& b : rows[i].runs) {
        if (a.seed != b.seed || a.labels != b.labels || a.images != b.images) continue;
        comparison c{&rows[i - 1], &rows[i], a.seed};
        for (tn::index k = 0; k < a.count(); ++k) {
          c.only_first += a.missed(k) && !b.missed(k);
          c.only_second += !a.missed(k) && b.missed(k);
        }
        all.push_back(c);
      }
  return all;
}

json to_json(const std::vector<measured>& rows, bool quick) {
  json j{{"quick", quick}, {"rows", json::array()}, {"comparisons", json::array()}};
  for (const measured& m : rows) {
    const interval ours = m.confidence();
    json r{{"name", m.what.name}, {"about", m.what.about}, {"published", nullptr}};
    if (const auto& p = m.what.published) {
      const interval theirs = clopper_pearson(p->misses, p->count);
      r["published"] = {{"misses", p->misses},
                        {"count", p->count},
                        {"by", p->by},
                        {"error", percent(p->misses, p->count)},
                        {"interval", {100 * theirs.lower, 100 * theirs.upper}}};
    }
    r["count"] = m.count();
    r["epochs"] = m.runs.front().epochs();
    r["seeds"] = json::array();
    for (const run_record& run : m.runs)
      r["seeds"].push_back({{"seed", run.seed},
                            {"misses", run.misses()},
                            {"test_loss", run.test_loss},
                            {"training_misses", run.training_misses},
                            {"training_count", run.training_count},
                            {"seconds", run.seconds},
                            {"samples_per_second", run.samples_per_second},
                            {"threads", run.threads}});
    r["error"] = percent(mean(m.misses()), m.count());
    r["median"] = percent(median(m.misses()), m.count());
    r["standard_deviation"] = percent(standard_deviation(m.misses()), m.count());
    r["interval"] = {100 * ours.lower, 100 * ours.upper};
    j["rows"].push_back(r);
  }
  for (const comparison& c : compare(rows))
    j["comparisons"].push_back({{"first", c.first->what.name},
                                {"second", c.second->what.name},
                                {"seed", c.seed},
                                {"only_first_missed", c.only_first},
                                {"only_second_missed", c.only_second},
                                {"p", c.p()}});
  return j;
}

std::string to_markdown(const std::vector<measured>& rows, bool quick) {
  std::string t = quick ? "Quick runs: few images and epochs, and the experiments' centres near one another. They show that each row "
                          "learns, not how well.\n\n"
                        : "";
  t += "Test error of the last epoch: mean ± standard deviation over seeds, and median. In brackets the 95 % interval of Clopper and "
       "Pearson, of "
       "the mean number of misses on as many images.\n\n"
       "| row | | published | ours | misses by seed | training error | epochs | seconds | samples/s |\n"
       "|---|---|---|---|---|---|---|---|---|\n";
  for (const measured& m : rows) {
    const auto& p = m.what.published;
    std::string theirs = "—";
    if (p) {
      const interval i = clopper_pearson(p->misses, p->count);
      theirs = text("%.2f %% (%.2f–%.2f), %d of %d; ", percent(p->misses, p->count), 100 * i.lower, 100 * i.upper, p->misses, p->count) +
               std::string{p->by};
    }
    std::string each;
    for (const run_record& r : m.runs)
      each += text("%s%lld (%llu)", each.empty() ? "" : ", ", static_cast<long long>(r.misses()), static_cast<unsigned long long>(r.seed));
    const interval ours = m.confidence();
    std::string error = text("%.2f", percent(mean(m.misses()), m.count()));
    if (m.runs.size() > 1) error += text(" ± %.2f", percent(standard_deviation(m.misses()), m.count()));
    t += "| `" + m.what.name + "` | " + m.what.about + " | " + theirs + " | " + error +
         text(" %% (%.2f–%.2f)", 100 * ours.lower, 100 * ours.upper) + text(", median %.2f", percent(median(m.misses()), m.count())) +
         " | " + each + text(" of %lld", static_cast<long long>(m.count())) +
         text(" | %.2f %% | %d | %.0f | %.0f |\n", 100 * mean(m.each([](const run_record& r) {
                                                     return static_cast<double>(r.training_misses) / static_cast<double>(r.training_count);
                                                   })),
              m.runs.front().epochs(), mean(m.each([](const run_record& r) { return r.seconds; })),
              mean(m.each([](const run_record& r) { return r.samples_per_second; })));
  }
  t += "\nNeighbouring rows on the same images: how many only one of them misses, and McNemar's exact test of whether that is chance.\n\n"
       "| first | second | seed | only first misses | only second misses | p |\n"
       "|---|---|---|---|---|---|\n";
  for (const comparison& c : compare(rows))
    t += "| `" + c.first->what.name + "` | `" + c.second->what.name + "` | " + std::to_string(c.seed) + " | " +
         std::to_string(c.only_first) + " | " + std::to_string(c.only_second) + text(" | %.2g |\n", c.p());
  return t;
}

/// Writes the tables again from all existing records.
void write_tables(const settings& s) {
  std::vector<measured> rows;
  const std::vector<run_record> runs = load_records(s.results);
  for (const row& r : all_rows()) {
    measured m{r, {}};
    for (const run_record& run : runs)
      if (run.row == r.name) m.runs.push_back(run);
    if (!m.runs.empty()) rows.push_back(std::move(m));
  }
  write_text(s.results / "results.json", to_json(rows, s.quick).dump(2) + "\n");
  write_text(s.results / "results.md", to_markdown(rows, s.quick));
}

}  // namespace

int reproduce(settings s) {
  // The least accuracy that a quick run must reach, as a fraction.
  constexpr double sane = 0.85;
  const std::vector<row> rows = rows_asked_for(s);
  struct job {
    const row* what;
    std::uint64_t seed;
  };
  std::vector<job> jobs;
  for (const row& r : rows)
    for (int i = 0; i < (s.seeds > 0 ? s.seeds : s.quick ? 1 : r.seeds); ++i)
      jobs.push_back({&r, default_seed + static_cast<std::uint64_t>(i)});

  std::vector<std::string> insane;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const row& r = *jobs[i].what;
    const int epochs = s.quick ? r.quick_epochs : r.epochs;
    const std::filesystem::path file = record_path(s.results, r.name, jobs[i].seed);
    const std::string name =
        text("%zu/%zu %s, seed %llu", i + 1, jobs.size(), r.name.c_str(), static_cast<unsigned long long>(jobs[i].seed));
    const bool done = std::filesystem::exists(file);
    if (!done) {
      settings one = s;
      one.model = r.name;
      one.backend = r.backend;
      one.seed = jobs[i].seed;
      one.label = name + ": ";
      if (const int status = run_recipe(command::reproduce, one); status != 0) {
        std::printf("stopped; the same command goes on with %s\n", name.c_str());
        return status;
      }
    }
    const run_record run = load_record(file);
    if (run.quick != s.quick || run.epochs() != epochs)
      throw tn::argument_error(file.string() + ": a " + (run.quick ? "quick" : "full") + " run of " + std::to_string(run.epochs()) +
                               " epochs, where " + (s.quick ? "a quick" : "a full") + " one of " + std::to_string(epochs) +
                               " is asked for; remove it, or name another folder with --results");
    std::printf("%s: %lld of %lld missed, %.2f %%; %d epochs, %.1f s, %.0f samples/s%s\n", name.c_str(),
                static_cast<long long>(run.misses()), static_cast<long long>(run.count()),
                percent(static_cast<double>(run.misses()), run.count()), run.epochs(), run.seconds, run.samples_per_second,
                done ? " (already there)" : "");
    std::fflush(stdout);
    if (!done) write_tables(s);
    if (s.quick && run.test_accuracy.back() < sane) insane.push_back(r.name);
  }
  write_tables(s);
  std::printf("tables: %s and .json\n", (s.results / "results.md").c_str());
  for (const std::string& name : insane)
    std::fprintf(stderr, "lenet5: %s did not learn: below %.0f %% on its test images\n", name.c_str(), 100 * sane);
  return insane.empty() ? 0 : 1;
}

}  // namespace lenet5
