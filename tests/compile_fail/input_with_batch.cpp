// SPDX-License-Identifier: MIT
// An input with a batch extent.
//
// expect: typenet::at<>, typenet::input<32, 1, 8, 8>, typenet::needs::one_or_three_extents, typenet::got<> ?>
// expect[c++26]: typenet: input<32, 1, 8, 8> needs one extent .features. or three .channels, height, width.. the batch is not part of it
#include <typenet/declarative.hpp>

namespace tn = typenet;

#ifdef TYPENET_ILL_FORMED
using network = tn::network<tn::input<32, 1, 8, 8>, tn::relu>;
#else
using network = tn::network<tn::input<1, 8, 8>, tn::relu>;
#endif

inline constexpr tn::index parameters = network::parameter_count;
