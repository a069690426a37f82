// SPDX-License-Identifier: MIT
// A residual whose body shrinks the image.
//
// expect: typenet::at<1>, typenet::residual<typenet::conv2d<4, 3>, typenet::relu>, typenet::needs::body_output<4, 8, 8>, typenet::got<4, 6, 6> ?>
// expect[c++26]: typenet: layer 1, residual<conv2d<4, 3>, relu> needs a body whose output is 4x8x8. it got 4x6x6
#include <typenet/declarative.hpp>

namespace tn = typenet;

#ifdef TYPENET_ILL_FORMED
using network = tn::network<tn::input<4, 8, 8>, tn::relu, tn::residual<tn::conv2d<4, 3>, tn::relu>>;
#else
using network = tn::network<tn::input<4, 8, 8>, tn::relu, tn::residual<tn::conv2d<4, 3, tn::padding<1>>, tn::relu>>;
#endif

inline constexpr tn::index parameters = network::parameter_count;
