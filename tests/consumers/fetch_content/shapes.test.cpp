// SPDX-License-Identifier: MIT
// Tests shapes and counts at compile time. It includes only the declarative headers.
#include <typenet/declarative.hpp>

namespace tn = typenet;

using digits = tn::network<tn::input<1, 28, 28>, tn::avg_pool2d<2>, tn::flatten, tn::linear<10>>;

static_assert(digits::shapes[0] == tn::shape{1, 14, 14});
static_assert(digits::output_shape == tn::shape{10});
static_assert(digits::parameter_count == 14 * 14 * 10 + 10);
