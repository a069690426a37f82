// SPDX-License-Identifier: MIT
// A pooling layer with so much padding that a window may contain only padding.
//
// expect: typenet::at<0>, typenet::max_pool2d<2, typenet::padding<2(, 2)?> ?>, typenet::needs::padding_at_most_half_the_window, typenet::got<4, 8, 8> ?>
// expect[c++26]: typenet: layer 0, max_pool2d<2, padding<2>> needs a padding of at most half its window. it got 4x8x8
#include <typenet/declarative.hpp>

namespace tn = typenet;

#ifdef TYPENET_ILL_FORMED
using network = tn::network<tn::input<4, 8, 8>, tn::max_pool2d<2, tn::padding<2>>>;
#else
using network = tn::network<tn::input<4, 8, 8>, tn::max_pool2d<2, tn::padding<1>>>;
#endif

inline constexpr tn::index parameters = network::parameter_count;
