// SPDX-License-Identifier: MIT
// An option in the list of layers.
//
// expect: typenet::at<1>, typenet::bias<false>, typenet::needs::a_layer, typenet::got<6, 6, 6> ?>
// expect[c++26]: typenet: layer 1, bias<false> needs to be a layer .see the concept typenet::layer.. it got 6x6x6
#include <typenet/declarative.hpp>

namespace tn = typenet;

#ifdef TYPENET_ILL_FORMED
using network = tn::network<tn::input<1, 8, 8>, tn::conv2d<6, 3>, tn::bias<false>>;
#else
using network = tn::network<tn::input<1, 8, 8>, tn::conv2d<6, 3, tn::padding<1>>>;
#endif

inline constexpr tn::index parameters = network::parameter_count;
