// SPDX-License-Identifier: MIT
// Tests shapes and counts at compile time. It includes only the declarative headers.
#include <typenet/declarative.hpp>

namespace tn = typenet;

using classifier = tn::network<tn::input<1, 8, 8>, tn::conv2d<4, 3>, tn::relu, tn::max_pool2d<2>, tn::flatten, tn::linear<3>>;

static_assert(classifier::shapes[0] == tn::shape{4, 6, 6});
static_assert(classifier::output_shape == tn::shape{3});
static_assert(classifier::parameter_count == 4 * 9 + 4 + 36 * 3 + 3);
