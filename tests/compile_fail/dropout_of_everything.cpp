// SPDX-License-Identifier: MIT
// A dropout with probability 1.
//
// expect: typenet::at<1>, typenet::dropout<.*1, 0.>, typenet::needs::a_probability_below_one, typenet::got<8> ?>
// expect[c++26]: typenet: layer 1, dropout<1> needs a probability of at least 0 and below 1. it got 8
#include <typenet/declarative.hpp>

namespace tn = typenet;

#ifdef TYPENET_ILL_FORMED
using network = tn::network<tn::input<8>, tn::relu, tn::dropout<1.0>>;
#else
using network = tn::network<tn::input<8>, tn::relu, tn::dropout<0.9>>;
#endif

inline constexpr tn::index parameters = network::parameter_count;
