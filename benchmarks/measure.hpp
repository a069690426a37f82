// SPDX-License-Identifier: MIT
/// @file
/// Registers the subjects to measure, collects the figures, and prints the table.
#pragma once

#include <benchmark/benchmark.h>

#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

namespace benchmarks {

/// A subject to measure. It is single-threaded by default.
struct subject {
  std::string name;
  double flop = 0;     ///< FLOP per iteration; 0: not counted
  double samples = 0;  ///< samples per iteration; positive: the figure is samples/s; 0: the time of an iteration
  int threads = 1;
  /// True if the subject chooses its number of threads and reports it in the counter "threads".
  bool chooses_threads = false;
  /// True if the subject measures its own time and reports it once per repetition with `SetIterationTime`.
  bool times_itself = false;
};

/// The length of the measurements.
struct effort {
  int repetitions = 5;
  double seconds = 0.1;  ///< duration of each repetition
  int epoch_samples = 12'800;
  int seeds = 10;       ///< number of complete trainings
  int digits = 60'000;  ///< training digits per complete training, and the largest number of test digits
};

/// Registers a subject; `run` is a Google Benchmark function. The figure is the median over the repetitions.
void measure(subject what, const effort& how, std::function<void(benchmark::State&)> run);

/// The numbers of threads to measure: 1, 2, 4 … and all.
const std::vector<int>& team_sizes();

/// Formats a number of threads: "1 thread", "2 threads".
std::string threads_text(int threads);

/// Register the subjects of one source file each.
void measure_peak(const effort& how);
void measure_layers(const effort& how);
void measure_training(const effort& how);
void measure_inference(const effort& how);
/// A library to compare typenet with, found at configuration. Its subjects are named "<name>: <subject of typenet>".
struct peer {
  std::string name;
  void (*measure)(const effort&);
  /// Compares the results of the peer with those of typenet and returns one line of text for the table; null: no comparison.
  std::string (*compare)() = nullptr;
};
/// Registers a peer from a static variable in its source file.
struct registration {
  registration(const char* name, void (*measure)(const effort&), std::string (*compare)() = nullptr);
};
/// The peers that were found.
const std::vector<peer>& peers();
/// The peers that were not found and how to install them, one line of text each.
std::string missing_peers();

/// One line of the table.
struct figure {
  std::string name;
  double value = 0;
  std::string unit;
  std::string note = {};  ///< printed after the name in the table; not part of the name
  double gflops = 0;      ///< GFLOP/s; 0: not counted
  double peak_share = 0;  ///< fraction of the peak with this number of threads
  std::string peer = {};  ///< the fastest peer for the task
  double ratio = 0;       ///< speed of typenet divided by the speed of the fastest peer
};

/// Trains a classifier of MNIST from the start with several seeds. Measures the training time and the accuracy.
/// @throws typenet::file_error if MNIST is not in a folder that typenet searches
std::vector<figure> time_to_accuracy(const effort& how);

/// All measured figures with their ratios, followed by the figures `more` of another program.
std::vector<figure> figures(const std::vector<figure>& more);

/// Describes the machine and the build: "Intel Xeon …, 2 threads, g++ 12.2.0; typenet 0.1.0, AVX-512 …".
std::string machine();

void print_table(std::ostream& out, const std::vector<figure>& all);
void print_json(std::ostream& out, const std::vector<figure>& all);

/// Collects the measurements of Google Benchmark.
class collector : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override;
};

}  // namespace benchmarks
