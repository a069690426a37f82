// SPDX-License-Identifier: MIT
/// @file
/// The shape of one sample: `shape{features}` or `shape{channels, height, width}`; usable as a template argument.
#pragma once

#include <typenet/core/config.hpp>

namespace typenet {

/// The extents of one sample, without the batch. Rank 1 after `flatten` and `linear`, rank 3 for images.
/// The members are public because a template argument's must be; nothing but the constructors should write them. None is an array:
/// nvcc cannot write arrays in template arguments out again.
struct shape {
  int rank = 0;
  int first = 0, second = 0, third = 0;

  constexpr shape() = default;
  constexpr explicit shape(int features) : rank{1}, first{features}, second{1}, third{1} {}
  constexpr shape(int channels, int height, int width) : rank{3}, first{channels}, second{height}, third{width} {}
  /// The members as such, as nvcc writes them out.
  constexpr shape(int axes, int extent0, int extent1, int extent2) : rank{axes}, first{extent0}, second{extent1}, third{extent2} {}

  /// Channels of an image, or features of a vector.
  [[nodiscard]] constexpr int channels() const { return first; }
  [[nodiscard]] constexpr int height() const { return second; }
  [[nodiscard]] constexpr int width() const { return third; }
  /// Positions of one channel: height x width.
  [[nodiscard]] constexpr int area() const { return second * third; }
  /// Numbers in one sample.
  [[nodiscard]] constexpr int size() const { return rank == 0 ? 0 : first * second * third; }
  [[nodiscard]] constexpr int operator[](int axis) const { return axis == 0 ? first : axis == 1 ? second : third; }

  friend constexpr bool operator==(const shape&, const shape&) = default;
};

}  // namespace typenet
