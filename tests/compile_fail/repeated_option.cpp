// SPDX-License-Identifier: MIT
// A convolution with two padding options.
//
// expect: typenet::at<0>, typenet::conv2d<4, 3, typenet::padding<1(, 1)?>, typenet::stride<2(, 2)?>, typenet::padding<2(, 2)?> ?>, typenet::needs::no_repeated_option<typenet::padding<1(, 1)?> ?>, typenet::got<4, 8, 8> ?>
// expect[c++26]: typenet: layer 0, conv2d<4, 3, padding<1>, stride<2>, padding<2>> needs each option once, not another after padding<1>. it got 4x8x8
#include <typenet/declarative.hpp>

namespace tn = typenet;

#ifdef TYPENET_ILL_FORMED
using network = tn::network<tn::input<4, 8, 8>, tn::conv2d<4, 3, tn::padding<1>, tn::stride<2>, tn::padding<2>>>;
#else
using network = tn::network<tn::input<4, 8, 8>, tn::conv2d<4, 3, tn::padding<1>, tn::stride<2>>>;
#endif

inline constexpr tn::index parameters = network::parameter_count;
