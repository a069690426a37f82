// SPDX-License-Identifier: MIT
// LeNet-5 as the paper has it: what it counts, its codes, and that it learns.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <typenet/typenet.hpp>

namespace tn = typenet;

namespace {

using lenet5 =
    tn::network<tn::input<1, 32, 32>, tn::conv2d<6, 5>, tn::scaled_tanh, tn::trainable_subsample<2>, tn::scaled_tanh,
                tn::conv2d<16, 5, tn::connections<tn::lenet5_c3>>, tn::scaled_tanh, tn::trainable_subsample<2>, tn::scaled_tanh,
                tn::conv2d<120, 5>, tn::scaled_tanh, tn::flatten, tn::linear<84>, tn::scaled_tanh, tn::euclidean_rbf<tn::lenet5_codes>>;

// ---- the numbers that the paper prints
static_assert(lenet5::layer_parameter_counts == std::array<tn::index, 14>{156, 0, 12, 0, 1'516, 0, 32, 0, 48'120, 0, 0, 10'164, 0, 0});
static_assert(lenet5::parameter_count == 60'000);
static_assert(lenet5::layer_connections ==
              std::array<tn::index, 14>{122'304, 0, 5'880, 0, 151'600, 0, 2'000, 0, 48'120, 0, 0, 10'164, 0, 840});
static_assert(lenet5::connections == 340'908);
static_assert(lenet5::shapes[2] == tn::shape{6, 14, 14} && lenet5::shapes[6] == tn::shape{16, 5, 5} &&
              lenet5::shapes[8] == tn::shape{120, 1, 1});
static_assert(lenet5::output_shape == tn::shape{10});

template <class Layer, int... Extents>
using one = tn::network<tn::input<Extents...>, Layer>;

// ---- what counts as a connection
static_assert(one<tn::linear<7, tn::bias<false>>, 12>::connections == 7 * 12);
static_assert(one<tn::conv2d<8, 3, tn::groups<4>, tn::bias<false>>, 4, 9, 9>::connections == 8 * 7 * 7 * 9);
static_assert(one<tn::gaussian_rbf<10>, 84>::connections == 840);
static_assert(one<tn::trainable_subsample<3, tn::stride<2>, tn::padding<1>>, 2, 6, 7>::connections == 2 * 3 * 4 * (9 + 1));
static_assert(one<tn::max_pool2d<2>, 2, 6, 6>::connections == 0 && one<tn::batch_norm<>, 2, 6, 6>::connections == 0);
static_assert(tn::network<tn::input<5>, tn::residual<tn::linear<5>>, tn::concat<tn::linear<1>, tn::linear<2>>>::connections == 30 + 18);

// ---- subsampling: two numbers a channel, drawn by the window that a unit reads
using subsample = one<tn::trainable_subsample<tn::kernel<2, 3>, tn::stride<1, 2>>, 3, 6, 7>;
static_assert(subsample::output_shape == tn::shape{3, 5, 3} && subsample::parameter_count == 6 && subsample::macs == 45);
static_assert(subsample::parameters[0].name == "0.weight" && subsample::parameters[1].name == "0.bias");
static_assert(subsample::parameters[0].spec.role == tn::parameter_role::weight && subsample::parameters[0].spec.fan_in == 6 &&
              subsample::parameters[0].spec.fan_out == 4);
static_assert(subsample::parameters[1].spec.role == tn::parameter_role::bias && subsample::parameters[1].spec.fan_in == 6);

// ---- codes: +1 and -1, as drawn
constexpr auto arrows = tn::drawn_codes<2, 3>({
    ".#. ###",  //
    "### .#.",  //
    ".#. .#.",
});
static_assert(arrows.rows == 2 && arrows.columns == 9);
static_assert(arrows.at(0, 0) == -1 && arrows.at(0, 1) == 1 && arrows.at(0, 3) == 1 && arrows.at(1, 0) == 1 && arrows.at(1, 3) == -1);
static_assert(arrows == tn::code_table<2, 9>{{{0, 1, 0, 1, 1, 1, 0, 1, 0}, {1, 1, 1, 0, 1, 0, 0, 1, 0}}});
static_assert(one<tn::euclidean_rbf<arrows>, 9>::parameter_count == 0 && one<tn::euclidean_rbf<arrows>, 9>::macs == 18);

constexpr int squared_distance(int a, int b) {
  int sum = 0;
  for (int j = 0; j < 84; ++j) {
    const int d = tn::lenet5_codes.at(a, j) - tn::lenet5_codes.at(b, j);
    sum += d * d;
  }
  return sum;
}
constexpr int least_distance() {
  int least = squared_distance(0, 1);
  for (int a = 0; a < 10; ++a)
    for (int b = 0; b < a; ++b) least = squared_distance(a, b) < least ? squared_distance(a, b) : least;
  return least;
}
// 6 and 8 are closest; 1 and 4, 1 and 8, 4 and 7 are farthest apart.
static_assert(squared_distance(6, 8) == 48 && least_distance() == 48);
static_assert(squared_distance(1, 4) == 200 && squared_distance(1, 8) == 200 && squared_distance(4, 7) == 200);

// ---- the lowest output names the class, wherever penalties come from
using tn::best_score;
using small_rbf = tn::euclidean_rbf<arrows>;
template <class... Layers>
constexpr best_score best = tn::network<tn::input<9>, Layers...>::best_output;
static_assert(lenet5::best_output == best_score::lowest);
static_assert(best<tn::linear<3>> == best_score::highest && best<tn::gaussian_rbf<3>> == best_score::highest);
static_assert(best<small_rbf> == best_score::lowest);
static_assert(best<tn::named<"out", tn::sequential<tn::tanh, small_rbf>>> == best_score::lowest);
static_assert(best<small_rbf, tn::flatten> == best_score::lowest);
static_assert(best<tn::concat<small_rbf, small_rbf>> == best_score::lowest);
static_assert(best<tn::concat<small_rbf, tn::linear<2>>> == best_score::highest);
static_assert(best<small_rbf, tn::linear<2>> == best_score::highest);
static_assert(best<tn::flatten> == best_score::highest);

/// Digits as the codes draw them, as images of 12 x 7 with noise.
using digits_set = tn::tensor_dataset<tn::shape{1, 12, 7}, 10>;
digits_set digits(int count, std::uint32_t tag) {
  std::vector<float> images;
  std::vector<int> labels;
  tn::random_sequence random{tn::counter_rng{tn::seed{11}, tn::random_stream::user}, 0, tag};
  for (int i = 0; i < count; ++i) {
    const int label = static_cast<int>(random.below(10));
    labels.push_back(label);
    for (int j = 0; j < 84; ++j) images.push_back(static_cast<float>(tn::lenet5_codes.at(label, j)) + random.uniform(-1.5f, 1.5f));
  }
  return digits_set{std::move(images), std::move(labels)};
}

}  // namespace
