// SPDX-License-Identifier: MIT
// A connection table with another number of output channels than the layer.
//
// expect: typenet::at<0>, typenet::conv2d<6, 3, typenet::connections<.*, typenet::needs::connection_table_of<4, 6>, typenet::got<4, 8, 8> ?>
// expect[c++26]: typenet: layer 0, conv2d<6, 3, connections<table>> needs a connection_table<4, 6> .input channels x output channels.. it got 4x8x8
#include <typenet/declarative.hpp>

namespace tn = typenet;

inline constexpr auto table = [] {
  tn::connection_table<4, 3> t{};
  for (int input = 0; input < 4; ++input)
    for (int output = 0; output < 3; ++output) t.connect(input, output, (input + output) % 2 == 0);
  return t;
}();

#ifdef TYPENET_ILL_FORMED
using network = tn::network<tn::input<4, 8, 8>, tn::conv2d<6, 3, tn::connections<table>>>;
#else
using network = tn::network<tn::input<4, 8, 8>, tn::conv2d<3, 3, tn::connections<table>>>;
#endif

inline constexpr tn::index parameters = network::parameter_count;
