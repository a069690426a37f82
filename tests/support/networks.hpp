// SPDX-License-Identifier: MIT
// Networks that several tests use.
#pragma once

#include <typenet/declarative.hpp>

namespace networks {

namespace tn = typenet;

using lenet5 = tn::network<tn::input<1, 32, 32>, tn::conv2d<6, 5>, tn::batch_norm<>, tn::relu, tn::max_pool2d<2>, tn::conv2d<16, 5>,
                           tn::batch_norm<>, tn::relu, tn::max_pool2d<2>, tn::flatten, tn::dropout<0.1>, tn::linear<120>, tn::relu,
                           tn::linear<84>, tn::relu, tn::gaussian_rbf<10>>;

// The input channels (S2) of each output channel (C3). LeCun et al. 1998, table I, column by column.
inline constexpr auto c3_table = [] {
  constexpr int reads[16][6] = {{0, 1, 2, -1},    {1, 2, 3, -1},    {2, 3, 4, -1},    {3, 4, 5, -1},     {4, 5, 0, -1},    {5, 0, 1, -1},
                                {0, 1, 2, 3, -1}, {1, 2, 3, 4, -1}, {2, 3, 4, 5, -1}, {3, 4, 5, 0, -1},  {4, 5, 0, 1, -1}, {5, 0, 1, 2, -1},
                                {0, 1, 3, 4, -1}, {1, 2, 4, 5, -1}, {0, 2, 3, 5, -1}, {0, 1, 2, 3, 4, 5}};
  tn::connection_table<6, 16> table{};
  for (int output = 0; output < 16; ++output)
    for (int k = 0; k < 6 && reads[output][k] >= 0; ++k) table.connect(reads[output][k], output);
  return table;
}();

// A network with every kind of composition, nested.
using nested =
    tn::network<tn::input<3, 16, 16>, tn::named<"stem", tn::conv2d<8, 3, tn::padding<1>>>,
                tn::residual<tn::conv2d<8, 3, tn::padding<1>>, tn::batch_norm<>, tn::relu>,
                tn::concat<tn::conv2d<4, 1>, tn::sequential<tn::conv2d<2, 1>, tn::named<"wide", tn::conv2d<4, 5, tn::padding<2>>>>>,
                tn::global_avg_pool2d, tn::flatten, tn::named<"head", tn::linear<10>>>;

}  // namespace networks
