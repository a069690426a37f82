// SPDX-License-Identifier: MIT
// A kernel larger than its input in both directions.
//
// expect: typenet::at<2>, typenet::conv2d<16, 15>, typenet::needs::input_at_least<15, 15>, typenet::got<6, 12, 12> ?>
// expect[c++26]: typenet: layer 2, conv2d<16, 15> needs an input, with its padding, of at least 15x15. it got 6x12x12
#include <typenet/declarative.hpp>

namespace tn = typenet;

#ifdef TYPENET_ILL_FORMED
using network = tn::network<tn::input<1, 16, 16>, tn::conv2d<6, 5>, tn::relu, tn::conv2d<16, 15>>;
#else
using network = tn::network<tn::input<1, 16, 16>, tn::conv2d<6, 5>, tn::relu, tn::conv2d<16, 12>>;
#endif

inline constexpr tn::index parameters = network::parameter_count;
