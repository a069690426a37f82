// SPDX-License-Identifier: MIT
// Compares the second derivatives, layer by layer, with squared Jacobians from central differences. Then tests the optimizer that uses
// them.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include <typenet/typenet.hpp>

#include "network_runner.hpp"

namespace tn = typenet;

namespace {

using numbers = std::vector<double>;

numbers uniform(tn::index count, std::uint32_t tag, double scale) {
  tn::random_sequence random{tn::counter_rng{tn::seed{5}, tn::random_stream::user}, 0, tag};
  numbers values(static_cast<std::size_t>(count));
  for (double& v : values) v = scale * (2 * static_cast<double>(tn::uniform01(random())) - 1);
  return values;
}

template <tn::shape S>
auto input_of() {
  if constexpr (S.rank == 1)
    return tn::input<S.channels()>{};
  else
    return tn::input<S.channels(), S.height(), S.width()>{};
}

/// Returns (f(x + step) - f(x - step)) / (2 step) for each output of f. The step applies to x[j].
template <class F>
numbers slopes(numbers x, std::size_t j, const F& f) {
  constexpr double step = 1e-5;
  const double here = x[j];
  x[j] = here + step;
  numbers above = f(x);
  x[j] = here - step;
  const numbers below = f(x);
  for (std::size_t i = 0; i < above.size(); ++i) above[i] = (above[i] - below[i]) / (2 * step);
  return above;
}

/// Computes the expected curvature for one sample. Each layer runs as a separate network.
template <tn::shape In, class Layer, class... Rest>
struct reference {
  using network = tn::network<decltype(input_of<In>()), Layer>;
  testing::network_runner<network, tn::eigen_backend<double>> run{1};
  std::vector<numbers> parameters;

  /// Adds the curvature of the parameters of this layer and of later layers to `total`.
  /// @returns the curvature of the layer's input
  template <class Loss>
  numbers back(const numbers& x, std::vector<numbers>::const_iterator weights, std::vector<numbers>::iterator total, const Loss& loss) {
    constexpr std::size_t own = network::parameters.size();
    parameters.assign(weights, weights + own);
    set();
    const numbers y = run.forward(x, 1, false);
    numbers above;
    if constexpr (sizeof...(Rest) > 0)
      above = reference<network::output_shape, Rest...>{}.back(y, weights + own, total + own, loss);
    else
      above = loss(y);
    const auto through = [&](const numbers& slope) {
      double sum = 0;
      for (std::size_t i = 0; i < slope.size(); ++i) sum += slope[i] * slope[i] * above[i];
      return sum;
    };
    for (std::size_t p = 0; p < own; ++p)
      for (std::size_t j = 0; j < parameters[p].size(); ++j)
        (*(total + static_cast<std::ptrdiff_t>(p)))[j] += through(slopes(parameters[p], j, [&](const numbers& w) {
          run.set_parameter(p, w);
          const numbers out = run.forward(x, 1, false);
          run.set_parameter(p, parameters[p]);
          return out;
        }));
    numbers curvature(x.size());
    for (std::size_t j = 0; j < x.size(); ++j)
      curvature[j] = through(slopes(x, j, [&](const numbers& moved) { return run.forward(moved, 1, false); }));
    return curvature;
  }

