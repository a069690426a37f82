// SPDX-License-Identifier: MIT
/// @file
/// What is measured, and the table made of it.
#pragma once

#include <benchmark/benchmark.h>

#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

namespace benchmarks {

/// Something to measure, single-threaded unless it says otherwise.
struct subject {
  std::string name;
  double flop = 0;     ///< of one iteration; 0: not counted
  double samples = 0;  ///< of one iteration; the figure is samples/s where given, else the time of an iteration
  int threads = 1;
  /// Set where what is measured chooses its threads by itself and tells how many in the counter "threads".
  bool chooses_threads = false;
  /// Set where it measures itself, once a repetition, by `SetIterationTime`.
  bool times_itself = false;
};

/// How long to measure.
struct effort {
  int repetitions = 5;
  double seconds = 0.1;  ///< of each repetition
  int epoch_samples = 12'800;
  int seeds = 10;       ///< of whole trainings
  int digits = 60'000;  ///< that they see, and of how many test digits at most
};

/// Registers a subject; `run` is a Google Benchmark function. The figure is the median over the repetitions.
void measure(subject what, const effort& how, std::function<void(benchmark::State&)> run);

/// Team sizes worth trying: 1, 2, 4 … and all.
const std::vector<int>& team_sizes();

/// "1 thread", "2 threads"
std::string threads_text(int threads);

/// Each file's subjects.
void measure_peak(const effort& how);
void measure_layers(const effort& how);
void measure_training(const effort& how);
void measure_inference(const effort& how);
/// A library that typenet is measured beside, where it was found when this was built. Its subjects are named "<name>: <ours>".
struct peer {
  std::string name;
  void (*measure)(const effort&);
  /// Whether it computes what typenet does: a line of text for the table's reader.
  std::string (*compare)() = nullptr;
};
/// Puts a peer among the others, from its own file.
struct registration {
  registration(const char* name, void (*measure)(const effort&), std::string (*compare)() = nullptr);
};
/// Those that were found.
const std::vector<peer>& peers();
/// Those that were not, and how to get them: a line of text each.
std::string missing_peers();

/// One line of the table.
struct figure {
  std::string name;
  double value = 0;
  std::string unit;
  std::string note = {};  ///< follows the name in the table, but is not part of it
  double gflops = 0;      ///< 0: not counted
  double peak_share = 0;  ///< a fraction of the peak of as many threads
  std::string peer = {};  ///< the fastest of those that did the same
  double ratio = 0;       ///< how many times as fast as that one this is
};

/// Trains a classifier of MNIST's digits from the start with several seeds: how long that takes, and how many digits are right.
/// @throws typenet::file_error if MNIST is not where typenet looks for it
std::vector<figure> time_to_accuracy(const effort& how);

/// All that was measured, the ratios that follow from it, and what another program measured: `more`.
std::vector<figure> figures(const std::vector<figure>& more);

/// "Intel Xeon …, 2 threads, g++ 12.2.0; typenet 0.1.0, AVX-512 …"
std::string machine();

void print_table(std::ostream& out, const std::vector<figure>& all);
void print_json(std::ostream& out, const std::vector<figure>& all);

/// Collects what Google Benchmark measures.
class collector : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override;
};

}  // namespace benchmarks
