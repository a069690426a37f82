// SPDX-License-Identifier: MIT
/// @file
/// conv_one_sample: the passes of a convolution of one sample at a time, and the choice of the kernel that computes them:
/// - the kernel covers the whole input: `linear_one_sample`, with neighboring inputs in the lanes
/// - strides, dilation, a padding value or a bias per unit: `conv_im2col`, with neighboring taps in the lanes
/// - otherwise: `conv_direct`, with neighboring columns in the lanes; the forward pass is `conv_channels`, with neighboring output channels
/// in
///   the lanes, where the channels fill the lanes
#pragma once

#include <typenet/core/config.hpp>
#include <typenet/kernels/conv2d/channels.hpp>
#include <typenet/kernels/conv2d/direct.hpp>
#include <typenet/kernels/conv2d/geometry.hpp>
#include <typenet/kernels/conv2d/im2col.hpp>
#include <typenet/kernels/conv2d/links.hpp>
#include <typenet/kernels/conv2d/weight_gradient.hpp>
#include <typenet/kernels/linear_one_sample.hpp>
#include <typenet/layer/options.hpp>
#include <typenet/simd/execution.hpp>

namespace typenet::detail {

/// The conditions that decide which kernel computes a convolution of one sample.
struct conv_one_sample_choice {
  conv_geometry geometry;
  bias_use bias;
  bool has_table;

  [[nodiscard]] constexpr padded_layout<conv_geometry> layout() const { return {geometry}; }
  /// True for stride 1 and dilation 1 with zero padding and no bias per unit.
  [[nodiscard]] constexpr bool is_plain() const {
    return layout().is_unit_stride() && bias != bias_use::per_unit && !geometry.has_padding_value();
  }
  /// True where each output reads the whole input. The convolution is then a linear layer.
  [[nodiscard]] constexpr bool covers_input() const { return is_plain() && !has_table && layout().covers_input(); }
  /// Scalars of scratch memory for `samples` samples.
  /// @param weights number of weights
  [[nodiscard]] constexpr index scratch_size(index samples, index weights) const {
    if (!is_plain()) return samples * im2col_size(geometry);
    return covers_input() ? 0 : layout().end(samples) + (has_table ? 0 : weights);
  }
};

/// The kernel that computes the passes, as `type`. The primary template chooses `conv_direct`.
/// @tparam Plain `conv_one_sample_choice::is_plain()`
template <conv_geometry G, class Links, bias_use Bias, class Exec, bool CoversInput, bool Plain>
struct conv_one_sample_kernel {
  using tiles = weight_gradient_plan<G, Links, typename Exec::vector, lane::width<typename Exec::vector>, false>;
  using type = conv_direct<G, Links, Bias != bias_use::none, tiles, Exec>;
};
/// Strides, dilation, a padding value or a bias per unit: `conv_im2col`.
template <conv_geometry G, class Links, bias_use Bias, class Exec>
struct conv_one_sample_kernel<G, Links, Bias, Exec, false, false> {
  using type = conv_im2col<G, Links, Bias != bias_use::none, Bias == bias_use::per_unit, Exec>;
};
/// The kernel covers the whole input: `linear_one_sample`.
template <conv_geometry G, class Links, bias_use Bias, class Exec>
struct conv_one_sample_kernel<G, Links, Bias, Exec, true, true> {
  using type = linear_one_sample<G.in_channels * G.in_height * G.in_width, G.out_channels, Bias != bias_use::none, Exec>;
};

/// The passes of one convolution for a `one_sample_execution`.
///
/// Layouts: input `[sample][input channel][row][column]`, output `[sample][output channel][row][column]`; parameters and gradients as in
/// `conv_batch`.
/// @tparam Table true where the convolution has a connection table
template <conv_geometry G, class Links, bias_use Bias, bool Table, one_sample_execution Exec>
struct conv_one_sample {
  static constexpr conv_one_sample_choice conditions{G, Bias, Table};
  static constexpr bool covers_input = conditions.covers_input(), is_plain = conditions.is_plain();
  using kernel = typename conv_one_sample_kernel<G, Links, Bias, Exec, covers_input, is_plain>::type;

  /// Writes the output.
  template <class Data>
  TYPENET_HD static void forward(Exec& exec, const Data& data) {
    using channels = conv_channels<G, Bias != bias_use::none, Exec>;
    if constexpr (is_plain && !covers_input && !Table && channels::suits)
      channels::forward(exec, data);
    else
      kernel::forward(exec, data);
  }
  /// Writes the gradient of the input, or adds to it where `Accumulate`.
  /// @pre `backward_parameters` has run
  template <bool Accumulate, class Data>
  TYPENET_HD static void backward_input(Exec& exec, const Data& data) {
    kernel::template backward_input<Accumulate>(exec, data);
  }
  /// Writes the gradients of the weights and of the bias.
  template <class Data>
  TYPENET_HD static void backward_parameters(Exec& exec, const Data& data) {
    kernel::backward_parameters(exec, data);
  }
};

}  // namespace typenet::detail
