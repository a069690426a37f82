// SPDX-License-Identifier: MIT
// Results are independent of the number of threads, of the other samples in a batch, and of the unused lanes.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include <typenet/backends/eigen/backend.hpp>
#include <typenet/core/random.hpp>
#include <typenet/inference.hpp>

#include "network_runner.hpp"
#include "scalar_backend.hpp"

namespace tn = typenet;

namespace {

using everything =
    tn::network<tn::input<2, 12, 12>, tn::conv2d<6, 3, tn::padding<1>>, tn::batch_norm<>, tn::relu,
                tn::residual<tn::conv2d<6, 3, tn::padding<1>>, tn::group_norm<2>, tn::gelu>, tn::max_pool2d<2>,
                tn::concat<tn::conv2d<4, 1>, tn::sequential<tn::avg_pool2d<3, tn::stride<1>, tn::padding<1>>, tn::scaled_tanh>>,
                tn::flatten, tn::dropout<0.2>, tn::linear<30>, tn::leaky_relu<>, tn::linear<12>, tn::sigmoid, tn::gaussian_rbf<10>>;
// A network with batch norm after a residual, after a concatenation and on a vector. One layer has too many weights for a sum by lane
// group.
using normalized_sums =
    tn::network<tn::input<2, 8, 8>, tn::conv2d<4, 3, tn::padding<1>>, tn::batch_norm<>,
                tn::residual<tn::relu, tn::conv2d<4, 3, tn::padding<1>>, tn::batch_norm<>>, tn::batch_norm<>, tn::relu, tn::max_pool2d<2>,
                tn::concat<tn::conv2d<2, 1>, tn::sequential<tn::batch_norm<>, tn::tanh>>, tn::conv2d<40, 4>, tn::batch_norm<>, tn::relu,
                tn::flatten, tn::linear<12>, tn::batch_norm<>, tn::relu, tn::linear<5>>;
// A network without batch norm and dropout: the output of a sample depends on this sample only.
using separate = tn::network<tn::input<2, 12, 12>, tn::conv2d<6, 3>, tn::group_norm<3>, tn::tanh, tn::max_pool2d<2>, tn::flatten,
                             tn::linear<9>, tn::softmax>;

std::vector<double> numbers(std::size_t count, std::uint32_t tag) {
  tn::random_sequence random{tn::counter_rng{tn::seed{5}, tn::random_stream::user}, 0, tag};
  std::vector<double> values(count);
  for (double& v : values) v = static_cast<double>(random.uniform(-1, 1));
  return values;
}

template <class Network, class Runner>
void give_parameters(Runner& run) {
  for (std::size_t p = 0; p < Network::parameters.size(); ++p) {
    auto values = numbers(static_cast<std::size_t>(Network::parameters[p].size()), static_cast<std::uint32_t>(p + 1));
    for (double& v : values) v *= 0.4;
    run.set_parameter(p, values);
  }
}

template <class Network>
auto outcome(int threads, int batch, const std::vector<double>& input, const std::vector<double>& gradient) {
  testing::network_runner<Network, tn::eigen_backend<float>> run{batch};
  give_parameters<Network>(run);
  run.set_threads(threads);
  std::vector<std::vector<double>> all{run.forward(input, batch), run.backward(gradient)};
  for (std::size_t p = 0; p < Network::parameters.size(); ++p) all.push_back(run.parameter_gradient(p));
  for (std::size_t b = 0; b < Network::buffers.size(); ++b) all.push_back(run.buffer(b));
  return all;
}

/// Runs a training step by lane groups and returns every result.
template <class Network, class Backend = tn::eigen_backend<float>, class Compiled = tn::detail::compiled_for<Network, Backend>>
auto trained(int threads, int batch, const std::vector<double>& input, const std::vector<double>& gradient) {
  testing::network_runner<Network, Backend, true, Compiled> run{batch};
  give_parameters<Network>(run);
  run.set_threads(threads);
  std::vector<std::vector<double>> all{run.train(input, batch, gradient)};
  for (std::size_t p = 0; p < Network::parameters.size(); ++p) all.push_back(run.parameter_gradient(p));
  for (std::size_t b = 0; b < Network::buffers.size(); ++b) all.push_back(run.buffer(b));
  return all;
}

/// Compares a step by lane groups with a step by layers. Only the order of the sums over the batch differs.
template <class Network, class Compiled>
void compare_orders(int batch) {
  using backend = tn::eigen_backend<double>;
  CAPTURE(batch);
  const auto input = numbers(static_cast<std::size_t>(batch * Network::input_shape.size()), 100);
  const auto gradient = numbers(static_cast<std::size_t>(batch * Network::output_shape.size()), 101);
  testing::network_runner<Network, backend, true, Compiled> run{batch};
  give_parameters<Network>(run);
  std::vector<std::vector<double>> by_layers{run.forward(input, batch)};
  run.backward(gradient);
  for (std::size_t p = 0; p < Network::parameters.size(); ++p) by_layers.push_back(run.parameter_gradient(p));
  for (std::size_t b = 0; b < Network::buffers.size(); ++b) by_layers.push_back(run.buffer(b));
  for (const int threads : {1, 3}) {
    const auto by_groups = trained<Network, backend, Compiled>(threads, batch, input, gradient);
    REQUIRE(by_groups.size() == by_layers.size());
    for (std::size_t tensor = 0; tensor < by_layers.size(); ++tensor) {
      CAPTURE(tensor);
      double largest = 0, apart = 0;
      for (std::size_t i = 0; i < by_layers[tensor].size(); ++i) {
        largest = std::max(largest, std::abs(by_layers[tensor][i]));
        // Written without std::max, so that a NaN fails the test.
        const double here = std::abs(by_groups[tensor][i] - by_layers[tensor][i]);
        if (!(here <= apart)) apart = here;
      }
      CHECK(apart <= 1e-11 * std::max(largest, 1.0));
    }
  }
}

}  // namespace

