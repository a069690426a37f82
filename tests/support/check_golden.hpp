// SPDX-License-Identifier: MIT
// Compares a network on a backend with the values that PyTorch computed.
#pragma once

#include <doctest/doctest.h>

#include <string>

#include <typenet/backends/eigen/backend.hpp>

#include "golden.hpp"
#include "network_runner.hpp"

namespace golden_cases {

template <class Network, class Backend, bool InPlace>
void check_on(const golden::layer_case& expected) {
  using scalar = typename Backend::scalar;
  const auto tolerance = golden::tolerance_for<scalar>;
  REQUIRE(expected.parameters.size() == Network::parameters.size());
  REQUIRE(expected.buffers.size() == Network::buffers.size());
  int capacity = expected.eval.batch;
  for (const auto& pass : expected.passes) capacity = std::max(capacity, pass.batch);
  testing::network_runner<Network, Backend, InPlace> run{capacity};
  std::size_t number = 0;
  for (const auto& parameter : Network::parameters) {
    CHECK(std::string{parameter.name.view()} == expected.parameters[number].name);
    run.set_parameter(number, expected.parameters[number].values);
    ++number;
  }
  number = 0;
  for (const auto& buffer : Network::buffers) CHECK(std::string{buffer.name.view()} == expected.buffers[number++].name);
  for (const auto& pass : expected.passes) {
    CHECK(golden::difference(run.forward(pass.input, pass.batch), pass.output, tolerance) == "");
    CHECK(golden::difference(run.backward(pass.grad_output), pass.grad_input, tolerance) == "");
    for (std::size_t p = 0; p < pass.parameter_gradients.size(); ++p) {
      CAPTURE(pass.parameter_gradients[p].name);
      CHECK(golden::difference(run.parameter_gradient(p), pass.parameter_gradients[p].values, tolerance) == "");
    }
    for (std::size_t b = 0; b < pass.buffers_after.size(); ++b) {
      CAPTURE(pass.buffers_after[b].name);
      CHECK(golden::difference(run.buffer(b), pass.buffers_after[b].values, tolerance) == "");
    }
  }
  if (expected.eval.batch > 0)
    CHECK(golden::difference(run.forward(expected.eval.input, expected.eval.batch, false), expected.eval.output, tolerance) == "");
}

template <class Network>
void check(const char* name) {
  const golden::layer_case& expected = golden::layer(name);
  CAPTURE(name);
  SUBCASE("double") { check_on<Network, typenet::eigen_backend<double>, true>(expected); }
#if TYPENET_TEST_FULLY
  // A single layer has no in-place variant.
  if constexpr (Network::layer_count > 1) {
    SUBCASE("double, nothing in place") { check_on<Network, typenet::eigen_backend<double>, false>(expected); }
  }
  SUBCASE("float") { check_on<Network, typenet::eigen_backend<float>, true>(expected); }
#endif
  SUBCASE("one sample at a time") { check_on<Network, typenet::eigen_backend<double, 1>, true>(expected); }
}

}  // namespace golden_cases

#define GOLDEN_TEST(name, ...) \
  TEST_CASE(name " as in PyTorch") { golden_cases::check<typenet::network<__VA_ARGS__>>(name); }
