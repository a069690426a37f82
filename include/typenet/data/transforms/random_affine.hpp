// SPDX-License-Identifier: MIT
/// @file
/// random_affine: images shifted, scaled, squeezed, sheared and rotated at random.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include <typenet/core/config.hpp>
#include <typenet/core/error.hpp>
#include <typenet/core/random.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/data/transforms/transform.hpp>

namespace typenet {

namespace detail {

/// A planar affine distortion about the image's center. It squeezes first, then shears, turns, scales and moves.
struct distortion {
  float degrees = 0;          ///< angle, clockwise
  float right = 0, down = 0;  ///< shifts, in pixels
  float scale = 1;            ///< factor of heights and widths
  float squeeze = 1;          ///< factor of widths and divisor of heights
  float shear = 0;            ///< angle in degrees by which upright lines lean to the right
};

/// Distorts an image that lies in a plane of the grey level `fill`, by bilinear interpolation.
///
/// A pixel's source is computed in fixed point of 32.32 bits and rounded to 1/2048 of a pixel. The interpolated grey level is rounded to 8
/// bits once, halves to even.
/// @param in grey levels, [channel][row][column]
/// @param fill 0 to 255
/// @param out grey levels, [channel][row][column]; apart from `in`
template <shape Shape>
TYPENET_HD void distort(const std::uint8_t* in, const distortion& by, int fill, std::uint8_t* out) {
  constexpr int height = Shape.height(), width = Shape.width(), area = Shape.area();
  // Fraction bits of a weight. A level times the weights on two axes has 8 + 11 + 11 bits, which an int holds.
  constexpr int bits = 11, one = 1 << bits;
  // One pixel of background lies before the image and two behind it. Sources outside are clamped to there, and no load needs a test.
  constexpr int stride = width + 3, rows = height + 3;

  // The inverse map, from a pixel of `out` to its source in `in`.
  constexpr double radians = 3.14159265358979323846 / 180;
  const double turn = static_cast<double>(by.degrees) * radians, lean = std::tan(static_cast<double>(by.shear) * radians);
  const double c = std::cos(turn), s = std::sin(turn);
  const double across = 1 / (static_cast<double>(by.scale) * static_cast<double>(by.squeeze));
  const double down = static_cast<double>(by.squeeze) / static_cast<double>(by.scale);
  const double xx = (c - s * lean) * across, xy = (s + c * lean) * across, yx = -s * down, yy = c * down;
  const double right_of = 0.5 - width / 2.0 - static_cast<double>(by.right), below = 0.5 - height / 2.0 - static_cast<double>(by.down);
  const auto fix = [](double v) { return static_cast<std::int64_t>(std::floor(v * 4294967296.0 + 0.5)); };
  constexpr std::int64_t half = std::int64_t{1} << (31 - bits);
  std::int64_t row_x = fix(xx * right_of + xy * below + (width / 2.0 - 0.5)) + half;
  std::int64_t row_y = fix(yx * right_of + yy * below + (height / 2.0 - 0.5)) + half;
  const std::int64_t x_by_x = fix(xx), x_by_y = fix(xy), y_by_x = fix(yx), y_by_y = fix(yy);
  const auto clamped = [](std::int64_t v, int size) {
    return static_cast<int>(std::min(std::max(v >> (32 - bits), std::int64_t{-one}), std::int64_t{size} << bits));
  };

  std::uint8_t padded[static_cast<std::size_t>(rows * stride)];
  std::memset(padded, fill, sizeof padded);
  for (int channel = 0; channel < Shape.channels(); ++channel, in += area) {
    for (int y = 0; y < height; ++y) std::memcpy(padded + (y + 1) * stride + 1, in + y * width, static_cast<std::size_t>(width));
    std::int64_t at_x = row_x, at_y = row_y;
    for (int y = 0; y < height; ++y, out += width, at_x += x_by_y, at_y += y_by_y) {
      int source[width], right[width], low[width];  // [column]: computed before the loads, so that the compiler can vectorize them
      for (int x = 0; x < width; ++x) {
        const int from_x = clamped(at_x + x * x_by_x, width), from_y = clamped(at_y + x * y_by_x, height);
        source[x] = ((from_y >> bits) + 1) * stride + (from_x >> bits) + 1;
        right[x] = from_x & (one - 1);
        low[x] = from_y & (one - 1);
      }
      for (int x = 0; x < width; ++x) {
        const std::uint8_t* const corner = padded + source[x];
        const int upper = corner[0] * (one - right[x]) + corner[1] * right[x];
        const int lower = corner[stride] * (one - right[x]) + corner[stride + 1] * right[x];
        const int level = upper * (one - low[x]) + lower * low[x];
        // Rounds by adding one half, or one unit less where the level below is even.
        out[x] = static_cast<std::uint8_t>((level + (1 << (2 * bits - 1)) - 1 + (level >> (2 * bits) & 1)) >> (2 * bits));
      }
    }
  }
}

}  // namespace detail

/// Applies planar affine distortions (LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document recognition", 1998,
/// section III) about the image's center, all in one bilinear resampling. A random transform.
///
/// Each parameter is drawn independently, uniform around the value that changes nothing. With the default ranges the image keeps every bit.
///
/// It computes what torchvision.transforms.RandomAffine computes of tensors with bilinear interpolation: shear, rotation, scaling and
/// translation in this order, `fill` around the image, rounded to 8 bits at the end, halves to even. It differs in this: `translate` is in
/// pixels, `scale` is a number instead of a pair, `shear` is horizontal, every range is symmetric, and there is `squeeze`.
/// @see torchvision.transforms.RandomAffine
struct random_affine {
  static constexpr auto kind = transform_kind::random;
  float degrees = 0;    ///< largest angle of rotation, 0 to 180
  float translate = 0;  ///< largest shift on each axis, in pixels, 0 to 65,536
  float scale = 0;      ///< heights and widths times a factor from 1 - scale to 1 + scale; 0 to 0.9
  float squeeze = 0;    ///< widths times, and heights divided by, a factor from 1 - squeeze to 1 + squeeze, first of all; 0 to 0.9
  float shear = 0;      ///< largest angle of horizontal shear in degrees, 0 to 80
  int fill = 0;         ///< grey level around the image, 0 to 255