TEST_CASE("the number of threads changes no bit of a training step, with more threads than lane groups and with fewer") {
  for (const int batch : {1, 32, 37, 80}) {
    const auto input = numbers(static_cast<std::size_t>(batch * everything::input_shape.size()), 100);
    const auto gradient = numbers(static_cast<std::size_t>(batch * everything::output_shape.size()), 101);
    const auto one = trained<everything>(1, batch, input, gradient);
    for (const int threads : {2, 3, 7, 70}) CHECK(trained<everything>(threads, batch, input, gradient) == one);
  }
}

TEST_CASE("group by group a step computes what it does layer by layer") {
  for (const int batch : {3, 16, 50}) {
    compare_orders<everything, everything::compiled>(batch);
    compare_orders<everything, everything::unfused>(batch);
    compare_orders<normalized_sums, normalized_sums::compiled>(batch);
  }
}

TEST_CASE("the number of threads changes no bit") {
  for (const int batch : {1, 16, 37}) {
    const auto input = numbers(static_cast<std::size_t>(batch * everything::input_shape.size()), 100);
    const auto gradient = numbers(static_cast<std::size_t>(batch * everything::output_shape.size()), 101);
    const auto one = outcome<everything>(1, batch, input, gradient);
    for (const int threads : {2, 3, 7}) CHECK(outcome<everything>(threads, batch, input, gradient) == one);
  }
}

TEST_CASE("permuting samples permutes answers") {
  const int batch = 21, size = separate::input_shape.size(), out = separate::output_shape.size();
  const auto input = numbers(static_cast<std::size_t>(batch * size), 100);
  std::vector<double> reversed;
  for (int s = batch; s-- > 0;) reversed.insert(reversed.end(), input.begin() + s * size, input.begin() + (s + 1) * size);
  testing::network_runner<separate, tn::eigen_backend<float>> run{batch};
  give_parameters<separate>(run);
  const auto forwards = run.forward(input, batch);
  const auto backwards = run.forward(reversed, batch);
  for (int s = 0; s < batch; ++s)
    for (int k = 0; k < out; ++k)
      CHECK(forwards[static_cast<std::size_t>(s * out + k)] == backwards[static_cast<std::size_t>((batch - 1 - s) * out + k)]);
}

TEST_CASE("a batch answers as its samples do alone") {
  const int batch = 18, size = separate::input_shape.size(), out = separate::output_shape.size();
  const auto input = numbers(static_cast<std::size_t>(batch * size), 100);
  testing::network_runner<separate, tn::eigen_backend<float>> run{batch};
  give_parameters<separate>(run);
  const auto together = run.forward(input, batch);
  for (int s = 0; s < batch; ++s) {
    const std::vector<double> one(input.begin() + s * size, input.begin() + (s + 1) * size);
    const auto alone = run.forward(one, 1);
    CHECK(std::vector<double>(together.begin() + s * out, together.begin() + (s + 1) * out) == alone);
  }
}

TEST_CASE_TEMPLATE("many samples are answered the same by any number of threads", Backend, tn::eigen_backend<float>,
                   tn::eigen_backend<float, 1>) {
  constexpr int count = 150, size = separate::input_shape.size(), out = separate::output_shape.size();
  tn::model<separate, Backend> model{tn::seed{3}};
  std::vector<float> samples(std::size_t{count} * size);
  for (std::size_t i = 0; i < samples.size(); ++i) samples[i] = std::sin(static_cast<float>(i));
  const auto answers = [&](int threads) {
    std::vector<float> all(std::size_t{count} * out, -1.0F);
    model.set_threads(threads);
    model.predict(samples, all, count);
    return all;
  };
  const auto one = answers(1);
  for (const int threads : {2, 3, 7, 0}) CHECK(answers(threads) == one);
  const auto alone = model.predict(std::span<const float>{samples}.last(size));
  CHECK(std::equal(alone.begin(), alone.end(), one.end() - out));
  CHECK_THROWS_WITH_AS(model.set_threads(-1), "set_threads: expected 0 (as many as pay) to 256 threads, got -1", tn::argument_error);
}

TEST_CASE("what dropout drops depends on the sample, not on its place in a batch") {
  using net = tn::network<tn::input<50>, tn::dropout<0.5>>;
  const std::vector<double> ones(50 * 20, 1.0);
  testing::network_runner<net, tn::eigen_backend<float>> run{20};
  run.set_first_sample(100);
  const auto whole = run.forward(ones, 20);
  run.set_first_sample(107);
  const auto later = run.forward(std::vector<double>(50 * 13, 1.0), 13);
  CHECK(std::vector<double>(whole.begin() + 7 * 50, whole.end()) == later);

  SUBCASE("and is the same for every backend") {
    testing::network_runner<net, testing::scalar_backend<double>> plain{20};
    plain.set_first_sample(100);
    CHECK(plain.forward(ones, 20) == whole);
  }
  SUBCASE("and differs between epochs and seeds") {
    run.set_first_sample(100);
    run.set_seed(tn::seed{7}, 1);
    CHECK(run.forward(ones, 20) != whole);
    run.set_seed(tn::seed{8}, 0);
    CHECK(run.forward(ones, 20) != whole);
  }
  SUBCASE("a fraction p goes, the rest is scaled up") {
    double kept = 0;
    for (const double v : whole) {
      CHECK((v == 0.0 || v == 2.0));
      kept += v / 2;
    }
    CHECK(kept / 1000 == doctest::Approx(0.5).epsilon(0.1));
  }
  SUBCASE("and nothing is dropped outside training") { CHECK(run.forward(ones, 20, false) == ones); }
}
