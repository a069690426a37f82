// SPDX-License-Identifier: MIT
// Compares every gradient of a network with central differences in double. The loss is a fixed random weighting of the outputs. Parameter
// gradients start as NaN, so that an unwritten gradient fails the test.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include <typenet/backends/eigen/backend.hpp>
#include <typenet/core/random.hpp>

#include "network_runner.hpp"
#include "scalar_backend.hpp"

namespace gradient_checks {

namespace tn = typenet;

/// Returns `count` normally distributed numbers with mean 0. They depend only on `tag`.
inline std::vector<double> normals(std::size_t count, std::uint32_t tag, double deviation = 1) {
  tn::random_sequence random{tn::counter_rng{tn::seed{2024}, tn::random_stream::user}, 0, tag};
  std::vector<double> values(count);
  for (double& v : values) {
    const double u = 1 - static_cast<double>(tn::uniform01(random()));
    v = deviation * std::sqrt(-2 * std::log(u)) * std::cos(6.283185307179586 * static_cast<double>(tn::uniform01(random())));
  }
  return values;
}

inline double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

/// Returns the largest difference over the elements. Each element takes its best step size: large steps add curvature errors, small steps
/// rounding errors.
template <class Loss>
double worst_disagreement(const std::vector<double>& gradient, std::vector<double> at, const Loss& loss) {
  double worst = 0;
  // Checks every element of a small tensor, and at most about 120 elements of a large one.
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
    // Written without std::max, so that a NaN fails the test.
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

}  // namespace gradient_checks

#define GRADIENT_TEST(name, ...) \
  TEST_CASE("gradients of " name) { gradient_checks::check_gradients_in_lanes<typenet::network<__VA_ARGS__>>(); }
#define GRADIENT_TEST_EVERYWHERE(name, ...) \
  TEST_CASE("gradients of " name) { gradient_checks::check_gradients_everywhere<typenet::network<__VA_ARGS__>>(); }
