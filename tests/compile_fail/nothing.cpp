// SPDX-License-Identifier: MIT
// A network without input and layers.
//
// expect: typenet::at<>, typenet::network<(void)?>, typenet::needs::an_input_and_layers, typenet::got<> ?>
// expect[c++26]: typenet: network<> needs input<features> or input<channels, height, width>, and at least one layer
#include <typenet/declarative.hpp>

namespace tn = typenet;

#ifdef TYPENET_ILL_FORMED
using network = tn::network<>;
#else
using network = tn::network<tn::input<1, 8, 8>, tn::relu>;
#endif

inline constexpr tn::index parameters = network::parameter_count;
