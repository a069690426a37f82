// SPDX-License-Identifier: MIT
// A convolution with stride zero.
//
// expect: typenet::at<0>, typenet::conv2d<2, 3, typenet::stride<0(, 0)?> ?>, typenet::needs::positive_sizes, typenet::got<4, 8, 8> ?>
// expect[c++26]: typenet: layer 0, conv2d<2, 3, stride<0>> needs whole numbers of at least 1 as sizes. it got 4x8x8
#include <typenet/declarative.hpp>

namespace tn = typenet;

#ifdef TYPENET_ILL_FORMED
using network = tn::network<tn::input<4, 8, 8>, tn::conv2d<2, 3, tn::stride<0>>>;
#else
using network = tn::network<tn::input<4, 8, 8>, tn::conv2d<2, 3, tn::stride<1>>>;
#endif

inline constexpr tn::index parameters = network::parameter_count;
