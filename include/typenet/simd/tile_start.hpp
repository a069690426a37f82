// SPDX-License-Identifier: MIT
/// @file
/// tile_start: the position of a tile of fixed size in a range that the tile size need not divide.
#pragma once

#include <typenet/core/config.hpp>

namespace typenet::detail {

/// The position of one tile. Every tile has the full size. The last tile starts early rather than be short, and so overlaps its neighbor;
/// the elements below `wanted` belong to the neighbor.
struct tile_start {
  int wanted = 0;  ///< the first element that the tile owns
  int first = 0;   ///< the first element that the tile computes, at most `wanted`

  /// True where the tile owns its element `i`, counted from `first`. The tile stores these elements only.
  [[nodiscard]] TYPENET_HD TYPENET_INLINE constexpr bool owns(int i) const { return first + i >= wanted; }
};

/// The position of tile number `tile` of `count` elements.
/// @param tile number of the tile, below ⌈count / size⌉
/// @param size elements of a tile, at most `count`
/// @param count elements of the range
TYPENET_HD TYPENET_INLINE constexpr tile_start clamped_tile(index tile, int size, int count) {
  const int wanted = static_cast<int>(tile) * size;
  return {wanted, wanted + size <= count ? wanted : count - size};
}

}  // namespace typenet::detail
