// SPDX-License-Identifier: MIT
/// @file
/// The shape of one sample: `shape{features}` or `shape{channels, height, width}`; usable as a template argument.
#pragma once

#include <typenet/config.hpp>

namespace typenet {

/// The extents of one sample, without the batch. Rank 1 after `flatten` and `linear`, rank 3 for images.
/// The members are public because a template argument's must be; nothing but the constructors should write them.
struct shape {
  int rank = 0;
  int extents[3] = {};

  constexpr shape() = default;
  constexpr explicit shape(int features) : rank{1}, extents{features, 1, 1} {}
  constexpr shape(int channels, int height, int width) : rank{3}, extents{channels, height, width} {}

  /// Channels of an image, or features of a vector.
  [[nodiscard]] constexpr int channels() const { return extents[0]; }
  [[nodiscard]] constexpr int height() const { return extents[1]; }
  [[nodiscard]] constexpr int width() const { return extents[2]; }
  /// Positions of one channel: height x width.
  [[nodiscard]] constexpr int area() const { return extents[1] * extents[2]; }
  /// Numbers in one sample.
  [[nodiscard]] constexpr int size() const { return rank == 0 ? 0 : extents[0] * extents[1] * extents[2]; }
  [[nodiscard]] constexpr int operator[](int axis) const { return extents[axis]; }

  friend constexpr bool operator==(const shape&, const shape&) = default;
};

}  // namespace typenet
