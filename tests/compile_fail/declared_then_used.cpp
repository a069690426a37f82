// SPDX-License-Identifier: MIT
// One mistake gives one error, although later code uses the network.
//
// expect: typenet::at<2>, typenet::conv2d<6, 5>, typenet::needs::an_image, typenet::got<4704> ?>
// expect[c++26]: typenet: layer 2, conv2d<6, 5> needs an input of channels x height x width .it cannot follow flatten or linear.. it got 4704
#include <typenet/inference.hpp>

namespace tn = typenet;

#ifdef TYPENET_ILL_FORMED
using network = tn::network<tn::input<1, 32, 32>, tn::conv2d<6, 5>, tn::flatten, tn::conv2d<6, 5>, tn::linear<10>>;
#else
using network = tn::network<tn::input<1, 32, 32>, tn::conv2d<6, 5>, tn::relu, tn::flatten, tn::linear<10>>;
#endif

static_assert(network::output_shape == tn::shape{10});
static_assert(network::shapes[0] == tn::shape{6, 28, 28});
static_assert(network::parameter_count == 156 + 47'050);
static_assert(47'206 == network::parameter_count);

std::string text() { return tn::summary<network>(); }
tn::model<network> model() { return tn::model<network>{tn::seed{42}}; }