  template <shape S>
  TYPENET_HD void apply(augmented_image<S>& image, random_sequence& random) const {
    // Every parameter is drawn, used or not: a range set to 0 changes no other draw.
    detail::distortion by;
    by.degrees = random.uniform(-degrees, degrees);
    by.right = random.uniform(-translate, translate);
    by.down = random.uniform(-translate, translate);
    by.scale = random.uniform(1 - scale, 1 + scale);
    by.squeeze = random.uniform(1 - squeeze, 1 + squeeze);
    by.shear = random.uniform(-shear, shear);
    const std::uint8_t* in = image.pixels();
    std::uint8_t* out = image.back_buffer();
    detail::distort<S>(in, by, fill, out);
    image.swap_buffers();
  }
  /// @throws argument_error if a range or `fill` is out of its limits
  void check() const {
    const auto within = [](const char* name, float value, float most) {
      if (!(value >= 0 && value <= most))
        throw argument_error{std::string{"random_affine: "} + name + " must lie between 0 and " + std::to_string(most) + ", got " +
                             std::to_string(value)};
    };
    within("degrees", degrees, 180);
    within("translate", translate, 65536);
    within("scale", scale, 0.9f);
    within("squeeze", squeeze, 0.9f);
    within("shear", shear, 80);
    if (fill < 0 || fill > 255) throw argument_error{"random_affine: fill must lie between 0 and 255, got " + std::to_string(fill)};
  }
};

}  // namespace typenet
