// SPDX-License-Identifier: MIT
// Measures training as a user runs it: single steps on data in memory, and whole epochs through a data set.
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <typenet/data/transforms.hpp>

#include "lenet5.hpp"
#include "measure.hpp"

namespace benchmarks {
namespace {

namespace tn = typenet;

/// A model and its trainer, with the settings of the seed experiments.
template <class Network = lenet5, class Loss = tn::mse>
struct session {
  using trainer_type = tn::trainer<tn::model<Network>, Loss, tn::adam>;

  explicit session(tn::fit_options options)
      : trainer{model, Loss{}, tn::adam{.learning_rate = 3e-4, .weight_decay = 1e-4}, std::move(options)} {}
  session(const session&) = delete;
  session& operator=(const session&) = delete;
  ~session() = default;

  tn::model<Network> model{tn::seed{42}};
  trainer_type trainer;
};

/// Trains in turn on several batches, because a single batch would stay in the cache.
template <class Network, class Loss>
struct stepping : session<Network, Loss> {
  static constexpr int batches = 8;
  static constexpr auto inputs = static_cast<std::size_t>(Network::input_shape.size());

  stepping(int batch_size, int threads)
      : session<Network, Loss>{{.batch_size = batch_size, .threads = threads}},
        batch{static_cast<std::size_t>(batch_size)},
        samples{random_numbers(batches * batch * inputs, 2)},
        labels(batches * batch) {
    for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<int>(i % 10);
  }
  double step() {
    const std::size_t first = (next++ % batches) * batch;
    return this->trainer.step(std::span<const float>{samples}.subspan(first * inputs, batch * inputs),
                              std::span<const int>{labels}.subspan(first, batch));
  }

  std::size_t batch;
  std::vector<float> samples;
  std::vector<int> labels;
  std::size_t next = 0;
};

template <class Network = lenet5, class Loss = tn::mse>
void measure_steps(const std::string& name, double flop, int batch, int threads, const effort& how) {
  using stepping_type = stepping<Network, Loss>;
  const auto shared = std::make_shared<std::unique_ptr<stepping_type>>();
  measure({.name = name + ", " + threads_text(threads), .flop = flop * batch, .samples = static_cast<double>(batch), .threads = threads},
          how, [=](benchmark::State& state) {
            if (*shared == nullptr) *shared = std::make_unique<stepping_type>(batch, threads);
            for ([[maybe_unused]] const auto _ : state) benchmark::DoNotOptimize((*shared)->step());
          });
}

/// Trains with one sample per step, without a batch to fill the lanes.
template <class Network, class Loss>
struct single_stepping {
  using model_type = tn::model<Network, tn::cpu_single>;
  static constexpr std::size_t count = 64;
  static constexpr auto inputs = static_cast<std::size_t>(Network::input_shape.size());

  explicit single_stepping(const Loss& loss) : trainer{model, loss, tn::sgd{.learning_rate = 1e-3}, {.batch_size = 1, .threads = 1}} {}
  single_stepping(const single_stepping&) = delete;
  single_stepping& operator=(const single_stepping&) = delete;
  ~single_stepping() = default;

  double step() {
    const std::size_t sample = next++ % count;
    const int label = static_cast<int>(sample % 10);
    return trainer.step(std::span<const float>{samples}.subspan(sample * inputs, inputs), std::span<const int>{&label, 1});
  }

  model_type model{tn::seed{42}};
  tn::trainer<model_type, Loss, tn::sgd> trainer;
  std::vector<float> samples = random_numbers(count * inputs, 5);
  std::size_t next = 0;
};

template <class Network, class Loss>
void measure_single_steps(const std::string& name, double flop, const Loss& loss, const effort& how) {
  using stepping_type = single_stepping<Network, Loss>;
  const auto shared = std::make_shared<std::unique_ptr<stepping_type>>();
  measure({.name = name, .flop = flop, .samples = 1}, how, [=](benchmark::State& state) {
    if (*shared == nullptr) *shared = std::make_unique<stepping_type>(loss);
    for ([[maybe_unused]] const auto _ : state) benchmark::DoNotOptimize((*shared)->step());
  });
}

/// Makes images in memory with the layout of MNIST, augmented by the `random` transforms.
template <class... Random>
auto images(int count, const Random&... random) {
  tn::random_sequence noise{tn::counter_rng{tn::seed{1}, tn::random_stream::shuffle}, 0, 3};
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(count) * 28 * 28);
  for (std::uint8_t& p : pixels) p = static_cast<std::uint8_t>(noise.below(256));
  std::vector<int> labels(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<int>(i % 10);
  const tn::image_dataset<tn::shape{1, 28, 28}, 10> stored{std::move(pixels), std::move(labels)};
  return tn::transformed(stored, tn::resize<32, 32>{}, random..., tn::normalize{0.1307f, 0.3081f});
}

template <class Data>
struct fitting : session<> {
  explicit fitting(Data set) : session{{.epochs = 1, .batch_size = 32, .threads = 0}}, data{std::move(set)} {}
  void epoch() {
    tn::training_progress progress = trainer.progress();
    progress.epoch = 0;
    trainer.resume_from(progress, trainer.seed());
    trainer.fit(data);
  }
  Data data;
};

template <class... Random>
void measure_epochs(const std::string& suffix, const effort& how, const Random&... random) {
  using data = decltype(images(0, random...));
  const auto shared = std::make_shared<std::unique_ptr<fitting<data>>>();
  const int count = how.epoch_samples;
  measure({.name = "training epoch through fit, batch 32" + suffix, .flop = training_flop * count, .samples = static_cast<double>(count)},
          how, [=](benchmark::State& state) {
            if (*shared == nullptr) {
              *shared = std::make_unique<fitting<data>>(images(count, random...));
              // The first epoch determines the number of threads.
              (*shared)->epoch();
            }
            for ([[maybe_unused]] const auto _ : state) (*shared)->epoch();
            state.counters["threads"] = (*shared)->trainer.threads();
          });
}

}  // namespace

void measure_training(const effort& how) {
  for (const int batch : {32, 256})
    for (const int threads : team_sizes())
      measure_steps("training step, batch " + std::to_string(batch), training_flop, batch, threads, how);
  for (const int threads : team_sizes())
    measure_steps<branched, tn::cross_entropy>("training step, batch 32, residual and concat on 3x32x32", branched_flop, 32, threads, how);
  for (const int threads : team_sizes())
    measure_steps<classifier, tn::cross_entropy>("training step, batch 32, classifier", classifier_flop, 32, threads, how);
  measure_single_steps<classic>("training step, batch 1", classic_flop, tn::cross_entropy{}, how);
  measure_single_steps<network1989>("training step, batch 1, network of 1989", flop_1989, tn::mse{.on = 1, .off = -1}, how);
  measure_epochs("", how);
  measure_epochs(", augmented", how, tn::random_rotation{15.0f}, tn::color_jitter{.brightness = 0.2f, .contrast = 0.2f});
}

}  // namespace benchmarks
