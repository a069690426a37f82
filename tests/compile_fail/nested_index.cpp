// SPDX-License-Identifier: MIT
// A mistake inside a composition: the index in the error is a path.
//
// expect: typenet::at<3, 1>, typenet::conv2d<4, 9>, typenet::needs::input_at_least<9, 9>, typenet::got<4, 8, 8> ?>
// expect[c++26]: typenet: layer 3.1, conv2d<4, 9> needs an input, with its padding, of at least 9x9. it got 4x8x8
#include <typenet/declarative.hpp>

namespace tn = typenet;

#ifdef TYPENET_ILL_FORMED
using network = tn::network<tn::input<4, 8, 8>, tn::relu, tn::relu, tn::relu, tn::residual<tn::relu, tn::conv2d<4, 9>>>;
#else
using network = tn::network<tn::input<4, 8, 8>, tn::relu, tn::relu, tn::relu, tn::residual<tn::relu, tn::conv2d<4, 3, tn::padding<1>>>>;
#endif

inline constexpr tn::index parameters = network::parameter_count;
