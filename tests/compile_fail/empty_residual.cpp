// SPDX-License-Identifier: MIT
// A residual without a body.
//
// expect: typenet::at<1>, typenet::residual<>, typenet::needs::at_least_one_layer, typenet::got<1, 8, 8> ?>
// expect[c++26]: typenet: layer 1, residual<> needs at least one layer. it got 1x8x8
#include <typenet/declarative.hpp>

namespace tn = typenet;

#ifdef TYPENET_ILL_FORMED
using network = tn::network<tn::input<1, 8, 8>, tn::relu, tn::residual<>>;
#else
using network = tn::network<tn::input<1, 8, 8>, tn::relu, tn::residual<tn::relu>>;
#endif

inline constexpr tn::index parameters = network::parameter_count;
