// SPDX-License-Identifier: MIT
/// @file
/// color_jitter: images of random brightness and contrast.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>

#include <typenet/core/config.hpp>
#include <typenet/core/error.hpp>
#include <typenet/core/random.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/data/transforms/transform.hpp>

namespace typenet {

namespace detail {

/// A grey level moved toward `base` (factor < 1) or away from it (factor > 1), as Pillow's Image.blend computes it in `float`.
/// Products and sums are computed in `double`, where they are exact, and rounded one by one. Compilers cannot fuse them into other bits.
[[nodiscard]] TYPENET_HD inline std::uint8_t blend(int base, int level, float factor) {
  const auto step = static_cast<float>(static_cast<double>(factor) * (level - base));
  const auto value = static_cast<float>(base + static_cast<double>(step));
  return static_cast<std::uint8_t>(std::min(std::max(static_cast<int>(value), 0), 255));
}

/// Multiplies the grey levels by a factor.
/// @see torchvision.transforms.functional.adjust_brightness
template <shape Shape>
TYPENET_HD void adjust_brightness(augmented_image<Shape>& image, float factor) {
  image.map_levels([=](int level) { return blend(0, level, factor); });
}

/// Multiplies the distances from the mean grey level by a factor.
/// @see torchvision.transforms.functional.adjust_contrast
template <shape Shape>
TYPENET_HD void adjust_contrast(augmented_image<Shape>& image, float factor) {
  image.map_levels([=, mean = image.mean_level()](int level) { return blend(mean, level, factor); });
}

}  // namespace detail

/// Changes brightness and contrast, in random order, each by a factor uniform in [1 - strength, 1 + strength) but not below 0. Works on 8
/// bits with clipping, on images of one channel. Contrast blends with the image's rounded mean grey level. A random transform.
/// @see torchvision.transforms.ColorJitter on a PIL image
struct color_jitter {
  static constexpr auto kind = transform_kind::random;
  float brightness = 0;  ///< strength, 0 or more
  float contrast = 0;    ///< strength, 0 or more

  template <shape S>
  TYPENET_HD void apply(augmented_image<S>& image, random_sequence& random) const {
    static_assert(S.channels() == 1, "color_jitter: works on images of one channel");
    // Both factors are drawn, used or not: a strength set to 0 changes no other draw.
    const bool brightness_first = random.below(2) == 0;
    const float bright = factor(brightness, random), strong = factor(contrast, random);
    if (brightness_first && brightness > 0) detail::adjust_brightness<S>(image, bright);
    if (contrast > 0) detail::adjust_contrast<S>(image, strong);
    if (!brightness_first && brightness > 0) detail::adjust_brightness<S>(image, bright);
  }
  /// @throws argument_error if a strength is negative or not finite
  void check() const {
    if (!(brightness >= 0 && std::isfinite(brightness) && contrast >= 0 && std::isfinite(contrast)))
      throw argument_error{"color_jitter: brightness and contrast must be 0 or more, got " + std::to_string(brightness) + " and " +
                           std::to_string(contrast)};
  }

 private:
  /// A factor drawn for a strength.
  TYPENET_HD static float factor(float strength, random_sequence& random) {
    return random.uniform(std::max(0.0f, 1 - strength), 1 + strength);
  }
};

}  // namespace typenet
