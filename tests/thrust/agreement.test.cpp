// SPDX-License-Identifier: MIT
// Compares the Thrust backend with the Eigen backend. Initial weights, shuffles, dropout masks and augmented samples are equal to the last
// bit. Complete trainings agree up to rounding, for every kind of data set.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "network_runner.hpp"
#include "support.hpp"

namespace tn = typenet;
using namespace on_thrust;

namespace {

template <class Scalar>
void check_initial_weights() {
  for (const std::uint64_t s : {0u, 42u}) {
    const tn::model<classifier, tn::thrust_backend<Scalar>> here{tn::seed{s}};
    const tn::model<classifier, tn::eigen_backend<Scalar>> there{tn::seed{s}};
    CHECK(same_bits(learned(here), learned(there)));
    const tn::init::scheme scheme{.weight = tn::init::xavier_normal(), .bias = tn::init::constant(0.25)};
    const tn::model<classifier, tn::thrust_backend<Scalar>> here_by_scheme{tn::seed{s}, scheme};
    CHECK_FALSE(same_bits(learned(here_by_scheme), learned(here)));
    CHECK(same_bits(learned(here_by_scheme), learned(tn::model<classifier, tn::eigen_backend<Scalar>>{tn::seed{s}, scheme})));
  }
}

template <class Backend>
std::vector<std::uint32_t> shuffled(tn::index count, std::uint32_t epoch) {
  typename Backend::stream stream;
  tn::detail::sample_order<Backend> order;
  order.shuffle(stream, tn::seed{42}, epoch, count, tn::random_stream::shuffle);
  stream.wait();
  return copy_of(order.numbers());
}

template <class Net, class Backend>
std::vector<std::vector<double>> dropped(std::uint32_t epoch) {
  // Three warps, the last one partly used. The first sample number is not a multiple of the warp size.
  constexpr int batch = 70;
  testing::network_runner<Net, Backend> run{batch};
  run.set_seed(tn::seed{42}, epoch);
  run.set_first_sample(1001);
  const std::vector<double> ones(static_cast<std::size_t>(batch * Net::input_shape.size()), 1.0);
  return {run.forward(ones, batch), run.backward(ones)};
}

/// @param kept the value that dropout gives to a kept 1
template <class Net>
void check_dropout(double kept) {
  for (const std::uint32_t epoch : {0u, 3u}) {
    const auto here = dropped<Net, tn::thrust_backend<float>>(epoch);
    CHECK(here == dropped<Net, tn::eigen_backend<float>>(epoch));
    CHECK(here[0] == here[1]);
    CHECK(here == dropped<Net, tn::thrust_backend<double>>(epoch));
    CHECK(std::count(here[0].begin(), here[0].end(), 0.0) > 0);
    CHECK(std::count(here[0].begin(), here[0].end(), kept) > 0);
  }
  CHECK(dropped<Net, tn::thrust_backend<float>>(0) != dropped<Net, tn::thrust_backend<float>>(3));
}

/// Compares the batches that a sample reader writes with the samples that the data set reads. Covers a shuffled epoch and an evaluation.
template <class Backend, class Data>
void check_samples(const Data& data) {
  using scalar = typename Backend::scalar;
  constexpr int size = Data::sample_shape.size();
  constexpr int lanes = Backend::lanes;
  const tn::index count = data.size(), batch = 40, padded = 64;
  typename Backend::stream stream;
  tn::detail::sample_order<Backend> order;
  order.shuffle(stream, tn::seed{3}, 1, count, tn::random_stream::shuffle);
  stream.wait();
  const auto numbers_of = copy_of(order.numbers());

  tn::detail::uploaded_arrays<Backend> arrays;
  tn::detail::sample_reader<Backend, Data> reader{data, arrays};
  reader.set_order(order.numbers());
  const auto check = [&](const tn::detail::batch_request& wanted) {
    tn::detail::sample_memory<Backend> memory_{wanted.padded_size(), size};
    reader.read(stream, wanted, memory_);
    stream.wait();
    const auto input = copy_of(memory_.input), labels = copy_of(memory_.labels);
    const auto samples = copy_of(memory_.samples);
    std::vector<float> row(static_cast<std::size_t>(size));
    int wrong_numbers = 0, wrong_labels = 0, wrong_samples = 0;
    for (tn::index place = 0; place < wanted.padded_size(); ++place) {
      // The last sample of a batch fills the unused lanes.
      const tn::index in_batch = std::min(wanted.batch, wanted.count - place / wanted.padded * wanted.batch);
      const tn::index in_order = wanted.first + place / wanted.padded * wanted.batch + std::min(place % wanted.padded, in_batch - 1);
      const tn::index sample = wanted.order == nullptr ? in_order : static_cast<tn::index>(numbers_of[static_cast<std::size_t>(in_order)]);
      const auto at = static_cast<std::size_t>(place);
      wrong_samples += samples[at] != static_cast<std::uint32_t>(sample);
      wrong_labels += labels[at] != static_cast<scalar>(data.label(sample));
      data.read(sample, wanted.key, row);
      for (int e = 0; e < size; ++e) {
        const auto in_lanes = static_cast<std::size_t>((place / lanes * size + e) * lanes + place % lanes);
        wrong_numbers += input[in_lanes] != static_cast<scalar>(row[static_cast<std::size_t>(e)]);
      }
    }
    CHECK(wrong_samples == 0);
    CHECK(wrong_labels == 0);
    CHECK(wrong_numbers == 0);
  };
  // Batches with unused lanes, and a partial batch.
  const tn::sample_key training{.seed = tn::seed{42}, .epoch = 5};
  check({.order = order.numbers().data(), .first = 0, .count = 2 * batch, .batch = batch, .padded = padded, .key = training});
  check(
      {.order = order.numbers().data(), .first = 2 * batch, .count = count - 2 * batch, .batch = batch, .padded = padded, .key = training});
  check({.order = nullptr, .first = 3, .count = batch, .batch = batch, .padded = padded, .key = tn::sample_key::evaluation()});
}

template <class Data>
void check_samples_everywhere(const Data& data) {
  REQUIRE(data.size() > 80);
  REQUIRE(data.size() < 120);
  SUBCASE("float") { check_samples<tn::thrust_backend<float>>(data); }
  SUBCASE("double") { check_samples<tn::thrust_backend<double>>(data); }
}

/// Trains a network on both backends and compares the results.
/// @param most the largest allowed relative distance between losses
template <class Net, class Scalar, class Data>
void check_training(const Data& data, const tn::fit_options& options, double most) {
  tn::model<Net, tn::thrust_backend<Scalar>> here{tn::seed{3}};
  tn::model<Net, tn::eigen_backend<Scalar>> there{tn::seed{3}};
  const tn::adam optimizer{.learning_rate = 3e-3};
  const auto past_here = tn::fit(here, data, tn::cross_entropy{}, optimizer, options);
  auto on_one_thread = options;
  on_one_thread.threads = 1;
  const auto past_there = tn::fit(there, data, tn::cross_entropy{}, optimizer, on_one_thread);
  REQUIRE(past_here.epochs.size() == static_cast<std::size_t>(options.epochs));
  REQUIRE(past_there.epochs.size() == past_here.epochs.size());
  for (std::size_t e = 0; e < past_here.epochs.size(); ++e) {
    CAPTURE(e);
    const auto &a = past_here.epochs[e], &b = past_there.epochs[e];
    CHECK(a.epoch == b.epoch);
    CHECK(distance(a.loss, b.loss) < most);
    // Rounding may change the predicted class of a sample near a decision boundary.
    CHECK(std::abs(a.accuracy - b.accuracy) * static_cast<double>(data.size()) < (sizeof(Scalar) == 8 ? 0.5 : 2.5));
    CHECK(a.samples_per_second > 0);
  }
  CHECK(past_here.epochs.back().loss < past_here.epochs.front().loss);
  CHECK(distance(learned(here), learned(there)) < 100 * most);
}

template <class Data>
void check_training_everywhere(const Data& data) {
  // 150 samples make four batches of 32 and one of 22. A batch of 17 leaves lanes unused; a batch of 70 uses three warps.
  for (const int batch : {32, 17, 70}) {
    CAPTURE(batch);
    check_training<classifier, double>(data, {.epochs = 2, .batch_size = batch}, 1e-9);
    check_training<classifier, float>(data, {.epochs = 2, .batch_size = batch}, 1e-4);
  }
}

}  // namespace

