// SPDX-License-Identifier: MIT
// The benchmark program: typenet_benchmarks [--quick] [--json FILE] [--figure NAME VALUE UNIT]... [options of Google Benchmark]
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include <typenet/core/error.hpp>

#include "measure.hpp"

namespace {

struct arguments {
  benchmarks::effort how;
  /// True if a filter selects a part of the subjects.
  bool filtered = false;
  std::string json;
  std::vector<benchmarks::figure> more;
  std::vector<char*> passed_on;
};

arguments parse(int argc, char** argv) {
  arguments a;
  // Interleaves the repetitions of different subjects, so that a short disturbance of the machine affects many figures a little.
  static char interleave[] = "--benchmark_enable_random_interleaving=true";
  a.passed_on = {argv[0], interleave};
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const auto next = [&] {
      if (++i >= argc) throw std::invalid_argument(argument + " needs more arguments");
      return std::string{argv[i]};
    };
    if (argument == "--quick") {
      a.how = {.repetitions = 5, .seconds = 0.01, .epoch_samples = 1'600, .seeds = 1, .digits = 2'000};
    } else if (argument == "--json") {
      a.json = next();
    } else if (argument == "--figure") {
      benchmarks::figure f;
      f.name = next();
      f.value = std::stod(next());
      f.unit = next();
      a.more.push_back(f);
    } else {
      a.filtered = a.filtered || argument.starts_with("--benchmark_filter");
      a.passed_on.push_back(argv[i]);
    }
  }
  return a;
}

}  // namespace

int main(int argc, char** argv) try {
  arguments a = parse(argc, argv);
  int count = static_cast<int>(a.passed_on.size());
  a.passed_on.push_back(nullptr);
  benchmark::Initialize(&count, a.passed_on.data());
  if (benchmark::ReportUnrecognizedArguments(count, a.passed_on.data())) return 2;
  std::ofstream json;
  if (!a.json.empty()) {
    json.open(a.json);
    if (!json) throw std::runtime_error("cannot write " + a.json);
  }

  benchmarks::measure_peak(a.how);
  benchmarks::measure_training(a.how);
  benchmarks::measure_inference(a.how);
  benchmarks::measure_layers(a.how);
  for (const benchmarks::peer& p : benchmarks::peers()) p.measure(a.how);
  benchmarks::collector collector;
  benchmark::RunSpecifiedBenchmarks(&collector);

  std::string remarks;
  if (!a.filtered) try {
      for (const benchmarks::figure& f : benchmarks::time_to_accuracy(a.how)) a.more.push_back(f);
    } catch (const typenet::file_error& e) {
      remarks = std::string{"Not measured: time to accuracy on MNIST ("} + e.what() + ").\n";
    }
  for (const benchmarks::peer& p : benchmarks::peers())
    if (!a.filtered && p.compare != nullptr) remarks += p.compare() + "\n";
  remarks += benchmarks::missing_peers();
  const std::vector<benchmarks::figure> all = benchmarks::figures(a.more);
  benchmarks::print_table(std::cout, all);
  if (!remarks.empty()) std::cout << "\n" << remarks;
  if (!a.json.empty()) {
    benchmarks::print_json(json, all);
    json.close();
    if (!json) throw std::runtime_error("cannot write " + a.json);
  }
  return 0;
} catch (const std::exception& e) {
  std::cerr << "typenet_benchmarks: " << e.what() << "\n";
  return 1;
}
