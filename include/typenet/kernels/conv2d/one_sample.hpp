// SPDX-License-Identifier: MIT
/// @file
/// The passes of a convolution of one sample: which kernel computes it.
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
    return layout().unit_steps() && bias != bias_use::per_unit && !geometry.has_padding_value();
  }
  /// True where each output reads the whole input: the convolution is then a linear layer.
  [[nodiscard]] constexpr bool sees_all() const { return is_plain() && !has_table && layout().sees_all(); }
  /// Scalars of scratch memory for `samples` samples.
  /// @param weights number of weights
  [[nodiscard]] constexpr index scratch_size(index samples, index weights) const {
    if (!is_plain()) return samples * patches_size(geometry);
    return sees_all() ? 0 : layout().end(samples) + (has_table ? 0 : weights);
  }
};

/// `type` is the kernel that computes the passes: `conv_direct`, with neighbouring columns in the lanes.
template <conv_geometry G, class Links, bias_use Bias, class Exec, bool SeesAll, bool Plain>
struct conv_one_sample_kernel {
  using tiles = weight_gradient_plan<G, Links, typename Exec::vector, lane::width<typename Exec::vector>, false>;
  using type = conv_direct<G, Links, Bias != bias_use::none, tiles, Exec>;
};
/// With strides, dilation, a padding value or a bias per unit: `conv_im2col`, with neighbouring taps in the lanes.
template <conv_geometry G, class Links, bias_use Bias, class Exec>
struct conv_one_sample_kernel<G, Links, Bias, Exec, false, false> {
  using type = conv_im2col<G, Links, Bias != bias_use::none, Bias == bias_use::per_unit, Exec>;
};
/// Where the kernel covers the whole input: `linear_one_sample`.
template <conv_geometry G, class Links, bias_use Bias, class Exec>
struct conv_one_sample_kernel<G, Links, Bias, Exec, true, true> {
  using type = linear_one_sample<G.in_channels * G.in_height * G.in_width, G.out_channels, Bias != bias_use::none, Exec>;
};

/// The passes of one convolution for a `one_sample_execution`. Layouts as in `conv_batch`, with one lane.
template <conv_geometry G, class Links, bias_use Bias, bool Table, one_sample_execution Exec>
struct conv_one_sample {
  static constexpr conv_one_sample_choice choice{G, Bias, Table};
  static constexpr bool sees_all = choice.sees_all(), is_plain = choice.is_plain();
  using kernel = typename conv_one_sample_kernel<G, Links, Bias, Exec, sees_all, is_plain>::type;

  template <class Data>
  TYPENET_HD static void forward(Exec& exec, const Data& data) {
    using channels = conv_channels<G, Bias != bias_use::none, Exec>;
    if constexpr (is_plain && !sees_all && !Table && channels::suits)
      channels::forward(exec, data);
    else
      kernel::forward(exec, data);
  }
  template <bool Accumulate, class Data>
  TYPENET_HD static void backward_input(Exec& exec, const Data& data) {
    kernel::template backward_input<Accumulate>(exec, data);
  }
  template <class Data>
  TYPENET_HD static void backward_parameters(Exec& exec, const Data& data) {
    kernel::backward_parameters(exec, data);
  }
};

}  // namespace typenet::detail
