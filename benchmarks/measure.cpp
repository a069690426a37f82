// SPDX-License-Identifier: MIT
#include "measure.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>
#include <ostream>
#include <thread>
#include <utility>

#include <typenet/backends/build_info.hpp>
#include <typenet/backends/eigen/backend.hpp>

#include "fma_peak.hpp"

namespace benchmarks {
namespace {

struct result {
  subject what;
  std::vector<double> seconds;  // `[repetition]`, seconds per iteration
};

/// All results, in the order of registration, which is also the order of the table.
std::vector<result>& results() {
  static std::vector<result> all;
  return all;
}
/// Measured peaks in GFLOP/s for each number of threads, repeated throughout the session.
std::map<int, std::vector<double>>& peaks() {
  static std::map<int, std::vector<double>> of_threads;
  return of_threads;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

/// The median peak in GFLOP/s. A median follows changes of the clock frequency, as do the figures of the subjects.
double peak(int threads) {
  auto& seen = peaks()[threads];
  if (seen.empty()) seen.push_back(fma_peak(threads));
  return median(seen);
}

std::string threads_note(int threads) {
  std::string note = " (";
  return note.append(threads_text(threads)).append(")");
}

figure figure_of(const result& r) {
  const double seconds = median(r.seconds);
  figure f;
  f.name = r.what.name;
  if (r.what.chooses_threads) f.note = threads_note(r.what.threads);
  f.value = r.what.samples > 0 ? r.what.samples / seconds : seconds * 1e6;
  f.unit = r.what.samples > 0 ? "samples/s" : "us";
  if (r.what.flop > 0) {
    f.gflops = r.what.flop / seconds * 1e-9;
    f.peak_share = f.gflops / peak(r.what.threads);
  }
  return f;
}

std::vector<peer>& found_peers() {
  static std::vector<peer> all;
  return all;
}
bool is_of_a_peer(const std::string& name) {
  return std::any_of(peers().begin(), peers().end(), [&](const peer& p) { return name.starts_with(p.name + ": "); });
}
/// Removes the number of threads from the end of the name of a subject.
std::string without_threads(const std::string& name) {
  const std::size_t comma = name.rfind(", ");
  return comma == std::string::npos || name.find("thread", comma) == std::string::npos ? name : name.substr(0, comma);
}
/// The shortest time of a subject over all numbers of threads, in seconds; 0 if it was not measured.
double fastest(const std::string& name) {
  double best = 0;
  for (const result& r : results())
    if (!r.seconds.empty() && without_threads(r.what.name) == name && (best == 0 || median(r.seconds) < best)) best = median(r.seconds);
  return best;
}
double samples_of(const std::string& name) {
  for (const result& r : results())
    if (without_threads(r.what.name) == name) return r.what.samples;
  return 0;
}

const result* find(const std::string& name) {
  for (const result& r : results())
    if (r.what.name == name && !r.seconds.empty()) return &r;
  return nullptr;
}

std::string rounded(double value) {
  char text[64];
  const int decimals = value >= 1000 ? 0 : value >= 100 ? 1 : value >= 10 ? 2 : 3;
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return text;
}

/// Formats a number with separators between thousands.
std::string grouped(double value) {
  const std::string digits = rounded(value);
  const std::size_t whole = std::min(digits.find('.'), digits.size());
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && i < whole && (whole - i) % 3 == 0) text.push_back(',');
    text.push_back(digits[i]);
  }
  return text;
}

std::string quoted(const std::string& text) {
  std::string q = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') q += '\\';
    q += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return q += '"';
}

std::string processor() {
  std::ifstream info{"/proc/cpuinfo"};
  for (std::string line; std::getline(info, line);)
    if (line.starts_with("model name")) {
      const std::size_t colon = line.find(": ");
      if (colon != std::string::npos) return line.substr(colon + 2);
    }
  return "unknown processor";
}

}  // namespace

void measure(subject what, const effort& how, std::function<void(benchmark::State&)> run) {
  auto* const registered = benchmark::RegisterBenchmark(what.name.c_str(), [run = std::move(run)](benchmark::State& state) {
    // Gives the threads of the previous subject time to stop spinning, so that they do not slow this one.
    std::this_thread::sleep_for(std::chrono::milliseconds{50});
    run(state);
  });
  registered->Repetitions(how.repetitions);
  if (what.times_itself)
    registered->Iterations(1)->UseManualTime();
  else
    registered->MinTime(how.seconds)->UseRealTime();
  results().push_back({std::move(what), {}});
}

registration::registration(const char* name, void (*measure)(const effort&), std::string (*compare)()) {
  found_peers().push_back({name, measure, compare});
}
const std::vector<peer>& peers() { return found_peers(); }

std::string missing_peers() {
  constexpr const char* known[][2] = {{"libtorch", "Debian: libtorch-dev"},
                                      {"dlib", "Debian: libdlib-dev, with OpenBLAS, libopenblas0-pthread"},
                                      {"oneDNN", "Debian: libdnnl-dev"},
                                      {"ONNX Runtime", "npm: onnxruntime-node, and Debian: nodejs, libonnx-dev"}};
  std::string text;
  for (const auto& [name, source] : known)
    if (std::none_of(peers().begin(), peers().end(), [&, n = name](const peer& p) { return p.name == n; }))
      text.append("Not measured: ").append(name).append(", which this was built without (").append(source).append(").\n");
  return text;
}

std::string threads_text(int threads) { return std::to_string(threads) + (threads == 1 ? " thread" : " threads"); }

const std::vector<int>& team_sizes() {
  static const std::vector<int> sizes = [] {
    const int most = typenet::cpu::max_threads();
    std::vector<int> all;
    for (int threads = 1; threads < most; threads *= 2) all.push_back(threads);
    all.push_back(most);
    return all;
  }();
  return sizes;
}

