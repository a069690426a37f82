// SPDX-License-Identifier: MIT
// Every layer's gradients against central differences in double. The loss is a fixed random weighting of the outputs; parameter
// gradients start as NaN, so that one left unwritten shows; the same cases run in place and not, and one number a lane.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <typenet/backends/eigen/backend.hpp>
#include <typenet/core/random.hpp>

#include "golden_cases.hpp"
#include "network_runner.hpp"
#include "scalar_backend.hpp"

namespace tn = typenet;
using namespace golden_cases;

namespace {

/// Standard normal numbers, the same for the same tag.
std::vector<double> normals(std::size_t count, std::uint32_t tag, double deviation = 1) {
  tn::random_sequence random{tn::counter_rng{tn::seed{2024}, tn::random_stream::user}, 0, tag};
  std::vector<double> values(count);
  for (double& v : values) {
    const double u = 1 - static_cast<double>(tn::uniform01(random()));
    v = deviation * std::sqrt(-2 * std::log(u)) * std::cos(6.283185307179586 * static_cast<double>(tn::uniform01(random())));
  }
  return values;
}

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

/// The best agreement over several steps: a large one sees curvature, a small one rounding.
template <class Loss>
double worst_disagreement(const std::vector<double>& gradient, std::vector<double> at, const Loss& loss) {
  double worst = 0;
  // All of a small tensor, a sample of a large one.
  const std::size_t stride = std::max<std::size_t>(1, at.size() / 60);
  for (std::size_t i = 0; i < at.size(); i += stride) {
    double best = std::numeric_limits<double>::infinity();
    for (const double step : {1e-4, 1e-5, 1e-6}) {
      const double here = at[i];
      at[i] = here + step;
      const double above = loss(at);
      at[i] = here - step;
      const double below = loss(at);
      at[i] = here;
      const double slope = (above - below) / (2 * step);
      best = std::min(best, std::abs(slope - gradient[i]) / std::max(1.0, std::abs(slope)));
    }
    // Not std::max: a NaN must not pass.
    if (!(best <= worst)) worst = best;
  }
  return worst;
}

template <class Network, class Backend, bool InPlace>
void check_gradients(int batch) {
  testing::network_runner<Network, Backend, InPlace> run{batch};
  std::vector<std::vector<double>> parameters;
  std::uint32_t tag = 1;
  for (const auto& info : Network::parameters) {
    parameters.push_back(normals(static_cast<std::size_t>(info.size()), tag++, 0.5));
    run.set_parameter(parameters.size() - 1, parameters.back());
  }
  const auto input = normals(static_cast<std::size_t>(batch * Network::input_shape.size()), 100);
  const auto weights = normals(static_cast<std::size_t>(batch * Network::output_shape.size()), 101);
  run.forward(input, batch);
  const auto input_gradient = run.backward(weights);
  CHECK(worst_disagreement(input_gradient, input, [&](const auto& x) { return dot(run.forward(x, batch), weights); }) < 1e-6);
  for (std::size_t p = 0; p < parameters.size(); ++p) {
    CAPTURE(p);
    run.forward(input, batch);
    run.backward(weights);
    const auto gradient = run.parameter_gradient(p);
    const double worst = worst_disagreement(gradient, parameters[p], [&](const auto& x) {
      run.set_parameter(p, x);
      return dot(run.forward(input, batch), weights);
    });
    run.set_parameter(p, parameters[p]);
    CHECK(worst < 1e-6);
  }
}

template <class Network>
void check_gradients_in_lanes() {
  SUBCASE("one group") { check_gradients<Network, tn::eigen_backend<double>, true>(5); }
  SUBCASE("several groups") { check_gradients<Network, tn::eigen_backend<double>, true>(19); }
}
template <class Network>
void check_gradients_everywhere() {
  check_gradients_in_lanes<Network>();
  SUBCASE("nothing in place") { check_gradients<Network, tn::eigen_backend<double>, false>(5); }
  SUBCASE("one sample at a time") { check_gradients<Network, tn::eigen_backend<double, 1>, true>(3); }
  SUBCASE("one number a lane") { check_gradients<Network, testing::scalar_backend<double>, true>(5); }
}

}  // namespace

#define GRADIENT_TEST(name, ...) \
  TEST_CASE("gradients of " name) { check_gradients_in_lanes<tn::network<__VA_ARGS__>>(); }
#define GRADIENT_TEST_EVERYWHERE(name, ...) \
  TEST_CASE("gradients of " name) { check_gradients_everywhere<tn::network<__VA_ARGS__>>(); }

GOLDEN_CASES_CONVOLUTION(GRADIENT_TEST)
GOLDEN_CASES_OTHER(GRADIENT_TEST)
GOLDEN_CASES_LENET5(GRADIENT_TEST)
GOLDEN_CASES_COMPOSED(GRADIENT_TEST_EVERYWHERE)

// Larger than a register tile in every direction, so that interior tiles, edges and remainders all occur.
GRADIENT_TEST("a wide padded convolution", tn::input<3, 9, 45>, tn::conv2d<10, 3, tn::padding<1>>)
GRADIENT_TEST("a wide strided convolution", tn::input<2, 11, 43>, tn::conv2d<7, 5, tn::padding<2>, tn::stride<2>>)
GRADIENT_TEST("many channels", tn::input<24, 5, 5>, tn::conv2d<40, 1>)
GRADIENT_TEST("a dropout", tn::input<21>, tn::dropout<0.3>, tn::linear<4>)
GRADIENT_TEST("a dropout of images", tn::input<3, 5, 5>, tn::conv2d<4, 3>, tn::dropout<0.5>, tn::relu)
