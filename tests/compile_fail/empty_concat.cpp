// SPDX-License-Identifier: MIT
// A concat without branches.
//
// expect: typenet::at<1>, typenet::concat<>, typenet::needs::at_least_one_branch, typenet::got<1, 8, 8> ?>
// expect[c++26]: typenet: layer 1, concat<> needs at least one branch. it got 1x8x8
#include <typenet/declarative.hpp>

namespace tn = typenet;

#ifdef TYPENET_ILL_FORMED
using network = tn::network<tn::input<1, 8, 8>, tn::relu, tn::concat<>>;
#else
using network = tn::network<tn::input<1, 8, 8>, tn::relu, tn::concat<tn::relu>>;
#endif

inline constexpr tn::index parameters = network::parameter_count;
