// SPDX-License-Identifier: MIT
// A convolution with negative padding.
//
// expect: typenet::at<0>, typenet::conv2d<2, 3, typenet::padding<-1(, -1)?> ?>, typenet::needs::non_negative_padding, typenet::got<4, 8, 8> ?>
// expect[c++26]: typenet: layer 0, conv2d<2, 3, padding<-1>> needs a padding of at least 0. it got 4x8x8
#include <typenet/declarative.hpp>

namespace tn = typenet;

#ifdef TYPENET_ILL_FORMED
using network = tn::network<tn::input<4, 8, 8>, tn::conv2d<2, 3, tn::padding<-1>>>;
#else
using network = tn::network<tn::input<4, 8, 8>, tn::conv2d<2, 3, tn::padding<0>>>;
#endif

inline constexpr tn::index parameters = network::parameter_count;
