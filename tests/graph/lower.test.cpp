// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "networks.hpp"

namespace tn = typenet;
using tn::shape;

namespace {

template <class Layer, int... Extents>
constexpr shape after = tn::network<tn::input<Extents...>, Layer>::output_shape;

// Returns the output extent of Conv2d and MaxPool2d along one axis. @see torch.nn.Conv2d
constexpr int out(int in, int kernel, int stride = 1, int padding = 0, int dilation = 1) {
  return (in + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1;
}

// ---- convolution
static_assert(after<tn::conv2d<6, 5>, 1, 32, 32> == shape{6, 28, 28});
static_assert(after<tn::conv2d<6, 1>, 3, 7, 9> == shape{6, 7, 9});
static_assert(after<tn::conv2d<6, tn::kernel<3, 5>>, 2, 10, 10> == shape{6, 8, 6});
static_assert(after<tn::conv2d<6, 10>, 2, 10, 10> == shape{6, 1, 1}, "a kernel as large as its input");
static_assert(after<tn::conv2d<6, 12, tn::padding<1>>, 2, 10, 10> == shape{6, 1, 1});
static_assert(after<tn::conv2d<4, 3, tn::stride<2>>, 2, 9, 10> == shape{4, 4, 4});
static_assert(after<tn::conv2d<4, 3, tn::groups<2>>, 2, 9, 10> == shape{4, 7, 8});
static_assert(after<tn::conv2d<4, 3, tn::bias<false>>, 2, 9, 10> == shape{4, 7, 8});

template <int Kernel, int Stride, int Padding, int Dilation>
constexpr bool convolution_fits() {
  using layer = tn::conv2d<5, tn::kernel<Kernel, 2>, tn::stride<Stride, 1>, tn::padding<Padding, 3>, tn::dilation<Dilation, 4>>;
  return after<layer, 2, 17, 13> == shape{5, out(17, Kernel, Stride, Padding, Dilation), out(13, 2, 1, 3, 4)};
}
static_assert(convolution_fits<1, 1, 0, 1>() && convolution_fits<2, 1, 0, 1>() && convolution_fits<3, 2, 0, 1>());
static_assert(convolution_fits<3, 1, 1, 1>() && convolution_fits<3, 2, 1, 2>() && convolution_fits<5, 3, 2, 4>());
static_assert(convolution_fits<4, 4, 3, 3>() && convolution_fits<1, 17, 0, 9>() && convolution_fits<7, 5, 6, 2>());

// ---- pooling
static_assert(after<tn::max_pool2d<2>, 6, 28, 28> == shape{6, 14, 14});
static_assert(after<tn::max_pool2d<2>, 6, 5, 7> == shape{6, 2, 3}, "a remainder is left out");
static_assert(after<tn::avg_pool2d<3>, 6, 9, 10> == shape{6, 3, 3});
static_assert(after<tn::avg_pool2d<tn::kernel<2, 3>>, 6, 8, 9> == shape{6, 4, 3});
static_assert(after<tn::global_avg_pool2d, 6, 8, 9> == shape{6, 1, 1});

template <class Layer, int Window, int Stride, int Padding>
constexpr bool pooling_fits() {
  return after<Layer, 3, 17, 19> == shape{3, out(17, Window, Stride, Padding), out(19, Window, Stride, Padding)};
}
static_assert(pooling_fits<tn::max_pool2d<3, tn::stride<2>, tn::padding<1>>, 3, 2, 1>());
static_assert(pooling_fits<tn::max_pool2d<3, tn::stride<1>>, 3, 1, 0>());
static_assert(pooling_fits<tn::avg_pool2d<4, tn::padding<2>>, 4, 4, 2>());
static_assert(pooling_fits<tn::avg_pool2d<2, tn::stride<5>>, 2, 5, 0>());
static_assert(pooling_fits<tn::max_pool2d<17>, 17, 17, 0>());

// ---- vectors
static_assert(after<tn::linear<7>, 12> == shape{7});
static_assert(after<tn::gaussian_rbf<10>, 84> == shape{10});
static_assert(after<tn::flatten, 3, 4, 5> == shape{60});
static_assert(after<tn::flatten, 60> == shape{60});

// ---- layers that keep the shape
template <class... Layers>
constexpr bool keep_shape() {
  return ((after<Layers, 4, 5, 6> == shape{4, 5, 6} && after<Layers, 8> == shape{8}) && ...);
}
static_assert(
    keep_shape<tn::batch_norm<>, tn::batch_norm<1e-3, 0.2>, tn::group_norm<2>, tn::group_norm<1, 1e-6>, tn::dropout<0.5>, tn::dropout<0.0>,
               tn::relu, tn::leaky_relu<>, tn::leaky_relu<0.2>, tn::gelu, tn::tanh, tn::sigmoid, tn::softmax, tn::scaled_tanh>());

// ---- composition
static_assert(after<tn::sequential<tn::conv2d<4, 3>, tn::sequential<tn::max_pool2d<2>, tn::flatten>>, 2, 8, 8> == shape{36});
static_assert(after<tn::residual<tn::conv2d<2, 3>, tn::relu, tn::conv2d<2, 3, tn::padding<2>>>, 2, 8, 8> == shape{2, 8, 8});
static_assert(after<tn::concat<tn::conv2d<4, 1>, tn::max_pool2d<3, tn::stride<1>, tn::padding<1>>, tn::relu>, 2, 8, 8> == shape{8, 8, 8});
static_assert(after<tn::concat<tn::linear<4>, tn::relu, tn::gaussian_rbf<2>>, 5> == shape{11});
static_assert(after<tn::concat<tn::flatten>, 2, 3, 4> == shape{24}, "one branch that only reshapes");
static_assert(after<tn::named<"a", tn::linear<4>>, 5> == shape{4});
static_assert(after<tn::named<"a", tn::residual<tn::named<"b", tn::linear<5>>>>, 5> == shape{5});

// ---- a whole network
using networks::lenet5;
static_assert(lenet5::input_shape == shape{1, 32, 32});
static_assert(lenet5::output_shape == shape{10});
static_assert(lenet5::layer_count == 15 && lenet5::shapes.size() == 15);
static_assert(lenet5::fits);
static_assert(tn::network_type<lenet5> && !tn::network_type<tn::relu> && !tn::network_type<int>);
static_assert(tn::layer<tn::relu> && tn::layer<tn::conv2d<6, 5>> && tn::layer<tn::residual<tn::relu>> && !tn::layer<int> &&
              !tn::layer<tn::input<3>> && !tn::layer<tn::bias<true>>);

}  // namespace

TEST_CASE("a network lists the shape after every layer") {
  constexpr shape expected[] = {shape{6, 28, 28},  shape{6, 28, 28},  shape{6, 28, 28}, shape{6, 14, 14}, shape{16, 10, 10},
                                shape{16, 10, 10}, shape{16, 10, 10}, shape{16, 5, 5},  shape{400},       shape{400},
                                shape{120},        shape{120},        shape{84},        shape{84},        shape{10}};
  for (std::size_t i = 0; i < lenet5::shapes.size(); ++i) {
    CAPTURE(i);
    CHECK(lenet5::shapes[i] == expected[i]);
  }
}

TEST_CASE("a composition counts as one layer in the list of shapes") {
  using networks::nested;
  static_assert(nested::layer_count == 6);
  CHECK(nested::shapes[0] == shape{8, 16, 16});
  CHECK(nested::shapes[1] == shape{8, 16, 16});
  CHECK(nested::shapes[2] == shape{8, 16, 16});
  CHECK(nested::shapes[3] == shape{8, 1, 1});
  CHECK(nested::shapes[4] == shape{8});
  CHECK(nested::shapes[5] == shape{10});
}
