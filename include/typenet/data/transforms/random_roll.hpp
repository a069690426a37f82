// SPDX-License-Identifier: MIT
/// @file
/// random_roll: images shifted cyclically at random.
#pragma once

#include <cstdint>
#include <string>

#include <typenet/core/config.hpp>
#include <typenet/core/error.hpp>
#include <typenet/core/random.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/data/transforms/transform.hpp>

namespace typenet {

namespace detail {

/// Shifts all rows down and all columns to the right, cyclically.
/// @param in grey levels, [channel][row][column]
/// @param down rows, of any sign and size
/// @param right columns, of any sign and size
/// @param out grey levels, [channel][row][column]; apart from `in`
template <shape Shape>
TYPENET_HD void roll(const std::uint8_t* in, int down, int right, std::uint8_t* out) {
  constexpr int height = Shape.height(), width = Shape.width();
  const int above = (down % height + height) % height, left = (right % width + width) % width;
  for (int channel = 0; channel < Shape.channels(); ++channel, in += Shape.area()) {
    for (int y = 0; y < height; ++y, out += width) {
      const std::uint8_t* const row = in + (y < above ? y - above + height : y - above) * width;
      for (int x = 0; x < left; ++x) out[x] = row[x - left + width];
      for (int x = left; x < width; ++x) out[x] = row[x - left];
    }
  }
}

}  // namespace detail

/// Shifts images cyclically, on each axis by a whole number of pixels uniform in {-shifts, …, shifts}. Pixels that leave on one side enter
/// on the other. A random transform.
/// @see torch.roll
struct random_roll {
  static constexpr auto kind = transform_kind::random;
  int shifts = 0;  ///< the largest shift in pixels, 0 to 65,536

  template <shape S>
  TYPENET_HD void apply(augmented_image<S>& image, random_sequence& random) const {
    const auto choices = static_cast<std::uint32_t>(2 * shifts + 1);
    const int down = static_cast<int>(random.below(choices)) - shifts;
    const int right = static_cast<int>(random.below(choices)) - shifts;
    const std::uint8_t* in = image.pixels();
    std::uint8_t* out = image.back_buffer();
    detail::roll<S>(in, down, right, out);
    image.swap_buffers();
  }
  /// @throws argument_error if `shifts` is not between 0 and 65,536
  void check() const {
    if (!(shifts >= 0 && shifts <= 1 << 16))
      throw argument_error{"random_roll: shifts must lie between 0 and 65536, got " + std::to_string(shifts)};
  }
};

}  // namespace typenet
