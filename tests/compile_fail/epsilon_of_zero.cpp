// SPDX-License-Identifier: MIT
// A batch norm that may divide by zero.
//
// expect: typenet::at<0>, typenet::batch_norm<.*>, typenet::needs::an_epsilon_above_zero, typenet::got<8> ?>
// expect[c++26]: typenet: layer 0, batch_norm<0.* needs an epsilon above 0. it got 8
#include <typenet/declarative.hpp>

namespace tn = typenet;

#ifdef TYPENET_ILL_FORMED
using network = tn::network<tn::input<8>, tn::batch_norm<0>>;
#else
using network = tn::network<tn::input<8>, tn::batch_norm<1e-3>>;
#endif

inline constexpr tn::index parameters = network::parameter_count;
