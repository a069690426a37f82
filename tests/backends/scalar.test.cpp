// SPDX-License-Identifier: MIT
// Compares the simplest complete backend with the CPU backend in training, prediction and evaluation, for several numbers of lanes.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include <typenet/data/dataset.hpp>
#include <typenet/typenet.hpp>

#include "emulated_machine.hpp"
#include "scalar_backend.hpp"

namespace tn = typenet;

namespace {

using net = tn::network<tn::input<2, 8, 8>, tn::conv2d<4, 3>, tn::batch_norm<>, tn::relu, tn::max_pool2d<2>, tn::flatten, tn::dropout<0.1>,
                        tn::linear<9>, tn::tanh, tn::linear<5>>;
using data_set = tn::tensor_dataset<tn::shape{2, 8, 8}, 5>;
constexpr int count = 47, size = net::input_shape.size(), outputs = net::output_shape.size();

std::vector<float> numbers(std::size_t n, std::uint32_t tag) {
  tn::random_sequence random{tn::counter_rng{tn::seed{17}, tn::random_stream::user}, 0, tag};
  std::vector<float> values(n);
  for (float& v : values) v = random.uniform(-1.0F, 1.0F);
  return values;
}

data_set samples() {
  std::vector<int> labels;
  for (int i = 0; i < count; ++i) labels.push_back(i * 3 % 5);
  return {numbers(std::size_t{count} * size, 1), labels};
}

/// Results of training, prediction and evaluation.
struct outcome {
  std::vector<std::vector<double>> tensors;  ///< parameters, buffers, predictions
  tn::report report;
};

template <class Backend>
outcome trained() {
  using scalar = typename Backend::scalar;
  tn::model<net, Backend> model{tn::seed{3}};
  // Batch sizes that fill the lanes, and batch sizes that leave lanes unused. The last batch of an epoch is smaller.
  tn::fit(model, samples(), tn::cross_entropy{}, tn::sgd{.learning_rate = 0.05, .momentum = 0.9},
          {.epochs = 2, .batch_size = 10, .threads = 1});
  outcome all;
  const auto keep = [&](const auto& values) { all.tensors.emplace_back(values.begin(), values.end()); };
  for (const auto& info : net::parameters) keep(model.parameter(info.name.view()));
  for (const auto& info : net::buffers) keep(model.buffer(info.name.view()));
  const auto drawn = numbers(std::size_t{count} * size, 2);
  const std::vector<scalar> images(drawn.begin(), drawn.end());
  std::vector<scalar> answers(std::size_t{count} * outputs, std::numeric_limits<scalar>::quiet_NaN());
  model.predict(images, answers, count);
  keep(answers);
  // A single sample gets the prediction that it gets in a batch.
  for (const std::size_t s : {0, 5, count - 1}) {
    const auto alone = model.predict(std::span<const scalar>{images}.subspan(s * size, size));
    CHECK(std::equal(alone.begin(), alone.end(), answers.begin() + static_cast<std::ptrdiff_t>(s * outputs)));
  }
  all.report = tn::evaluate(model, samples(), tn::cross_entropy{});
  return all;
}

template <class Backend>
void check_agreement(const outcome& expected, double tolerance) {
  const outcome actual = trained<Backend>();
  REQUIRE(actual.tensors.size() == expected.tensors.size());
  for (std::size_t t = 0; t < expected.tensors.size(); ++t) {
    CAPTURE(t);
    REQUIRE(actual.tensors[t].size() == expected.tensors[t].size());
    double largest = 1, apart = 0;
    for (std::size_t i = 0; i < expected.tensors[t].size(); ++i) {
      largest = std::max(largest, std::abs(expected.tensors[t][i]));
      // Written without std::max, so that a NaN fails the test.
      const double here = std::abs(actual.tensors[t][i] - expected.tensors[t][i]);
      if (!(here <= apart)) apart = here;
    }
    CHECK(apart <= tolerance * largest);
  }
  CHECK(actual.report.loss == doctest::Approx(expected.report.loss).epsilon(tolerance));
  CHECK(actual.report.accuracy == expected.report.accuracy);
}

template <class Network, class Backend>
constexpr tn::index scratch = tn::detail::executor_for<Network, Backend>::scratch_size(4 * Backend::lanes);
using linear_only = tn::network<tn::input<20>, tn::linear<10>>;

}  // namespace

static_assert(tn::backend<testing::scalar_backend<double, 1>>);
static_assert(tn::backend<testing::scalar_backend<float, 4>>);
static_assert(tn::backend<testing::emulated_backend<float>>);
// A backend with one lane and no `vector` is not a one-sample execution. It runs the batched kernels and needs their scratch memory.
static_assert(!tn::one_sample_execution<testing::scalar_backend<double, 1>::execution>);
static_assert(scratch<linear_only, testing::scalar_backend<double, 1>> > 0);
static_assert(scratch<linear_only, tn::eigen_backend<double, 1>> == 0);

TEST_CASE("the scalar backend in double precision trains, predicts and evaluates as the CPU does") {
  const outcome expected = trained<tn::eigen_backend<double>>();
  CHECK(std::isfinite(expected.report.loss));
  SUBCASE("one lane") { check_agreement<testing::scalar_backend<double, 1>>(expected, 1e-10); }
  SUBCASE("three lanes") { check_agreement<testing::scalar_backend<double, 3>>(expected, 1e-10); }
}

TEST_CASE("the scalar backend in single precision trains, predicts and evaluates as the CPU does") {
  check_agreement<testing::scalar_backend<float, 4>>(trained<tn::cpu>(), 1e-4);
}