TEST_CASE("a seed draws the same initial weights on every backend") {
  check_initial_weights<float>();
  check_initial_weights<double>();
}

TEST_CASE("an epoch's order is the same on every backend") {
  for (const tn::index count : {1, 2, 33, 1000, 4097})
    for (const std::uint32_t epoch : {0u, 1u}) {
      CAPTURE(count);
      auto order = shuffled<tn::gpu>(count, epoch);
      CHECK(order == shuffled<tn::cpu>(count, epoch));
      CHECK(order == shuffled<tn::thrust_backend<double>>(count, epoch));
      if (count > 2) CHECK(order != shuffled<tn::gpu>(count, 1 - epoch));
      std::sort(order.begin(), order.end());
      bool all = true;
      for (std::size_t i = 0; i < order.size(); ++i) all = all && order[i] == i;
      CHECK(all);
    }
}

TEST_CASE("dropout drops the same on every backend") {
  SUBCASE("of vectors") { check_dropout<tn::network<tn::input<50>, tn::dropout<0.5>>>(2); }
  SUBCASE("of images, and again") { check_dropout<tn::network<tn::input<2, 3, 5>, tn::dropout<0.5>, tn::relu, tn::dropout<0.5>>>(4); }
}

TEST_CASE("samples reach lanes as the data set has them") {
  SUBCASE("numbers") { check_samples_everywhere(bars(90, 1)); }
  SUBCASE("images, augmented") { check_samples_everywhere(turned_bars(90, 1)); }
  SUBCASE("images, shifted and distorted") {
    const tn::random_affine distort{.degrees = 10, .translate = 1.5f, .scale = 0.2f, .squeeze = 0.2f, .shear = 20, .fill = 9};
    check_samples_everywhere(turned_bars(90, 1, distort, tn::random_roll{2}));
  }
  SUBCASE("a part of a whole") {
    const auto whole = turned_bars(180, 1);
    check_samples_everywhere(tn::stratified_split(whole, 90, tn::seed{1}).held_out);
  }
  SUBCASE("a user's, with a view") { check_samples_everywhere(made_up{90}); }
  SUBCASE("a user's, read by the host") { check_samples_everywhere(host_only{bars(90, 1)}); }
}

