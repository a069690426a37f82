// SPDX-License-Identifier: MIT
// A kernel wider than its input, after padding and dilation; its height fits.
//
// expect: typenet::at<0>, typenet::conv2d<4, .*3, 6.*>, typenet::needs::input_at_least<3, 11>, typenet::got<1, 16, 8> ?>
// expect[c++26]: typenet: layer 0, conv2d<4, kernel<3, 6>, padding<0, 1>, dilation<1, 2>> needs an input, with its padding, of at least 3x11. it got 1x16x8
#include <typenet/declarative.hpp>

namespace tn = typenet;

#ifdef TYPENET_ILL_FORMED
using network = tn::network<tn::input<1, 16, 8>, tn::conv2d<4, tn::kernel<3, 6>, tn::padding<0, 1>, tn::dilation<1, 2>>>;
#else
using network = tn::network<tn::input<1, 16, 8>, tn::conv2d<4, tn::kernel<3, 5>, tn::padding<0, 1>, tn::dilation<1, 2>>>;
#endif

inline constexpr tn::index parameters = network::parameter_count;
