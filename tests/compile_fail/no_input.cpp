// SPDX-License-Identifier: MIT
// A network without an input at its beginning.
//
// expect: typenet::at<>, typenet::conv2d<6, 5>, typenet::needs::an_input_first, typenet::got<> ?>
// expect[c++26]: typenet: conv2d<6, 5> needs input<features> or input<channels, height, width> before it
#include <typenet/declarative.hpp>

namespace tn = typenet;

#ifdef TYPENET_ILL_FORMED
using network = tn::network<tn::conv2d<6, 5>, tn::relu>;
#else
using network = tn::network<tn::input<1, 8, 8>, tn::conv2d<6, 5>, tn::relu>;
#endif

inline constexpr tn::index parameters = network::parameter_count;