 private:
  void set() {
    for (std::size_t p = 0; p < parameters.size(); ++p) run.set_parameter(p, parameters[p]);
  }
};

template <class Loss>
numbers loss_curvature(const numbers& y) {
  numbers h(y.size());
  if constexpr (std::is_same_v<Loss, tn::mse>) {
    std::fill(h.begin(), h.end(), 2.0 / static_cast<double>(y.size()));
  } else {
    double sum = 0;
    for (const double v : y) sum += std::exp(v);
    for (std::size_t k = 0; k < y.size(); ++k) h[k] = std::exp(y[k]) / sum * (1 - std::exp(y[k]) / sum);
  }
  return h;
}

template <class Backend, class Loss, tn::shape In, class... Layers>
void check(int samples, int batch) {
  CAPTURE(samples);
  CAPTURE(batch);
  using network = tn::network<decltype(input_of<In>()), Layers...>;
  constexpr int classes = network::output_shape.size();
  const numbers values = uniform(samples * In.size(), 1, 1);
  std::vector<int> labels;
  for (int i = 0; i < samples; ++i) labels.push_back(i % classes);
  const tn::tensor_dataset<In, classes> data{std::vector<float>(values.begin(), values.end()), labels};
  tn::model<network, Backend> model{tn::seed{3}};
  std::vector<numbers> weights, expected;
  for (const auto& info : network::parameters) {
    weights.push_back(uniform(info.size(), static_cast<std::uint32_t>(100 + weights.size()), 0.6));
    expected.emplace_back(weights.back().size(), 0.0);
    model.set_parameter(info.name, weights.back());
  }
  for (int s = 0; s < samples; ++s) {
    numbers x;
    for (int e = 0; e < In.size(); ++e) x.push_back(static_cast<float>(values[static_cast<std::size_t>(s * In.size() + e)]));
    reference<In, Layers...>{}.back(x, weights.cbegin(), expected.begin(), loss_curvature<Loss>);
  }
  tn::trainer trainer{model, Loss{}, tn::stochastic_diagonal_lm{.curvature_samples = 1000}, {.batch_size = batch, .threads = 2}};
  trainer.estimate_curvature(data);
  const auto found = trainer.optimizer_state(0).span();
  for (std::size_t p = 0; p < weights.size(); ++p) {
    CAPTURE(network::parameters[p].name.view());
    for (std::size_t j = 0; j < weights[p].size(); ++j) {
      const double mean = expected[p][j] / samples;
      CHECK(found[static_cast<std::size_t>(network::parameters[p].offset) + j] == doctest::Approx(mean).epsilon(1e-6));
    }
  }
}

template <tn::shape In, class... Layers>
void check_curvature() {
  using samples = tn::eigen_backend<double>;
  check<samples, tn::mse, In, Layers...>(1, 1);
  check<samples, tn::mse, In, Layers...>(7, 3);
  check<samples, tn::cross_entropy, In, Layers...>(19, 32);
  check<tn::eigen_backend<double, 1>, tn::mse, In, Layers...>(5, 2);
}

using small_conv = tn::network<tn::input<1, 6, 6>, tn::conv2d<2, 3>, tn::scaled_tanh, tn::avg_pool2d<2>, tn::flatten, tn::linear<3>>;

tn::tensor_dataset<tn::shape{1, 6, 6}, 3> some_images(int count) {
  const numbers values = uniform(count * 36, 9, 1);
  std::vector<int> labels;
  for (int i = 0; i < count; ++i) labels.push_back(i % 3);
  return {std::vector<float>(values.begin(), values.end()), labels};
}

}  // namespace

TEST_CASE("curvature of linear layers and maps") {
  check_curvature<tn::shape{5}, tn::linear<4>>();
  check_curvature<tn::shape{5}, tn::linear<4>, tn::scaled_tanh, tn::linear<3>>();
  check_curvature<tn::shape{5}, tn::linear<6>, tn::sigmoid, tn::linear<4>, tn::gelu, tn::linear<3>, tn::tanh>();
}
TEST_CASE("curvature of convolutions and pooling") {
  check_curvature<tn::shape{2, 6, 5}, tn::conv2d<3, 3, tn::padding<1>>, tn::scaled_tanh, tn::avg_pool2d<2>, tn::flatten, tn::linear<3>>();
  check_curvature<tn::shape{2, 6, 6}, tn::conv2d<4, 3, tn::groups<2>, tn::stride<2>>, tn::leaky_relu<0.3>, tn::max_pool2d<2, tn::stride<1>>,
                  tn::flatten, tn::linear<3>>();
}
TEST_CASE("curvature of subsampling") {
  check_curvature<tn::shape{2, 6, 5}, tn::conv2d<3, 3, tn::padding<1>>, tn::scaled_tanh, tn::trainable_subsample<2>, tn::scaled_tanh,
                  tn::flatten, tn::linear<3>>();
  check_curvature<tn::shape{2, 5, 6}, tn::trainable_subsample<3, tn::stride<2>, tn::padding<1>>, tn::scaled_tanh,
                  tn::trainable_subsample<2, tn::stride<1>>, tn::flatten, tn::linear<3>>();
}