TEST_CASE("training goes as on the CPU") {
  SUBCASE("on numbers") { check_training_everywhere(bars(150, 1)); }
  SUBCASE("on images that are turned and jittered") { check_training_everywhere(turned_bars(150, 1)); }
  SUBCASE("on a user's data set with a view") { check_training_everywhere(made_up{150}); }
  SUBCASE("on a data set that only the host can read") { check_training_everywhere(host_only{bars(150, 1)}); }
}

TEST_CASE("training goes as on the CPU in several chunks of many steps") {
  using tn::detail::prefetcher;
  static_assert(prefetcher<tn::gpu, bars_set>::most_steps(32, 64) == 256);
  // 300 steps with two samples run in a chunk of 256 and a chunk of 44. One sample remains.
  int calls = 0;
  const tn::fit_options options{.epochs = 2, .batch_size = 2, .on_step = [&](const tn::step_report& r) {
                                  ++calls;
                                  CHECK(r.total == 601);
                                  CHECK(r.epoch >= 1);
                                  return tn::control::proceed;
                                }};
  check_training<smooth, double>(bars(601, 1), options, 1e-9);
  CHECK(calls == 2 * 3 + 2 * 301);
}

TEST_CASE("training goes as on the CPU unshuffled, with another seed, and by other optimizers and losses") {
  const auto data = bars(80, 1);
  check_training<smooth, double>(data, {.epochs = 2, .shuffle = false}, 1e-9);
  check_training<classifier, double>(data, {.epochs = 2, .seed = tn::seed{77}}, 1e-9);

  tn::model<smooth, tn::thrust_backend<double>> here{tn::seed{3}};
  tn::model<smooth, tn::eigen_backend<double>> there{tn::seed{3}};
  const tn::sgd optimizer{.learning_rate = 1e-2, .momentum = 0.9};
  const auto a = tn::fit(here, data, tn::mse{}, optimizer, {.epochs = 2});
  const auto b = tn::fit(there, data, tn::mse{}, optimizer, {.epochs = 2, .threads = 1});
  CHECK(distance(a.epochs.back().loss, b.epochs.back().loss) < 1e-9);
  CHECK(distance(learned(here), learned(there)) < 1e-9);
}

TEST_CASE("a validation split and the best epoch are those of the CPU") {
  const auto data = bars(300, 1);
  const tn::fit_options options{.epochs = 6, .validation_split = 0.2, .keep_best = true};
  tn::model<classifier, tn::thrust_backend<double>> here{tn::seed{3}};
  tn::model<classifier, tn::eigen_backend<double>> there{tn::seed{3}};
  const tn::adam optimizer{.learning_rate = 2e-2};
  const auto a = tn::fit(here, data, tn::cross_entropy{}, optimizer, options);
  const auto b = tn::fit(there, data, tn::cross_entropy{}, optimizer, options);
  REQUIRE(a.epochs.size() == 6);
  double best = -1;
  double loss = 0;
  int best_epoch = 0;
  for (std::size_t e = 0; e < 6; ++e) {
    REQUIRE(a.epochs[e].validation.has_value());
    CHECK(a.epochs[e].validation->count == 60);
    CHECK(a.epochs[e].validation->predicted == b.epochs[e].validation->predicted);
    CHECK(distance(a.epochs[e].validation->loss, b.epochs[e].validation->loss) < 1e-7);
    if (a.epochs[e].validation->accuracy > best) {
      best = a.epochs[e].validation->accuracy;
      loss = a.epochs[e].validation->loss;
      best_epoch = a.epochs[e].epoch;
    }
  }
  REQUIRE(best_epoch < 6);
  CHECK(a.epoch == best_epoch);
  CHECK(b.epoch == best_epoch);
  const auto [rest, held_out] = tn::stratified_split(data, 0.2, tn::seed{3});
  CHECK(tn::evaluate(here, held_out, tn::cross_entropy{}).loss == loss);
  CHECK(tn::evaluate(here, held_out).accuracy == best);
  CHECK(distance(learned(here), learned(there)) < 1e-7);
}
