// SPDX-License-Identifier: MIT
// Tests shapes and counts at compile time. It includes only the declarative headers.
#include <typenet/declarative.hpp>

namespace tn = typenet;

using perceptron = tn::network<tn::input<2>, tn::linear<8>, tn::tanh, tn::linear<1>>;

static_assert(perceptron::shapes[0] == tn::shape{8});
static_assert(perceptron::output_shape == tn::shape{1});
static_assert(perceptron::parameter_count == (2 + 1) * 8 + 8 + 1);
