// SPDX-License-Identifier: MIT
/// @file
/// The sizes of a convolution that its kernels are specialised on.
#pragma once

#include <typenet/core/config.hpp>
#include <typenet/core/real.hpp>
#include <typenet/layer/options.hpp>

namespace typenet::detail {

/// Everything about a convolution that its kernels need, fixed by the layer and its input.
struct conv_geometry {
  int in_channels, in_height, in_width;
  int out_channels, out_height, out_width;
  kernel_size kernel, stride, padding, dilation;
  int groups;
  /// What the padding counts as.
  real padding_value;

  [[nodiscard]] constexpr int group_inputs() const { return in_channels / groups; }
  [[nodiscard]] constexpr int group_outputs() const { return out_channels / groups; }
  [[nodiscard]] constexpr int taps() const { return kernel.height * kernel.width; }
  /// Whether there is a padding that is not zero.
  [[nodiscard]] constexpr bool has_padding_value() const { return padding_value.digits != 0 && (padding.height > 0 || padding.width > 0); }
};

/// The taps of one axis that fall inside the input: [first, last).
struct tap_range {
  int first, last;
};
TYPENET_HD constexpr tap_range taps_inside(int result, int stride, int padding, int dilation, int kernel, int size) {
  const int at = result * stride - padding;
  const int first = at < 0 ? (-at + dilation - 1) / dilation : 0;
  const int last = at < size ? (size - 1 - at) / dilation + 1 : 0;
  return {first < kernel ? first : kernel, last < kernel ? last : kernel};
}

}  // namespace typenet::detail
