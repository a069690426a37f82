// SPDX-License-Identifier: MIT
// A convolution with a number instead of a connection table.
//
// expect: typenet::at<0>, typenet::conv2d<4, 3, typenet::connections<2> ?>, typenet::needs::a_connection_table, typenet::got<4, 8, 8> ?>
// expect[c++26]: typenet: layer 0, conv2d<4, 3, connections<2>> needs a connection_table in connections<>. it got 4x8x8
#include <typenet/declarative.hpp>

namespace tn = typenet;

#ifdef TYPENET_ILL_FORMED
using network = tn::network<tn::input<4, 8, 8>, tn::conv2d<4, 3, tn::connections<2>>>;
#else
using network = tn::network<tn::input<4, 8, 8>, tn::conv2d<4, 3, tn::groups<2>>>;
#endif

inline constexpr tn::index parameters = network::parameter_count;
