// SPDX-License-Identifier: MIT
// A pooling layer whose input is a vector, after flatten.
//
// expect: typenet::at<1>, typenet::max_pool2d<2>, typenet::needs::an_image, typenet::got<192> ?>
// expect[c++26]: typenet: layer 1, max_pool2d<2> needs an input of channels x height x width .it cannot follow flatten or linear.. it got 192
#include <typenet/declarative.hpp>

namespace tn = typenet;

#ifdef TYPENET_ILL_FORMED
using network = tn::network<tn::input<3, 8, 8>, tn::flatten, tn::max_pool2d<2>>;
#else
using network = tn::network<tn::input<3, 8, 8>, tn::max_pool2d<2>, tn::flatten>;
#endif

inline constexpr tn::index parameters = network::parameter_count;
