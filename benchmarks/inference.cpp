// SPDX-License-Identifier: MIT
// Measures inference through model.predict, which runs on the calling thread.
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "lenet5.hpp"
#include "measure.hpp"

namespace benchmarks {
namespace {

template <class Network, class Backend>
struct predicting {
  static constexpr auto inputs = static_cast<std::size_t>(Network::input_shape.size());
  static constexpr auto outputs = static_cast<std::size_t>(Network::output_shape.size());

  explicit predicting(int count)
      : samples{random_numbers(static_cast<std::size_t>(count) * inputs, 4)}, answers(static_cast<std::size_t>(count) * outputs) {}

  typenet::model<Network, Backend> model{typenet::seed{42}};
  std::vector<float> samples, answers;
};

template <class Backend, class Network = lenet5>
void measure_predictions(const std::string& name, int batch, int threads, const effort& how) {
  using subject_type = predicting<Network, Backend>;
  const auto shared = std::make_shared<std::unique_ptr<subject_type>>();
  // A batch of one is reported as a time, a larger batch as samples per second.
  measure({.name = name, .flop = 2.0 * static_cast<double>(Network::macs) * batch, .samples = batch == 1 ? 0.0 : batch, .threads = threads},
          how, [=](benchmark::State& state) {
            if (*shared == nullptr) {
              *shared = std::make_unique<subject_type>(batch);
              (*shared)->model.set_threads(threads);
            }
            subject_type& p = **shared;
            for ([[maybe_unused]] const auto _ : state) {
              p.model.predict(p.samples, p.answers, batch);
              benchmark::ClobberMemory();
            }
          });
}

}  // namespace

void measure_inference(const effort& how) {
  measure_predictions<typenet::cpu_single>("inference, one sample", 1, 1, how);
  measure_predictions<typenet::cpu>("inference, batch 1, in lanes", 1, 1, how);
  for (const int threads : team_sizes()) {
    const std::string team = ", " + threads_text(threads);
    for (const int batch : {32, 1000})
      measure_predictions<typenet::cpu>("inference, batch " + std::to_string(batch) + team, batch, threads, how);
    measure_predictions<typenet::cpu, classifier>("inference, batch 1000, classifier" + team, 1000, threads, how);
  }
}

}  // namespace benchmarks
