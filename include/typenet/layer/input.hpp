// SPDX-License-Identifier: MIT
/// @file
/// input: the first template argument of a network.
#pragma once

#include <typenet/core/shape.hpp>

namespace typenet {

/// The shape of one sample: `input<features>` or `input<channels, height, width>`. The batch is no part of it.
template <int... Extents>
struct input {
  /// True where the extents are one or three.
  static constexpr bool one_or_three = sizeof...(Extents) == 1 || sizeof...(Extents) == 3;
  /// True where all extents are at least 1.
  static constexpr bool positive = ((Extents > 0) && ...);
  /// The extents as a shape; of rank 0 where they are neither one nor three.
  static constexpr shape value = [] {
    if constexpr (one_or_three)
      return shape{Extents...};
    else
      return shape{};
  }();
};

}  // namespace typenet