void measure_peak(const effort& how) {
  constexpr double how_long = 0.05;
  for (const int threads : team_sizes()) {
    benchmark::RegisterBenchmark(("FMA peak, " + threads_text(threads)).c_str(),
                                 [threads](benchmark::State& state) {
                                   for ([[maybe_unused]] const auto _ : state) peaks()[threads].push_back(fma_peak(threads, how_long));
                                 })
        ->Repetitions(4 * how.repetitions)
        ->Iterations(1);
  }
}

void collector::ReportRuns(const std::vector<Run>& runs) {
  for (const Run& run : runs) {
    if (run.run_type != Run::RT_Iteration || run.iterations == 0) continue;
    for (result& r : results()) {
      if (r.what.name != run.run_name.function_name) continue;
      r.seconds.push_back(run.real_accumulated_time / static_cast<double>(run.iterations));
      const auto threads = run.counters.find("threads");
      if (threads == run.counters.end()) continue;
      r.what.threads = static_cast<int>(threads->second.value);
      r.what.chooses_threads = true;
    }
  }
}

std::vector<figure> figures(const std::vector<figure>& more) {
  std::vector<figure> all;
  for (const result& r : results())
    if (!r.seconds.empty()) all.push_back(figure_of(r));

  // Each summary follows the last figure that it summarizes.
  const auto insert_after = [&all](const std::string& name, const figure& summary) {
    const auto at = std::find_if(all.begin(), all.end(), [&](const figure& f) { return f.name == name; });
    all.insert(at == all.end() ? at : at + 1, summary);
  };
  for (const int batch : {32, 256}) {
    const std::string step = "training step, batch " + std::to_string(batch) + ", ";
    const result* best = nullptr;
    std::string last;
    for (const int threads : team_sizes()) {
      const result* r = find(step + threads_text(threads));
      if (r == nullptr) continue;
      if (best == nullptr || median(r->seconds) < median(best->seconds)) best = r;
      last = r->what.name;
    }
    if (best == nullptr) continue;
    figure f = figure_of(*best);
    f.name = step + "best thread count";
    f.note = threads_note(best->what.threads);
    insert_after(last, f);
  }
  const result* plain = find("training epoch through fit, batch 32");
  const result* augmented = find("training epoch through fit, batch 32, augmented");
  if (plain != nullptr && augmented != nullptr)
    insert_after(augmented->what.name,
                 {"augmented epoch's time over plain", median(augmented->seconds) / median(plain->seconds), "ratio", {}, 0, 0});

  // For each figure of typenet, finds the fastest peer for the task, with the best number of threads for that peer.
  for (figure& f : all) {
    const std::string name = without_threads(f.name);
    if (is_of_a_peer(name) || fastest(name) == 0) continue;
    double theirs = 0;
    for (const peer& p : peers()) {
      const double one = fastest(p.name + ": " + name);
      if (one == 0 || (theirs > 0 && one >= theirs)) continue;
      theirs = one;
      f.peer = p.name;
    }
    if (theirs > 0) f.ratio = theirs / (f.unit == "us" ? f.value * 1e-6 : samples_of(name) / f.value);
  }

  std::vector<figure> ceilings;
  for (const auto& [threads, seen] : peaks()) ceilings.push_back({"FMA peak, " + threads_text(threads), median(seen), "GFLOP/s", {}, 0, 1});
  all.insert(all.begin(), ceilings.begin(), ceilings.end());
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

std::string machine() {
  const typenet::build_facts facts = typenet::build_info();
  return processor() + ", " + threads_text(static_cast<int>(std::thread::hardware_concurrency())) + "; " +
#if defined(__clang__)
         "clang++ "
#elif defined(__GNUC__)
         "g++ "
#endif
         + facts.compiler + "; " + to_string(facts);
}

void print_table(std::ostream& out, const std::vector<figure>& all) {
  out << "Machine: " << machine() << "\n\n";
  out << "| name | value | unit | share of peak | fastest peer | times as fast |\n|---|---:|---|---:|---|---:|\n";
  for (const figure& f : all) {
    out << "| " << f.name << f.note << " | " << grouped(f.value) << " | " << f.unit << " | ";
    if (f.gflops > 0) {
      char share[64];
      std::snprintf(share, sizeof share, "%.1f %% (%.1f GFLOP/s)", 100 * f.peak_share, f.gflops);
      out << share;
    } else if (f.peak_share > 0) {
      out << "100 %";
    }
    out << " | " << f.peer << " | ";
    if (f.ratio > 0) out << rounded(f.ratio);
    out << " |\n";
  }
}

void print_json(std::ostream& out, const std::vector<figure>& all) {
  const char* between = "[\n";
  const auto entry = [&](const std::string& name, double value, const std::string& unit, const figure& f) {
    out << between << "  {\"name\": " << quoted(name) << ", \"value\": " << value << ", \"unit\": " << quoted(unit)
        << ", \"peer\": " << (f.ratio > 0 ? quoted(f.peer) : "null") << ", \"ratio\": ";
    if (f.ratio > 0)
      out << f.ratio;
    else
      out << "null";
    out << "}";
    between = ",\n";
  };
  out.precision(9);
  for (const figure& f : all) {
    entry(f.name, f.value, f.unit, f);
    if (f.gflops > 0) {
      entry(f.name + ": rate", f.gflops, "GFLOP/s", {});
      entry(f.name + ": share of peak", 100 * f.peak_share, "%", {});
    }
  }
  out << (all.empty() ? "[]\n" : "\n]\n");
}

}  // namespace benchmarks
