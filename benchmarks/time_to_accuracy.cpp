// SPDX-License-Identifier: MIT
// Measures the time to 99 % test accuracy on MNIST: two epochs from the start. Loading data and testing are not timed.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include <typenet/data.hpp>
#include <typenet/typenet.hpp>

#include "lenet5.hpp"
#include "measure.hpp"

namespace benchmarks {
namespace {

namespace tn = typenet;

/// The number of epochs. The learning rate first rises to its peak, then falls to zero. The peak was chosen on 10,000 training digits.
constexpr int epochs = 2;
constexpr double peak = 6e-3, start = 0.1, rise = 0.15;
double rate_at(double progress) { return peak * (progress < rise ? start + (1 - start) * progress / rise : (1 - progress) / (1 - rise)); }

template <class Data>
double seconds_of_training(tn::model<classifier>& model, const Data& data) {
  using trainer_type = tn::trainer<tn::model<classifier>, tn::cross_entropy, tn::adamw>;
  trainer_type* running = nullptr;
  const auto adapt = [&running](const tn::step_report& now) {
    const double all = static_cast<double>(now.total) * epochs;
    const double done = static_cast<double>(now.total) * (now.epoch - 1) + static_cast<double>(now.samples);
    running->optimizer().learning_rate = rate_at(done / all);
    return tn::control::proceed;
  };
  const auto begin = std::chrono::steady_clock::now();
  trainer_type trainer{model,
                       tn::cross_entropy{},
                       tn::adamw{.learning_rate = rate_at(0), .weight_decay = 1e-2},
                       {.epochs = epochs, .batch_size = 32, .on_step = adapt}};
  running = &trainer;
  trainer.fit(data);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace

std::vector<figure> time_to_accuracy(const effort& how) {
  const int seeds = how.seeds;
  const auto prepared = [&how](tn::mnist_split split) {
    const tn::mnist_dataset digits = tn::load_mnist(split);
    std::vector<tn::index> first(static_cast<std::size_t>(std::min<tn::index>(how.digits, digits.size())));
    std::iota(first.begin(), first.end(), tn::index{0});
    return tn::transformed(tn::subset{digits, first}, tn::pad<32, 32>{}, tn::normalize{0.1307f, 0.3081f});
  };
  const auto training = prepared(tn::mnist_split::train), testing = prepared(tn::mnist_split::test);
  std::vector<double> seconds;
  double accuracy = 0, lowest = 1;
  for (int s = 0; s < seeds; ++s) {
    tn::model<classifier> model{tn::seed{static_cast<std::uint64_t>(100 + s)}};
    seconds.push_back(seconds_of_training(model, training));
    const double one = tn::evaluate(model, testing).accuracy;
    accuracy += one / seeds;
    lowest = std::min(lowest, one);
  }
  std::sort(seconds.begin(), seconds.end());
  const std::string of = "MNIST, two epochs of " + std::to_string(training.size()) + " digits from the start, " + std::to_string(seeds) +
                         (seeds == 1 ? " seed" : " seeds");
  return {{.name = of + ": median time", .value = seconds[seconds.size() / 2], .unit = "s"},
          {.name = of + ": mean test accuracy", .value = 100 * accuracy, .unit = "%"},
          {.name = of + ": lowest test accuracy", .value = 100 * lowest, .unit = "%"}};
}

}  // namespace benchmarks