namespace {

constexpr tn::code_table<3, 4> few_codes{{{1, 0, 1, 1}, {0, 0, 1, 0}, {1, 1, 0, 0}}};

/// Compares the curvature of W and b with a calculation by hand: a = W u + b, x = 1.7159 tanh(2a/3), y_i = |x - w_i|^2.
/// @param derivatives `derivatives(y)` gives the first and second derivatives of the loss
template <class Loss, class Derivatives>
void check_codes(const Loss& loss, const Derivatives& derivatives) {
  using network = tn::network<tn::input<2>, tn::linear<4>, tn::scaled_tanh, tn::euclidean_rbf<few_codes>>;
  constexpr int samples = 7;
  const numbers values = uniform(samples * 2, 1, 1), weight = uniform(8, 2, 1), bias = uniform(4, 3, 1);
  std::vector<int> labels;
  for (int i = 0; i < samples; ++i) labels.push_back(i % 3);
  const tn::tensor_dataset<tn::shape{2}, 3> data{std::vector<float>(values.begin(), values.end()), labels};
  tn::model<network, tn::eigen_backend<double>> model;
  model.set_parameter("0.weight", weight);
  model.set_parameter("0.bias", bias);
  numbers expected(8), expected_bias(4);
  for (std::size_t s = 0; s < samples; ++s) {
    numbers x(4), slope(4), y(3), g(3), h(3);
    const double u[] = {static_cast<float>(values[2 * s]), static_cast<float>(values[2 * s + 1])};
    for (std::size_t i = 0; i < 4; ++i) {
      const double t = std::tanh(2.0 / 3 * (weight[2 * i] * u[0] + weight[2 * i + 1] * u[1] + bias[i]));
      x[i] = 1.7159 * t;
      slope[i] = 1.7159 * 2 / 3 * (1 - t * t);
    }
    const auto apart = [&](std::size_t k, std::size_t i) { return x[i] - few_codes.at(static_cast<int>(k), static_cast<int>(i)); };
    for (std::size_t k = 0; k < 3; ++k)
      for (std::size_t i = 0; i < 4; ++i) y[k] += apart(k, i) * apart(k, i);
    derivatives(y, static_cast<std::size_t>(labels[s]), g, h);
    for (std::size_t i = 0; i < 4; ++i) {
      double of_x = 0;
      for (std::size_t k = 0; k < 3; ++k) of_x += 4 * apart(k, i) * apart(k, i) * h[k] + 2 * g[k];
      const double of_a = slope[i] * slope[i] * of_x / samples;
      expected[2 * i] += of_a * u[0] * u[0];
      expected[2 * i + 1] += of_a * u[1] * u[1];
      expected_bias[i] += of_a;
    }
  }
  tn::trainer trainer{model, loss, tn::stochastic_diagonal_lm{.curvature_samples = 1000}, {.batch_size = 3}};
  trainer.estimate_curvature(data);
  const auto found = trainer.optimizer_state(0).span();
  for (std::size_t j = 0; j < 8; ++j)
    CHECK(found[static_cast<std::size_t>(network::parameters[0].offset) + j] == doctest::Approx(expected[j]).epsilon(1e-6));
  for (std::size_t j = 0; j < 4; ++j)
    CHECK(found[static_cast<std::size_t>(network::parameters[1].offset) + j] == doctest::Approx(expected_bias[j]).epsilon(1e-6));
}

}  // namespace

TEST_CASE("curvature of distances to codes: 2 where only the right one counts") {
  check_codes(tn::rbf_mse{}, [](const numbers&, std::size_t label, numbers& g, numbers&) { g[label] = 1; });
}
TEST_CASE("curvature of distances to codes, against one another") {
  check_codes(tn::rbf_map{.j = 2}, [](const numbers& y, std::size_t label, numbers& g, numbers& h) {
    double sum = std::exp(-2.0);
    for (const double v : y) sum += std::exp(-v);
    for (std::size_t k = 0; k < y.size(); ++k) {
      const double p = std::exp(-y[k]) / sum;
      g[k] = (k == label ? 1 : 0) - p;
      h[k] = p * (1 - p);
    }
  });
}

TEST_CASE("curvature where values are read twice, or joined") {
  // y = x + W x: the curvature adds both paths.
  using network = tn::network<tn::input<3>, tn::linear<3>, tn::residual<tn::linear<3>>>;
  tn::model<network, tn::eigen_backend<double>> model{tn::seed{1}};
  const tn::tensor_dataset<tn::shape{3}, 3> data{{0.5f, -1.0f, 0.25f}, {1}};
  tn::trainer trainer{model, tn::mse{}, tn::stochastic_diagonal_lm{}, {.batch_size = 1}};
  trainer.estimate_curvature(data);
  const auto found = trainer.optimizer_state(0).span();
  const auto second = std::as_const(model).parameter("1.0.weight");
  for (std::size_t j = 0; j < 3; ++j) {
    double expected = 2.0 / 3;
    for (std::size_t i = 0; i < 3; ++i) expected += second[i * 3 + j] * second[i * 3 + j] * 2.0 / 3;
    CHECK(found[static_cast<std::size_t>(network::parameters[1].offset) + j] == doctest::Approx(expected));
  }
}

