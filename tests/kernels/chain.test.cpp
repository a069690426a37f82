// SPDX-License-Identifier: MIT
// Tests fused chains of layers: which layers fuse, and that the results agree with separate layers.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <type_traits>
#include <vector>

#include <typenet/backends/eigen/backend.hpp>
#include <typenet/core/random.hpp>
#include <typenet/typenet.hpp>

#include "network_runner.hpp"
#include "scalar_backend.hpp"

namespace tn = typenet;

namespace {

// ---- layers that fuse

template <class... Layers>
constexpr int operations = tn::network<tn::input<3, 8, 8>, Layers...>::compiled::count;

static_assert(operations<tn::conv2d<4, 3>, tn::batch_norm<>, tn::relu, tn::max_pool2d<2>> == 1);
static_assert(operations<tn::conv2d<4, 3>, tn::batch_norm<>, tn::relu, tn::max_pool2d<2>, tn::conv2d<2, 2>, tn::batch_norm<>> == 2);
static_assert(operations<tn::named<"first", tn::conv2d<4, 3>>, tn::sequential<tn::gelu, tn::avg_pool2d<2>>> == 1);
static_assert(operations<tn::conv2d<4, 3>, tn::max_pool2d<2>, tn::relu> == 2);
static_assert(operations<tn::flatten, tn::linear<4>, tn::batch_norm<>, tn::relu> == 3);
// An activation alone does not fuse: it overwrites the output of the convolution.
static_assert(operations<tn::conv2d<4, 3>, tn::relu> == 2);
// Pooling windows that overlap or leave inputs unread do not fuse.
static_assert(operations<tn::conv2d<4, 4>, tn::relu, tn::max_pool2d<2>> == 3);
static_assert(operations<tn::conv2d<4, 3>, tn::relu, tn::max_pool2d<3, tn::stride<1>>> == 3);
// Layers in another order do not fuse.
static_assert(operations<tn::relu, tn::batch_norm<>> == 2);
static_assert(operations<tn::batch_norm<>, tn::batch_norm<>, tn::relu> == 2);
// A value with other readers is stored: the sum of a residual, and the input of a residual.
using skip = tn::residual<tn::relu, tn::conv2d<4, 3, tn::padding<1>>>;
static_assert(operations<tn::conv2d<4, 3>, tn::batch_norm<>, skip> == 4);
static_assert(operations<tn::conv2d<4, 3>, skip, tn::relu, tn::max_pool2d<2>> == 5);

// ---- results of fused chains

std::vector<double> numbers(tn::index count, std::uint32_t tag, double scale) {
  tn::random_sequence random{tn::counter_rng{tn::seed{77}, tn::random_stream::user}, 0, tag};
  std::vector<double> values(static_cast<std::size_t>(count));
  for (double& v : values) v = scale * (2 * static_cast<double>(tn::uniform01(random())) - 1);
  return values;
}

double distance(const std::vector<double>& a, const std::vector<double>& b) {
  double largest = 0, scale = 1;
  for (std::size_t i = 0; i < a.size(); ++i) {
    // Written without std::max, so that a NaN fails the test.
    if (!(std::abs(a[i] - b[i]) <= largest)) largest = std::abs(a[i] - b[i]);
    scale = std::max(scale, std::abs(b[i]));
  }
  return largest / scale;
}

template <class Network, class Backend, bool InPlace = true>
void compare(int batch, int threads = 1) {
  constexpr bool single = std::is_same_v<typename Backend::scalar, float>;
  // A sum over the batch may cancel. Before a normalization, the gradients of a channel's shift sum to rounding errors.
  const double tolerance = single ? 1e-2 : 1e-11;
  CAPTURE(batch);
  CAPTURE(threads);
  CAPTURE(single);
  CAPTURE(Backend::lanes);
  static_assert(Network::compiled::count < Network::unfused::count);
  testing::network_runner<Network, Backend, InPlace> together{batch};
  testing::network_runner<Network, Backend, InPlace, typename Network::unfused> apart{batch};
  const auto both = [&](const auto& act) {
    act(together);
    act(apart);
  };
  std::size_t number = 0;
  for (const auto& info : Network::parameters) {
    // Biases far from zero: a variance from sums of squares would lose its digits here.
    auto values = numbers(info.size(), static_cast<std::uint32_t>(number), 0.5);
    if (info.spec.name == "bias")
      for (double& v : values) v += 7;
    // Scales of a normalization: positive, negative, and zero in one channel. With scale zero, all numbers of a window are equal.
    if (info.spec.role == tn::parameter_role::scale) {
      values.front() = 0;
      if (values.size() > 2) values[1] = -std::abs(values[1]), values[2] = std::abs(values[2]);
    }
    both([&](auto& run) { run.set_parameter(number, values); });
    ++number;
  }
  both([&](auto& run) { run.set_threads(threads); });
  const auto input = numbers(batch * Network::input_shape.size(), 1000, 1);
  const auto gradient = numbers(batch * Network::output_shape.size(), 1001, 1);
  // Two passes: the running statistics then differ from their initial values.
  for (int pass = 0; pass < 2; ++pass) {
    CHECK(distance(together.forward(input, batch), apart.forward(input, batch)) < tolerance);
    CHECK(distance(together.backward(gradient), apart.backward(gradient)) < tolerance);
    for (std::size_t p = 0; p < Network::parameters.size(); ++p) {
      CAPTURE(Network::parameters[p].name.view());
      CHECK(distance(together.parameter_gradient(p), apart.parameter_gradient(p)) < tolerance);
    }
    for (std::size_t b = 0; b < Network::buffers.size(); ++b) {
      CAPTURE(Network::buffers[b].name.view());
      CHECK(distance(together.buffer(b), apart.buffer(b)) < tolerance);
    }
  }
  // With equal running statistics the results have equal bits.
  for (std::size_t b = 0; b < Network::buffers.size(); ++b) together.set_buffer(b, apart.buffer(b));
  CHECK(together.forward(input, batch, false) == apart.forward(input, batch, false));
}

template <class... Layers>
void compare_everywhere() {
  using network = tn::network<tn::input<3, 10, 46>, Layers...>;
  for (const int batch : {1, 5, 16, 33}) compare<network, tn::eigen_backend<double>>(batch);
  compare<network, tn::eigen_backend<double>>(33, 3);
  compare<network, tn::eigen_backend<double>, false>(5);
  compare<network, tn::eigen_backend<float>>(19);
  compare<network, testing::scalar_backend<double>>(5);
}

}  // namespace

