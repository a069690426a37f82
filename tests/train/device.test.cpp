// SPDX-License-Identifier: MIT
// Tests training on a device that records its steps and has memory of its own, on a device on the host (support/recording_backend.hpp).
#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <typenet/typenet.hpp>

#include "recording_backend.hpp"

namespace tn = typenet;
using testing::recording_device;

namespace {

using net = tn::network<tn::input<1, 6, 6>, tn::conv2d<3, 3>, tn::tanh, tn::avg_pool2d<2>, tn::flatten, tn::linear<4>>;
using data_set = tn::tensor_dataset<tn::shape{1, 6, 6}, 4>;

using recorded = testing::recording_backend<double, true>;
using unrecorded = testing::recording_backend<double, false>;

/// Returns samples of noise, brighter where their class is.
data_set samples(int count, std::uint32_t tag) {
  std::vector<float> images;
  std::vector<int> labels;
  tn::random_sequence random{tn::counter_rng{tn::seed{11}, tn::random_stream::user}, 0, tag};
  for (int i = 0; i < count; ++i) {
    labels.push_back(i % 4);
    for (int p = 0; p < 36; ++p) images.push_back((p / 9 == i % 4 ? 1.0f : 0.0f) + random.uniform(-1.0f, 1.0f));
  }
  return data_set{std::move(images), std::move(labels)};
}

template <class Model>
std::vector<double> learned(const Model& model) {
  std::vector<double> all(static_cast<std::size_t>(model.parameter_array().size()));
  model.parameter_array().copy_to(all);
  return all;
}

/// Trains an epoch, changes something, and trains two more epochs. Returns the parameters.
template <class Backend, class Optimizer, class Change>
std::vector<double> trained(const Optimizer& optimizer, const Change& change) {
  using model_type = tn::model<net, Backend>;
  const auto data = samples(43, 1);
  model_type model{tn::seed{3}};
  const tn::fit_options options{
      .epochs = 3, .batch_size = 8, .on_epoch = [](const auto& e) { return e.epoch == 1 ? tn::control::stop : tn::control::proceed; }};
  tn::trainer trainer{model, tn::mse{}, optimizer, options};
  trainer.fit(data);
  change(model, trainer);
  trainer.fit(data);
  return learned(model);
}

/// Checks that a recording is not replayed on memory that is no longer the trainer's.
template <class Optimizer, class Change>
void check(const Optimizer& optimizer, const Change& change) {
  recording_device::reset();
  const auto expected = trained<unrecorded>(optimizer, change);
  CHECK(recording_device::recorded == 0);
  const auto actual = trained<recorded>(optimizer, change);
  CHECK(recording_device::recorded > 0);
  CHECK(recording_device::replayed > 0);
  CHECK(actual == expected);
}

constexpr auto nothing = [](auto&, auto&) {};

/// Trains `steps` steps on the same samples. Returns the losses.
template <class Backend>
std::vector<double> stepped(int steps) {
  tn::model<net, Backend> model{tn::seed{3}};
  tn::trainer trainer{model, tn::cross_entropy{}, tn::adam{}, tn::fit_options{.batch_size = 8}};
  std::vector<double> losses, images;
  const auto data = samples(8, 2);
  std::vector<float> row(36);
  for (tn::index i = 0; i < 8; ++i) {
    data.read(i, tn::sample_key::evaluation(), row);
    images.insert(images.end(), row.begin(), row.end());
  }
  const std::vector<int> labels{0, 1, 2, 3, 0, 1, 2, 3};
  recording_device::reset();
  for (int s = 0; s < steps; ++s) losses.push_back(trainer.step(std::span<const double>{images}, std::span<const int>{labels}));
  return losses;
}

/// Trains and validates. Returns the parameters.
std::vector<double> validated(const data_set& data) {
  tn::model<net, recorded> model{tn::seed{3}};
  tn::fit(model, data, tn::mse{}, tn::stochastic_diagonal_lm{}, {.epochs = 3, .batch_size = 8, .validation_split = 0.25});
  return learned(model);
}

}  // namespace

TEST_CASE("a recorded step is replayed on the memory it was recorded with, and on no other") {
  SUBCASE("second derivatives are estimated anew before each epoch") { check(tn::stochastic_diagonal_lm{}, nothing); }
  SUBCASE("a model is moved into under a trainer") {
    check(tn::adam{}, [](auto& model, auto&) { model = std::remove_reference_t<decltype(model)>{tn::seed{9}}; });
  }
  SUBCASE("a state of the optimizer is replaced") {
    check(tn::adam{}, [](auto&, auto& trainer) {
      auto& state = trainer.optimizer_state(0);
      state = std::remove_reference_t<decltype(state)>{state.size()};
    });
  }
}

TEST_CASE("a step is recorded once, and the first time is not part of the recording") {
  recording_device::reset();
  trained<recorded>(tn::stochastic_diagonal_lm{}, nothing);
  // Five full batches in each of three epochs.
  CHECK(recording_device::recorded == 1);
  CHECK(recording_device::replayed == 3 * 5 - 1);

  const auto losses = stepped<recorded>(6);
  CHECK(recording_device::recorded == 1);
  CHECK(recording_device::replayed == 5);
  // The numbers of the samples, their labels, and all else in one: the layout converter of this device copies nothing.
  CHECK(recording_device::copies == 6 * 3);
  CHECK(losses == stepped<unrecorded>(6));
}

TEST_CASE("fit copies a data set to the device once: for all epochs, second derivatives and validation") {
  const auto data = samples(400, 1);
  recording_device::reset();
  constexpr std::size_t bytes = 400 * 36 * sizeof(float);
  recording_device::large = bytes;
  validated(data);
  CHECK(recording_device::copied == bytes);
}

TEST_CASE("a data set that does not fit on the device is read by the host, with the same results") {
  const auto data = samples(8000, 1);
  recording_device::reset();
  const auto expected = validated(data);
  recording_device::size = recording_device::used + 8000 * 36 * sizeof(float);
  CHECK(validated(data) == expected);

  tn::model<net, recorded> model{tn::seed{3}};
  const auto found = tn::evaluate(model, data, tn::mse{});
  recording_device::reset();
  CHECK(found.predicted == tn::evaluate(model, data, tn::mse{}).predicted);
  CHECK(found.loss == tn::evaluate(model, data, tn::mse{}).loss);
}