TEST_CASE("each weight's step is learning_rate / (mu + curvature)") {
  tn::model<small_conv, tn::eigen_backend<double>> model{tn::seed{8}};
  const auto data = some_images(40);
  tn::trainer trainer{model, tn::mse{}, tn::stochastic_diagonal_lm{.learning_rate = 0.01, .mu = 0.05, .curvature_samples = 20}, {}};
  trainer.estimate_curvature(data);
  const auto before = std::as_const(model).parameter("0.weight");
  const numbers old{before.begin(), before.end()};
  const numbers sample = uniform(36, 77, 1);
  trainer.step(sample, std::vector<int>{2});
  for (std::size_t j = 0; j < old.size(); ++j) {
    const auto at = static_cast<std::size_t>(small_conv::parameters[0].offset) + j;
    const double step = 0.01 / (0.05 + trainer.optimizer_state(0).span()[at]);
    CHECK(std::as_const(model).parameter("0.weight")[j] ==
          doctest::Approx(old[j] - step * trainer.parameter_gradients().span()[at]).epsilon(1e-12));
  }
}

TEST_CASE("curvature is estimated anew before each epoch, on other samples, and is the same for any number of threads") {
  const auto data = some_images(60);
  std::vector<numbers> seen[2];
  for (int threads = 1; threads <= 2; ++threads) {
    tn::model<small_conv> model{tn::seed{8}};
    tn::trainer<tn::model<small_conv>, tn::mse, tn::stochastic_diagonal_lm>* running = nullptr;
    tn::fit_options options{.epochs = 3, .batch_size = 1, .threads = threads};
    options.on_epoch = [&](const tn::epoch_report&) {
      const auto now = running->optimizer_state(0).span();
      seen[threads - 1].emplace_back(now.begin(), now.end());
      return tn::control::proceed;
    };
    tn::trainer trainer{model, tn::mse{}, tn::stochastic_diagonal_lm{.learning_rate = 0, .curvature_samples = 10}, options};
    running = &trainer;
    trainer.fit(data);
  }
  REQUIRE(seen[0].size() == 3);
  CHECK(seen[0][0] != seen[0][1]);  // the learning rate is 0, so the difference comes from the samples alone
  CHECK(seen[0][1] != seen[0][2]);
  CHECK(seen[0] == seen[1]);
}

TEST_CASE("it learns") {
  const auto data = some_images(60);
  tn::model<small_conv> model{tn::seed{8}};
  const tn::history past =
      tn::fit(model, data, tn::mse{}, tn::stochastic_diagonal_lm{.learning_rate = 5e-3}, {.epochs = 60, .batch_size = 1});
  CHECK(past.epochs.back().loss < 0.7 * past.epochs.front().loss);
}

TEST_CASE("the learning rate of an epoch follows its schedule") {
  const auto data = some_images(12);
  tn::model<small_conv> model{tn::seed{8}};
  std::vector<double> seen;
  tn::trainer<tn::model<small_conv>, tn::mse, tn::sgd>* running = nullptr;
  tn::fit_options options{.epochs = 3, .batch_size = 4};
  options.learning_rate = [](int epoch) { return 0.1 / epoch; };
  options.on_step = [&](const tn::step_report&) {
    seen.push_back(running->optimizer().learning_rate);
    return tn::control::proceed;
  };
  tn::trainer trainer{model, tn::mse{}, tn::sgd{.learning_rate = 7}, options};
  running = &trainer;
  trainer.fit(data);
  CHECK(seen == std::vector<double>{0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.1 / 3, 0.1 / 3, 0.1 / 3});
}

TEST_CASE("hyper-parameters of the optimizer are checked") {
  tn::model<small_conv> model;
  CHECK_THROWS_WITH_AS(tn::trainer(model, tn::mse{}, tn::stochastic_diagonal_lm{.mu = 0}),
                       "stochastic_diagonal_lm: mu must be a finite number above 0, got 0.000000", tn::argument_error);
  CHECK_THROWS_AS(tn::trainer(model, tn::mse{}, tn::stochastic_diagonal_lm{.curvature_samples = 0}), tn::argument_error);
}
