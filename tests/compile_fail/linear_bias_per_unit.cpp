// SPDX-License-Identifier: MIT
// A linear layer with a bias option that only convolutions have.
//
// expect: typenet::at<0>, typenet::linear<4, typenet::bias<.*> ?>, typenet::needs::a_bias_of_true_or_false, typenet::got<8> ?>
// expect[c++26]: typenet: layer 0, linear<4, bias<.*>> needs bias<true> or bias<false>. it got 8
#include <typenet/declarative.hpp>

namespace tn = typenet;

#ifdef TYPENET_ILL_FORMED
using network = tn::network<tn::input<8>, tn::linear<4, tn::bias<tn::per_unit>>>;
#else
using network = tn::network<tn::input<8>, tn::linear<4, tn::bias<true>>>;
#endif

inline constexpr tn::index parameters = network::parameter_count;
