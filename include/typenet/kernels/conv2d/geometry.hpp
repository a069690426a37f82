// SPDX-License-Identifier: MIT
/// @file
/// conv_geometry: the sizes of a convolution, which its kernels take as a template argument.
#pragma once

#include <typenet/core/config.hpp>
#include <typenet/core/real.hpp>
#include <typenet/layer/options.hpp>

namespace typenet::detail {

/// The sizes of a convolution, fixed by the layer and its input shape. Output (o, y, x) sums input (i, y * stride - padding + ky *
/// dilation, x * stride - padding + kx * dilation) times tap (ky, kx) of the kernel of (o, i), over the inputs i of o's group and all taps.
struct conv_geometry {
  int in_channels, in_height, in_width;
  int out_channels, out_height, out_width;
  kernel_size kernel, stride, padding, dilation;
  int groups;
  /// The number that stands in the padding.
  real padding_value;

  /// Input and output channels of one group.
  [[nodiscard]] constexpr int group_inputs() const { return in_channels / groups; }
  [[nodiscard]] constexpr int group_outputs() const { return out_channels / groups; }
  /// Taps of one kernel: its height times its width.
  [[nodiscard]] constexpr int taps() const { return kernel.height * kernel.width; }
  /// True where there is padding with a number that is not zero.
  [[nodiscard]] constexpr bool has_padding_value() const { return padding_value.digits != 0 && (padding.height > 0 || padding.width > 0); }
};

/// A range of taps along one axis: [first, last).
struct tap_range {
  int first, last;
};
/// The taps along one axis that fall inside the input.
/// @param result row or column of the output
/// @param kernel taps along the axis
/// @param size rows or columns of the input
TYPENET_HD constexpr tap_range taps_inside(int result, int stride, int padding, int dilation, int kernel, int size) {
  const int at = result * stride - padding;
  const int first = at < 0 ? (-at + dilation - 1) / dilation : 0;
  const int last = at < size ? (size - 1 - at) / dilation + 1 : 0;
  return {first < kernel ? first : kernel, last < kernel ? last : kernel};
}

}  // namespace typenet::detail
