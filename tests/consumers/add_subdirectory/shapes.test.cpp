// SPDX-License-Identifier: MIT
// A unit test of shapes and counts costs no run time, and includes the declarative half alone.
#include <typenet/declarative.hpp>

namespace tn = typenet;

using perceptron = tn::network<tn::input<2>, tn::linear<8>, tn::tanh, tn::linear<1>>;

static_assert(perceptron::shapes[0] == tn::shape{8});
static_assert(perceptron::output_shape == tn::shape{1});
static_assert(perceptron::parameter_count == (2 + 1) * 8 + 8 + 1);
