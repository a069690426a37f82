// SPDX-License-Identifier: MIT
/// @file
/// random_rotation: images rotated by random angles.
#pragma once

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

/// The square root of n, rounded up.
[[nodiscard]] constexpr int ceil_sqrt(int n) {
  int root = 0;
  while (root * root < n) ++root;
  return root;
}

/// Rotates an image about its center: nearest pixel, 0 from outside, in fixed point of 16.16 bits as Pillow's Image.rotate.
/// @param in grey levels, [channel][row][column]
/// @param degrees counter-clockwise where positive
/// @param out grey levels, [channel][row][column]; apart from `in`
template <shape Shape>
TYPENET_HD void rotate(const std::uint8_t* in, float degrees, std::uint8_t* out) {
  constexpr int height = Shape.height(), width = Shape.width(), channels = Shape.channels(), area = Shape.area();
  // Zeros surround the image so far that every angle reads within them. No pixel needs a test of its place.
  constexpr int diagonal = ceil_sqrt(height * height + width * width);
  constexpr int above = (diagonal - height) / 2 + 2, left = (diagonal - width) / 2 + 2;
  constexpr int bits = [] {
    int b = 0;
    while ((1 << b) < width + 2 * left) ++b;
    return b;
  }();
  constexpr int stride = 1 << bits, rows = height + 2 * above;
  static_assert(stride < 32768 && rows < 32768, "rotate: the image is too large for 16.16 fixed point");

  if (degrees == 0.0f) {
    std::memcpy(out, in, static_cast<std::size_t>(channels * area));
    return;
  }
  const double angle = -static_cast<double>(degrees) * (3.14159265358979323846 / 180);
  const double c = std::cos(angle), s = std::sin(angle);
  const auto fix = [](double v) { return static_cast<std::int32_t>(std::floor(v * 65536 + 0.5)); };
  const double cx = width / 2.0, cy = height / 2.0;
  const double x0 = c * -cx + s * -cy + cx, y0 = -s * -cx + c * -cy + cy;
  const std::int32_t dx = fix(c), dy = fix(s);
  std::int32_t across_x[width], across_y[width];  // [column]: distance of its source from the first column's, 16.16 bits
  for (int x = 0; x < width; ++x) {
    across_x[x] = x * dx;
    across_y[x] = -x * dy;
  }
  std::int32_t row_x = fix(x0 + c * 0.5 + s * 0.5) + (left << 16);
  std::int32_t row_y = fix(y0 + -s * 0.5 + c * 0.5) + (above << 16);

  alignas(64) std::uint8_t padded[static_cast<std::size_t>(rows * stride)];
  std::memset(padded, 0, sizeof padded);
  for (int channel = 0; channel < channels; ++channel, in += area) {
    for (int y = 0; y < height; ++y) std::memcpy(padded + (above + y) * stride + left, in + y * width, static_cast<std::size_t>(width));
    std::int32_t fx = row_x, fy = row_y;
    for (int y = 0; y < height; ++y, out += width, fx += dy, fy += dx) {
      std::int32_t source[width];  // [column]: computed before the loads, so that the compiler can vectorize it
      for (int x = 0; x < width; ++x) source[x] = (((fy + across_y[x]) >> 16) << bits) + ((fx + across_x[x]) >> 16);
      TYPENET_UNROLL
      for (int x = 0; x < width; ++x) out[x] = padded[source[x]];
    }
  }
}

}  // namespace detail

/// Rotates images about their center by an angle uniform in [-degrees, degrees): nearest pixel, 0 from outside. A random transform.
/// @see torchvision.transforms.RandomRotation
struct random_rotation {
  static constexpr auto kind = transform_kind::random;
  float degrees = 0;  ///< the largest angle, 0 to 180

  template <shape S>
  TYPENET_HD void apply(augmented_image<S>& image, random_sequence& random) const {
    const float angle = random.uniform(-degrees, degrees);
    const std::uint8_t* in = image.pixels();
    std::uint8_t* out = image.back_buffer();
    detail::rotate<S>(in, angle, out);
    image.swap_buffers();
  }
  /// @throws argument_error if `degrees` is not between 0 and 180
  void check() const {
    if (!(degrees >= 0 && degrees <= 180))
      throw argument_error{"random_rotation: degrees must lie between 0 and 180, got " + std::to_string(degrees)};
  }
};

}  // namespace typenet
