// SPDX-License-Identifier: MIT
// A convolution with both groups and a connection table.
//
// expect: typenet::at<0>, typenet::conv2d<2, 3, typenet::groups<2>, typenet::connections<.*, typenet::needs::groups_or_connections_not_both, typenet::got<4, 8, 8> ?>
// expect[c++26]: typenet: layer 0, conv2d<2, 3, groups<2>, connections<table>> needs either groups or connections, not both. it got 4x8x8
#include <typenet/declarative.hpp>

namespace tn = typenet;

inline constexpr auto table = [] {
  tn::connection_table<4, 2> t{};
  for (int input = 0; input < 4; ++input)
    for (int output = 0; output < 2; ++output) t.connect(input, output, (input + output) % 2 == 0);
  return t;
}();

#ifdef TYPENET_ILL_FORMED
using network = tn::network<tn::input<4, 8, 8>, tn::conv2d<2, 3, tn::groups<2>, tn::connections<table>>>;
#else
using network = tn::network<tn::input<4, 8, 8>, tn::conv2d<2, 3, tn::connections<table>>>;
#endif

inline constexpr tn::index parameters = network::parameter_count;
