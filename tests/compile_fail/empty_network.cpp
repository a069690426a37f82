// SPDX-License-Identifier: MIT
// A network with an input but no layers.
//
// expect: typenet::at<>, typenet::input<1, 8, 8>, typenet::needs::at_least_one_layer, typenet::got<> ?>
// expect[c++26]: typenet: input<1, 8, 8> needs at least one layer
#include <typenet/declarative.hpp>

namespace tn = typenet;

#ifdef TYPENET_ILL_FORMED
using network = tn::network<tn::input<1, 8, 8>>;
#else
using network = tn::network<tn::input<1, 8, 8>, tn::relu>;
#endif

inline constexpr tn::index parameters = network::parameter_count;