TEST_CASE("a convolution, its statistics and all that follows") {
  compare_everywhere<tn::conv2d<4, 3>, tn::batch_norm<>, tn::relu, tn::max_pool2d<2>>();
  compare_everywhere<tn::conv2d<6, 3, tn::padding<1>, tn::groups<3>, tn::bias<false>>, tn::batch_norm<>, tn::gelu,
                     tn::avg_pool2d<tn::kernel<1, 2>>>();
  compare_everywhere<tn::conv2d<4, 3, tn::stride<1, 2>>, tn::batch_norm<1e-3, 0.3>, tn::scaled_tanh>();
}
TEST_CASE("a convolution, its statistics and windows that take the largest, through maps that rise and one that does not") {
  compare_everywhere<tn::conv2d<4, 3>, tn::batch_norm<>, tn::max_pool2d<tn::kernel<4, 2>>>();
  compare_everywhere<tn::conv2d<3, 3>, tn::batch_norm<>, tn::tanh, tn::max_pool2d<2>>();
  compare_everywhere<tn::conv2d<3, 3>, tn::batch_norm<>, tn::leaky_relu<0.1>, tn::max_pool2d<2>>();
  compare_everywhere<tn::conv2d<3, 3>, tn::batch_norm<>, tn::leaky_relu<-0.5>, tn::max_pool2d<2>>();
  compare_everywhere<tn::conv2d<3, 3>, tn::batch_norm<>, tn::gelu, tn::max_pool2d<2>>();
  compare_everywhere<tn::conv2d<3, 3, tn::padding<1>, tn::bias<tn::per_unit>>, tn::batch_norm<>, tn::sigmoid, tn::max_pool2d<2>>();
}
TEST_CASE("before a normalisation a channel's bias has no gradient, a unit's has") {
  const auto gradient_of_bias = []<class Bias>(Bias) {
    using network = tn::network<tn::input<3, 10, 46>, tn::conv2d<4, 3, Bias>, tn::batch_norm<>, tn::relu, tn::max_pool2d<2>>;
    testing::network_runner<network, tn::eigen_backend<double>> run{5};
    for (std::size_t p = 0; p < network::parameters.size(); ++p)
      run.set_parameter(p, numbers(network::parameters[p].size(), static_cast<std::uint32_t>(p), 0.5));
    run.forward(numbers(5 * network::input_shape.size(), 1000, 1), 5);
    run.backward(numbers(5 * network::output_shape.size(), 1001, 1));
    double largest = 0;
    for (const double g : run.parameter_gradient(1)) largest = std::max(largest, std::abs(g));
    return largest;
  };
  CHECK(gradient_of_bias(tn::bias<true>{}) == 0);
  CHECK(gradient_of_bias(tn::bias<tn::per_unit>{}) > 1e-3);
}
TEST_CASE("a convolution whose statistics come in parts, and nothing else") {
  compare_everywhere<tn::conv2d<5, 1>, tn::batch_norm<>, tn::conv2d<2, 3>>();
}
TEST_CASE("a convolution, a map and windows, without statistics") {
  compare_everywhere<tn::conv2d<4, 3>, tn::relu, tn::max_pool2d<2>>();
  compare_everywhere<tn::conv2d<4, 3>, tn::leaky_relu<0.1>, tn::avg_pool2d<4>>();
  compare_everywhere<tn::conv2d<4, 3>, tn::max_pool2d<2>, tn::tanh>();
}
TEST_CASE("chains without a convolution") {
  compare_everywhere<tn::batch_norm<>, tn::sigmoid, tn::max_pool2d<2>>();
  compare_everywhere<tn::relu, tn::avg_pool2d<2>, tn::flatten, tn::linear<7>, tn::batch_norm<>, tn::tanh>();
  compare_everywhere<tn::residual<tn::batch_norm<>, tn::relu, tn::conv2d<3, 3, tn::padding<1>>>, tn::relu, tn::max_pool2d<2>>();
}
TEST_CASE("chains in branches") {
  compare_everywhere<tn::concat<tn::sequential<tn::conv2d<2, 1>, tn::batch_norm<>, tn::relu>,
                                tn::sequential<tn::batch_norm<>, tn::relu, tn::conv2d<3, 3, tn::padding<1>>>, tn::relu>,
                     tn::batch_norm<>, tn::max_pool2d<2>>();
}
