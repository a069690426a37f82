// SPDX-License-Identifier: MIT
/// @file
/// Compares layers on the Thrust backend with PyTorch, and with the Eigen backend on batches of several warps.
#pragma once

#include <typenet/thrust.hpp>

#include <string_view>

#include "check_golden.hpp"
#include "golden_cases.hpp"
#include "support.hpp"

namespace on_thrust {

/// True for one case of each kind of layer. These cases also run in float and are compared with the Eigen backend.
constexpr bool of_each_kind(std::string_view name) {
  bool one_of_them = false;
  for (const std::string_view one : {"conv2d_5x5", "conv2d_stride_dilation_padding", "conv2d_depthwise", "conv2d_connections_c3",
                                     "conv2d_1989", "linear_wide", "max_pool2d_padding", "avg_pool2d_padding", "batch_norm_images_batch_17",
                                     "group_norm", "gelu", "softmax_large", "gaussian_rbf_batch_17", "concat_three", "small_network"})
    one_of_them = one_of_them || one == name;
  return one_of_them && TYPENET_TEST_FULLY;
}

template <class Network, bool Float>
void check_golden(const char* name) {
  const golden::layer_case& expected = golden::layer(name);
  SUBCASE("double") { golden_cases::check_on<Network, tn::thrust_backend<double>, true>(expected); }
  if constexpr (Float) {
    SUBCASE("float") { golden_cases::check_on<Network, tn::thrust_backend<float>, true>(expected); }
  }
}

/// Runs a network on a backend with fixed inputs and parameters. Returns the outputs and all gradients.
template <class Network, class Backend>
std::vector<std::vector<double>> run_layers(int batch) {
  testing::network_runner<Network, Backend> run{batch};
  std::uint32_t number = 0;
  for (const auto& info : Network::parameters) {
    run.set_parameter(number, numbers(static_cast<std::size_t>(info.size()), number + 1));
    ++number;
  }
  const auto size = [&](tn::shape s) { return static_cast<std::size_t>(batch * s.size()); };
  std::vector<std::vector<double>> all{run.forward(numbers(size(Network::input_shape), 100), batch)};
  all.push_back(run.backward(numbers(size(Network::output_shape), 101)));
  std::size_t p = 0, b = 0;
  for ([[maybe_unused]] const auto& info : Network::parameters) all.push_back(run.parameter_gradient(p++));
  for ([[maybe_unused]] const auto& info : Network::buffers) all.push_back(run.buffer(b++));
  all.push_back(run.forward(numbers(size(Network::input_shape), 102), batch, false));
  return all;
}

/// Checks a batch of one sample and a batch of three warps, of which the last is partly used.
template <class Network, bool Asked>
void check_gradients() {
  for ([[maybe_unused]] const int batch : {1, 70}) {
    if constexpr (Asked) {
      CAPTURE(batch);
      const auto here = run_layers<Network, tn::thrust_backend<double>>(batch);
      const auto expected = run_layers<Network, tn::eigen_backend<double>>(batch);
      REQUIRE(here.size() == expected.size());
      for (std::size_t i = 0; i < here.size(); ++i) {
        CAPTURE(i);
        CHECK(golden::difference(here[i], expected[i], {1e-10, 1e-11}) == "");
      }
    }
  }
}

}  // namespace on_thrust

#define ON_THRUST(name, ...)                                                                     \
  TEST_CASE(name " through Thrust, as in PyTorch") {                                             \
    on_thrust::check_golden<typenet::network<__VA_ARGS__>, on_thrust::of_each_kind(name)>(name); \
  }                                                                                              \
  TEST_CASE(name " through Thrust, gradients as on the CPU") {                                   \
    on_thrust::check_gradients<typenet::network<__VA_ARGS__>, on_thrust::of_each_kind(name)>();  \
  }
