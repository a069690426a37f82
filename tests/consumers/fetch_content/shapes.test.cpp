// SPDX-License-Identifier: MIT
// A unit test of shapes and counts costs no run time, and includes the declarative half alone.
#include <typenet/declarative.hpp>

namespace tn = typenet;

using digits = tn::network<tn::input<1, 28, 28>, tn::avg_pool2d<2>, tn::flatten, tn::linear<10>>;

static_assert(digits::shapes[0] == tn::shape{1, 14, 14});
static_assert(digits::output_shape == tn::shape{10});
static_assert(digits::parameter_count == 14 * 14 * 10 + 10);
