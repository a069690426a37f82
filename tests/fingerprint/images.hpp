// SPDX-License-Identifier: MIT
/// @file
/// Data sets of random images, plain and with every transform of the library.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <typenet/data.hpp>

#include "harness.hpp"

namespace fingerprint {

template <tn::shape Shape>
tn::image_dataset<Shape, 4> images(std::size_t count, std::uint64_t tag) {
  std::vector<std::uint8_t> pixels(count * static_cast<std::size_t>(Shape.size()));
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(word(tag, i) >> 56);
  return {std::move(pixels), labels(count, 4, tag + 1)};
}

/// Returns a data set of images 1x16x16. They are resized, and distorted anew in every epoch.
inline auto distorted(std::size_t count, std::uint64_t tag) {
  return tn::transformed(images<tn::shape{1, 11, 12}>(count, tag), tn::resize<14, 14>{}, tn::pad<16, 16>{}, tn::random_rotation{10},
                         tn::random_affine{.translate = 1, .scale = 0.1f, .squeeze = 0.1f, .shear = 5}, tn::random_roll{1},
                         tn::color_jitter{.brightness = 0.2f, .contrast = 0.2f}, tn::normalize{0.5f, 0.3f});
}

}  // namespace fingerprint
