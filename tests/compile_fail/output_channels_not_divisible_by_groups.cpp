// SPDX-License-Identifier: MIT
// A convolution whose number of output channels is not divisible by its groups.
//
// expect: typenet::at<0>, typenet::conv2d<8, 3, typenet::groups<3> ?>, typenet::needs::output_channels_divisible_by<3>, typenet::got<6, 8, 8> ?>
// expect[c++26]: typenet: layer 0, conv2d<8, 3, groups<3>> needs output channels divisible by 3. it got 6x8x8
#include <typenet/declarative.hpp>

namespace tn = typenet;

#ifdef TYPENET_ILL_FORMED
using network = tn::network<tn::input<6, 8, 8>, tn::conv2d<8, 3, tn::groups<3>>>;
#else
using network = tn::network<tn::input<6, 8, 8>, tn::conv2d<8, 3, tn::groups<2>>>;
#endif

inline constexpr tn::index parameters = network::parameter_count;
