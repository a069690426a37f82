// SPDX-License-Identifier: MIT
// A global pooling layer whose input is a vector, after linear.
//
// expect: typenet::at<1>, typenet::global_avg_pool2d, typenet::needs::an_image, typenet::got<8> ?>
// expect[c++26]: typenet: layer 1, global_avg_pool2d needs an input of channels x height x width .it cannot follow flatten or linear.. it got 8
#include <typenet/declarative.hpp>

namespace tn = typenet;

#ifdef TYPENET_ILL_FORMED
using network = tn::network<tn::input<16>, tn::linear<8>, tn::global_avg_pool2d>;
#else
using network = tn::network<tn::input<16>, tn::linear<8>, tn::softmax>;
#endif

inline constexpr tn::index parameters = network::parameter_count;
