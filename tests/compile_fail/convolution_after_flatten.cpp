// SPDX-License-Identifier: MIT
// A convolution whose input is a vector, after flatten.
//
// expect: typenet::at<1>, typenet::conv2d<4, 3>, typenet::needs::an_image, typenet::got<192> ?>
// expect[c++26]: typenet: layer 1, conv2d<4, 3> needs an input of channels x height x width .it cannot follow flatten or linear.. it got 192
#include <typenet/declarative.hpp>

namespace tn = typenet;

#ifdef TYPENET_ILL_FORMED
using network = tn::network<tn::input<3, 8, 8>, tn::flatten, tn::conv2d<4, 3>>;
#else
using network = tn::network<tn::input<3, 8, 8>, tn::flatten, tn::linear<4>>;
#endif

inline constexpr tn::index parameters = network::parameter_count;
