// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "networks.hpp"

namespace tn = typenet;
using tn::index;

namespace {

template <class Layer, int... Extents>
using one = tn::network<tn::input<Extents...>, Layer>;

// ---- the network of the README
using networks::lenet5;
static_assert(lenet5::parameter_count == 156 + 12 + 2'416 + 32 + 48'120 + 10'164 + 840);
static_assert(lenet5::parameter_count == 61'740);
static_assert(lenet5::buffer_count == 2 * 6 + 1 + 2 * 16 + 1);
static_assert(lenet5::macs == 6 * 28 * 28 * 25 + 16 * 10 * 10 * 150 + 120 * 400 + 84 * 120 + 10 * 84);
static_assert(lenet5::layer_parameter_counts == std::array<index, 15>{156, 12, 0, 0, 2'416, 32, 0, 0, 0, 0, 48'120, 0, 10'164, 0, 840});

// ---- convolution: the number of weights is output channels x input channels per group x kernel size
static_assert(one<tn::conv2d<6, 5>, 1, 32, 32>::parameter_count == 6 * 25 + 6);
static_assert(one<tn::conv2d<6, 5, tn::bias<false>>, 1, 32, 32>::parameter_count == 6 * 25);
static_assert(one<tn::conv2d<8, tn::kernel<3, 5>>, 4, 9, 9>::parameter_count == 8 * 4 * 15 + 8);
static_assert(one<tn::conv2d<8, 3, tn::groups<4>>, 4, 9, 9>::parameter_count == 8 * 9 + 8);
static_assert(one<tn::conv2d<8, 3, tn::groups<2>, tn::bias<false>>, 4, 9, 9>::parameter_count == 8 * 2 * 9);
static_assert(one<tn::conv2d<8, 3>, 4, 9, 9>::macs == index{8} * 7 * 7 * 4 * 9);
static_assert(one<tn::conv2d<8, 3, tn::stride<2>>, 4, 9, 9>::macs == index{8} * 4 * 4 * 4 * 9);
static_assert(one<tn::conv2d<8, 3, tn::groups<4>>, 4, 9, 9>::macs == index{8} * 7 * 7 * 9);
static_assert(one<tn::conv2d<8, 3, tn::dilation<2>>, 4, 9, 9>::macs == index{8} * 5 * 5 * 4 * 9);

// ---- C3 of LeNet-5 (1998): 60 kernels of 25 weights, and 16 biases
using c3 = one<tn::conv2d<16, 5, tn::connections<networks::c3_table>>, 6, 14, 14>;
static_assert(networks::c3_table.links() == 60);
static_assert(networks::c3_table.links_to(0) == 3 && networks::c3_table.links_to(6) == 4 && networks::c3_table.links_to(15) == 6);
static_assert(c3::parameter_count == 1'516);
static_assert(c3::parameters[0].size() == 1'500 && c3::parameters[1].size() == 16);
static_assert(c3::parameters[0].spec.rank == 3 && c3::parameters[0].spec.extents[0] == 60 && c3::parameters[0].spec.extents[1] == 5 &&
              c3::parameters[0].spec.extents[2] == 5);
static_assert(c3::macs == 150'000);
static_assert(one<tn::conv2d<16, 5, tn::connections<networks::c3_table>, tn::bias<false>>, 6, 14, 14>::parameter_count == 1'500);
// A full table has the counts of a convolution without a table.
constexpr auto full_table = [] {
  tn::connection_table<6, 16> table{};
  for (int input = 0; input < 6; ++input)
    for (int output = 0; output < 16; ++output) table.connect(input, output);
  return table;
}();
static_assert(one<tn::conv2d<16, 5, tn::connections<full_table>>, 6, 14, 14>::parameter_count ==
              one<tn::conv2d<16, 5>, 6, 14, 14>::parameter_count);
static_assert(one<tn::conv2d<16, 5, tn::connections<full_table>>, 6, 14, 14>::macs == one<tn::conv2d<16, 5>, 6, 14, 14>::macs);

// ---- options in any order
template <class... Nets>
constexpr bool all_alike() {
  const index parameters[] = {Nets::parameter_count...};
  const index macs[] = {Nets::macs...};
  const tn::shape shapes[] = {Nets::output_shape...};
  for (std::size_t i = 1; i < sizeof...(Nets); ++i)
    if (parameters[i] != parameters[0] || macs[i] != macs[0] || shapes[i] != shapes[0]) return false;
  return true;
}
template <class A, class B, class C>
constexpr bool any_order =
    all_alike<one<tn::conv2d<8, 3, A, B, C>, 4, 9, 9>, one<tn::conv2d<8, 3, A, C, B>, 4, 9, 9>, one<tn::conv2d<8, 3, B, A, C>, 4, 9, 9>,
              one<tn::conv2d<8, 3, B, C, A>, 4, 9, 9>, one<tn::conv2d<8, 3, C, A, B>, 4, 9, 9>, one<tn::conv2d<8, 3, C, B, A>, 4, 9, 9>>();
static_assert(any_order<tn::padding<1>, tn::stride<2>, tn::groups<4>>);
static_assert(any_order<tn::bias<false>, tn::dilation<2>, tn::padding<2, 1>>);
static_assert(any_order<tn::stride<1, 2>, tn::bias<true>, tn::groups<2>>);
static_assert(all_alike<one<tn::max_pool2d<3, tn::padding<1>, tn::stride<2>>, 4, 9, 9>,
                        one<tn::max_pool2d<3, tn::stride<2>, tn::padding<1>>, 4, 9, 9>>());
// An option may repeat its default.
static_assert(all_alike<one<tn::conv2d<8, 3>, 4, 9, 9>,
                        one<tn::conv2d<8, tn::kernel<3, 3>, tn::padding<0>, tn::stride<1>, tn::dilation<1>, tn::groups<1>, tn::bias<true>>,
                            4, 9, 9>>());

// ---- other layers
static_assert(one<tn::linear<7>, 12>::parameter_count == 7 * 12 + 7);
static_assert(one<tn::linear<7, tn::bias<false>>, 12>::parameter_count == 7 * 12);
static_assert(one<tn::linear<7>, 12>::macs == 7 * 12);
static_assert(one<tn::gaussian_rbf<10>, 84>::parameter_count == 840);
static_assert(one<tn::batch_norm<>, 6, 5, 5>::parameter_count == 12 && one<tn::batch_norm<>, 6, 5, 5>::buffer_count == 13);
static_assert(one<tn::batch_norm<>, 6>::parameter_count == 12 && one<tn::batch_norm<>, 6>::buffer_count == 13);
static_assert(one<tn::group_norm<3>, 6, 5, 5>::parameter_count == 12 && one<tn::group_norm<3>, 6, 5, 5>::buffer_count == 0);
template <class... Layers>
constexpr bool learn_nothing() {
  return ((one<Layers, 4, 6, 6>::parameter_count == 0 && one<Layers, 4, 6, 6>::buffer_count == 0 && one<Layers, 4, 6, 6>::macs == 0) &&
          ...);
}
static_assert(learn_nothing<tn::max_pool2d<2>, tn::avg_pool2d<2>, tn::global_avg_pool2d, tn::flatten, tn::dropout<0.5>, tn::relu,
                            tn::leaky_relu<>, tn::gelu, tn::tanh, tn::sigmoid, tn::softmax, tn::scaled_tanh>());

// ---- sums over compositions
using networks::nested;
static_assert(nested::parameter_count == (8 * 27 + 8) + (8 * 72 + 8 + 16) + (4 * 8 + 4) + (2 * 8 + 2) + (4 * 50 + 4) + (10 * 8 + 10));
static_assert(nested::macs == 256 * (8 * 27 + 8 * 72 + 4 * 8 + 2 * 8 + 4 * 50) + 80);
static_assert(nested::layer_parameter_counts == std::array<index, 6>{224, 600, 258, 0, 0, 90});

// ---- bytes
static_assert(lenet5::parameter_bytes<> == 61'740 * 4 && lenet5::parameter_bytes<double> == 61'740 * 8);
static_assert(lenet5::padded_batch(1) == 16 && lenet5::padded_batch(16) == 16 && lenet5::padded_batch(17) == 32 &&
              lenet5::padded_batch(32) == 32);
static_assert(lenet5::activation_bytes<>(32) == 2 * lenet5::activation_bytes<>(16));
static_assert(lenet5::activation_bytes<>(1) == lenet5::activation_bytes<>(16), "whole groups of lanes");
static_assert(lenet5::activation_bytes<double>(32) == 2 * lenet5::activation_bytes<float>(32));
// A chain without in-place layers: it stores 4 + 3 + 2 numbers per sample.
using chain = tn::network<tn::input<4>, tn::linear<3>, tn::linear<2>>;
static_assert(chain::memory<>.activations == 5 && chain::memory<>.gradients == 5);
static_assert(chain::activation_bytes<>(16) == 16 * 9 * 4);
static_assert(chain::parameter_count == 15 + 8 && chain::parameter_arena == 4 * tn::tensor_alignment);

}  // namespace

TEST_CASE("parameters and buffers lie one after another, aligned, without overlap") {
  const auto check = [](const auto& tensors, index arena) {
    index end = 0;
    for (const auto& tensor : tensors) {
      CAPTURE(tensor.name.view());
      CHECK(tensor.offset % tn::tensor_alignment == 0);
      CHECK(tensor.offset >= end);
      end = tensor.offset + tensor.size();
    }
    CHECK(arena >= end);
    CHECK(arena < end + tn::tensor_alignment);
  };
  check(lenet5::parameters, lenet5::parameter_arena);
  check(lenet5::buffers, lenet5::buffer_arena);
  check(nested::parameters, nested::parameter_arena);
  check(nested::buffers, nested::buffer_arena);
}

TEST_CASE("fans are as initializers expect") {
  using net = tn::network<tn::input<4, 8, 8>, tn::conv2d<6, tn::kernel<3, 5>, tn::groups<2>>, tn::flatten, tn::linear<7>>;
  CHECK(net::parameters[0].spec.fan_in == 2 * 15);
  CHECK(net::parameters[1].spec.fan_in == 2 * 15);
  CHECK(net::parameters[2].spec.fan_in == 6 * 6 * 4);
  CHECK(net::parameters[2].spec.fan_out == 7);
  CHECK(net::parameters[0].spec.role == tn::parameter_role::weight);
  CHECK(net::parameters[3].spec.role == tn::parameter_role::bias);
}
