// SPDX-License-Identifier: MIT
/// @file
/// pad: images with zeros around them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include <typenet/core/shape.hpp>
#include <typenet/data/transforms/transform.hpp>

namespace typenet {

/// Adds zeros around images until they are Height x Width. An odd row or column goes below or to the right. A fixed transform.
/// @see torchvision.transforms.Pad
template <int Height, int Width>
  requires(Height > 0 && Width > 0)
struct pad {
  static constexpr auto kind = transform_kind::fixed;
  static constexpr shape output(shape in) { return {in.channels(), Height, Width}; }

  template <shape In>
  static void apply(const std::uint8_t* in, std::uint8_t* out) {
    static_assert(Height >= In.height() && Width >= In.width(), "pad: the image is already larger than the size to pad it to");
    std::memset(out, 0, static_cast<std::size_t>(output(In).size()));
    constexpr int above = (Height - In.height()) / 2, left = (Width - In.width()) / 2;
    for (int channel = 0; channel < In.channels(); ++channel) {
      for (int y = 0; y < In.height(); ++y)
        std::memcpy(out + (channel * Height + above + y) * Width + left, in + (channel * In.height() + y) * In.width(),
                    static_cast<std::size_t>(In.width()));
    }
  }
  void check() const {}
};

}  // namespace typenet
