// SPDX-License-Identifier: MIT
// A group normalization whose number of channels is not divisible by its groups.
//
// expect: typenet::at<1>, typenet::group_norm<4.*>, typenet::needs::channels_divisible_by<4>, typenet::got<6, 8, 8> ?>
// expect[c++26]: typenet: layer 1, group_norm<4> needs input channels divisible by 4. it got 6x8x8
#include <typenet/declarative.hpp>

namespace tn = typenet;

#ifdef TYPENET_ILL_FORMED
using network = tn::network<tn::input<6, 8, 8>, tn::relu, tn::group_norm<4>>;
#else
using network = tn::network<tn::input<6, 8, 8>, tn::relu, tn::group_norm<3>>;
#endif

inline constexpr tn::index parameters = network::parameter_count;
