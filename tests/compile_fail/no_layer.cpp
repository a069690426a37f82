// SPDX-License-Identifier: MIT
// A network with a type that is no layer.
//
// expect: typenet::at<1>, int, typenet::needs::a_layer, typenet::got<1, 8, 8> ?>
// expect[c++26]: typenet: layer 1, int needs to be a layer .see the concept typenet::layer.. it got 1x8x8
#include <typenet/declarative.hpp>

namespace tn = typenet;

#ifdef TYPENET_ILL_FORMED
using network = tn::network<tn::input<1, 8, 8>, tn::relu, int>;
#else
using network = tn::network<tn::input<1, 8, 8>, tn::relu, tn::tanh>;
#endif

inline constexpr tn::index parameters = network::parameter_count;
