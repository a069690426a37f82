// SPDX-License-Identifier: MIT
// An input with zero channels.
//
// expect: typenet::at<>, typenet::input<0, 8, 8>, typenet::needs::positive_sizes, typenet::got<> ?>
// expect[c++26]: typenet: input<0, 8, 8> needs whole numbers of at least 1 as sizes
#include <typenet/declarative.hpp>

namespace tn = typenet;

#ifdef TYPENET_ILL_FORMED
using network = tn::network<tn::input<0, 8, 8>, tn::relu>;
#else
using network = tn::network<tn::input<1, 8, 8>, tn::relu>;
#endif

inline constexpr tn::index parameters = network::parameter_count;
