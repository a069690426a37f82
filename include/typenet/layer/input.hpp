// SPDX-License-Identifier: MIT
/// @file
/// input: the first argument of a network.
#pragma once

#include <typenet/core/shape.hpp>

namespace typenet {

/// The shape of one sample: `input<features>` or `input<channels, height, width>`.
template <int... Extents>
struct input {
  static constexpr bool one_or_three = sizeof...(Extents) == 1 || sizeof...(Extents) == 3;
  static constexpr bool positive = ((Extents > 0) && ...);
  static constexpr shape value = [] {
    if constexpr (one_or_three)
      return shape{Extents...};
    else
      return shape{};
  }();
};

}  // namespace typenet
