// SPDX-License-Identifier: MIT
// A layer in the list of options.
//
// expect: typenet::at<0>, typenet::conv2d<4, 3, typenet::relu>, typenet::needs::no_unknown_option<typenet::relu>, typenet::got<4, 8, 8> ?>
// expect[c++26]: typenet: layer 0, conv2d<4, 3, relu> needs to be without relu, which is none of its options. it got 4x8x8
#include <typenet/declarative.hpp>

namespace tn = typenet;

#ifdef TYPENET_ILL_FORMED
using network = tn::network<tn::input<4, 8, 8>, tn::conv2d<4, 3, tn::relu>>;
#else
using network = tn::network<tn::input<4, 8, 8>, tn::conv2d<4, 3>, tn::relu>;
#endif

inline constexpr tn::index parameters = network::parameter_count;
