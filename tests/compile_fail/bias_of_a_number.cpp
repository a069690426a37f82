// SPDX-License-Identifier: MIT
// A convolution whose bias option is an arbitrary number.
//
// expect: typenet::at<0>, typenet::conv2d<2, 3, typenet::bias<3> ?>, typenet::needs::a_bias_of_true_false_or_per_unit, typenet::got<1, 8, 8> ?>
// expect[c++26]: typenet: layer 0, conv2d<2, 3, bias<3>> needs bias<true>, bias<false> or bias<per_unit>. it got 1x8x8
#include <typenet/declarative.hpp>

namespace tn = typenet;

#ifdef TYPENET_ILL_FORMED
using network = tn::network<tn::input<1, 8, 8>, tn::conv2d<2, 3, tn::bias<3>>>;
#else
using network = tn::network<tn::input<1, 8, 8>, tn::conv2d<2, 3, tn::bias<tn::per_unit>>>;
#endif

inline constexpr tn::index parameters = network::parameter_count;
