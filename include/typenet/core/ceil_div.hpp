// SPDX-License-Identifier: MIT
/// @file
/// ceil_div: integer division that rounds up.
#pragma once

#include <typenet/core/config.hpp>

namespace typenet::detail {

/// ⌈a / b⌉: the number of blocks of `b` elements that hold `a` elements.
/// @pre a ≥ 0 and b > 0
constexpr index ceil_div(index a, index b) { return (a + b - 1) / b; }

}  // namespace typenet::detail
