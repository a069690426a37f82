// SPDX-License-Identifier: MIT
/// @file
/// Integer division that rounds up.
#pragma once

#include <typenet/core/config.hpp>

namespace typenet::detail {

/// ⌈a / b⌉ for a ≥ 0 and b > 0: how many pieces of `b` hold `a` things.
constexpr index ceil_div(index a, index b) { return (a + b - 1) / b; }

}  // namespace typenet::detail
