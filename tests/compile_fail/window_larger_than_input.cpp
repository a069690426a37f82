// SPDX-License-Identifier: MIT
// A pooling window larger than its input.
//
// expect: typenet::at<1>, typenet::max_pool2d<5>, typenet::needs::input_at_least<5, 5>, typenet::got<4, 4, 4> ?>
// expect[c++26]: typenet: layer 1, max_pool2d<5> needs an input, with its padding, of at least 5x5. it got 4x4x4
#include <typenet/declarative.hpp>

namespace tn = typenet;

#ifdef TYPENET_ILL_FORMED
using network = tn::network<tn::input<3, 8, 8>, tn::conv2d<4, 5>, tn::max_pool2d<5>>;
#else
using network = tn::network<tn::input<3, 8, 8>, tn::conv2d<4, 5>, tn::max_pool2d<4>>;
#endif

inline constexpr tn::index parameters = network::parameter_count;
