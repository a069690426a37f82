// SPDX-License-Identifier: MIT
/// @file
/// conv2d: two-dimensional convolution. The arithmetic is in kernels/conv2d/: batch.hpp has samples in the lanes, one_sample.hpp
/// neighboring numbers of one sample.
#pragma once

#include <array>
#include <type_traits>

#include <typenet/core/config.hpp>
#include <typenet/core/diagnostics.hpp>
#include <typenet/core/real.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/kernels/conv2d/batch.hpp>
#include <typenet/kernels/conv2d/links.hpp>
#include <typenet/kernels/conv2d/one_sample.hpp>
#include <typenet/layer/connection_table.hpp>
#include <typenet/layer/layer.hpp>
#include <typenet/layer/options.hpp>
#include <typenet/simd/execution.hpp>

namespace typenet {

/// Convolution of a channels x height x width image, computed as a cross-correlation: the kernel is not flipped.
///
/// Output: `Channels` x ⌊(height + 2·padding − dilation·(kernel − 1) − 1) / stride⌋ + 1 x the width by the same formula.
/// Parameters: `weight` [Channels, inputs / groups, kernel height, kernel width], `bias` [Channels].
/// Options: `padding`, `padding_value`, `stride`, `dilation`, `groups`, and
/// - `bias<false>`: no bias
/// - `bias<per_unit>`: `bias` is [Channels, output height, output width]
/// - `connections<table>`: `weight` is [links, kernel height, kernel width], ordered by output channel, then by input channel
/// @tparam Channels number of output channels
/// @tparam Kernel height and width of the kernel: 5, or `kernel<3, 5>`
/// @see torch.nn.Conv2d; for tables of connections, LeCun et al. 1998, table I
template <int Channels, auto Kernel, class... Options>
struct conv2d : layer_defaults {
 private:
  static constexpr kernel_size kernel = detail::to_kernel_size(Kernel);
  static constexpr kernel_size stride = detail::find_option_t<option_kind::stride, typenet::stride<1>, Options...>::value;
  static constexpr kernel_size padding = detail::find_option_t<option_kind::padding, typenet::padding<0>, Options...>::value;
  static constexpr kernel_size dilation = detail::find_option_t<option_kind::dilation, typenet::dilation<1>, Options...>::value;
  static constexpr int groups = detail::find_option_t<option_kind::groups, typenet::groups<1>, Options...>::value;
  static constexpr real padding_value = detail::find_option_t<option_kind::padding_value, typenet::padding_value<0.0>, Options...>::value;
  static constexpr detail::bias_use bias_in_use = detail::bias_of<Options...>();
  static constexpr bool has_bias = bias_in_use != detail::bias_use::none;
  static constexpr bool per_unit = bias_in_use == detail::bias_use::per_unit;
  static constexpr auto table = detail::find_option_t<option_kind::connections, typenet::connections<0>, Options...>::value;
  static constexpr bool has_table = detail::is_connection_table<decltype(table)>;

  /// Inputs from the first tap of a dilated kernel to its last.
  static constexpr int reach(int taps, int gap) { return (taps - 1) * gap + 1; }

  static constexpr bool every_output_connected() {
    if constexpr (has_table)
      for (int o = 0; o < table.outputs; ++o)
        if (table.links_to(o) == 0) return false;
    return true;
  }
  static constexpr bool table_fits(int inputs) {
    if constexpr (has_table) return table.inputs == inputs && table.outputs == Channels;
    return inputs > 0;
  }
  /// Kernels of one input channel and one output channel.
  static constexpr int kernels(shape in) {
    if constexpr (has_table) return table.links();
    return Channels * (in.channels() / groups);
  }
  static constexpr detail::conv_geometry make_geometry(shape in) {
    const shape out = output(in);
    return {in.channels(), in.height(), in.width(), Channels, out.height(), out.width(),
            kernel,        stride,      padding,    dilation, groups,       padding_value};
  }
  template <shape In>
  static constexpr detail::conv_geometry geometry = make_geometry(In);
  template <shape In, bool Table = has_table>
  struct links_of {
    using type = detail::dense_links<geometry<In>>;
  };
  template <shape In>
  struct links_of<In, true> {
    using type = detail::table_links<table>;
  };
  template <shape In>
  using links = typename links_of<In>::type;

  template <shape In>
  using batch_kernel = detail::conv_batch<geometry<In>, links<In>, bias_in_use>;
  template <shape In, one_sample_execution Exec>
  using one_sample_kernel = detail::conv_one_sample<geometry<In>, links<In>, bias_in_use, has_table, Exec>;

 public:
  /// Unknown with a padding value: the kernels would pad squared inputs with the value itself, not with its square.
  static constexpr second_order curvature = padding_value.digits == 0 ? second_order::gauss_newton_linear : second_order::unknown;

  template <shape In>
  static constexpr auto check() {
    using problem = detail::option_problem<
        detail::option_kinds<option_kind::stride, option_kind::padding, option_kind::padding_value, option_kind::dilation,
                             option_kind::groups, option_kind::bias, option_kind::connections>,
        Options...>;
    if constexpr (!std::is_same_v<problem, accepted>)
      return problem{};
    else if constexpr (Channels < 1 || kernel.height < 1 || kernel.width < 1 || stride.height < 1 || stride.width < 1 ||
                       dilation.height < 1 || dilation.width < 1 || groups < 1)
      return needs::positive_sizes{};
    else if constexpr (padding.height < 0 || padding.width < 0)
      return needs::non_negative_padding{};
    else if constexpr (bias_in_use == detail::bias_use::unheard_of)
      return needs::a_bias_of_true_false_or_per_unit{};
    else if constexpr (In.rank != 3)
      return needs::an_image{};
    else if constexpr (!has_table && !std::is_void_v<detail::find_option_t<option_kind::connections, void, Options...>>)
      return needs::a_connection_table{};
    else if constexpr (has_table && groups != 1)
      return needs::groups_or_connections_not_both{};
    else if constexpr (!table_fits(In.channels()))
      return needs::connection_table_of<In.channels(), Channels>{};
    else if constexpr (!every_output_connected())
      return needs::a_connection_for_every_output{};
    else if constexpr (In.channels() % groups != 0)
      return needs::channels_divisible_by<groups>{};
    else if constexpr (Channels % groups != 0)
      return needs::output_channels_divisible_by<groups>{};
    else if constexpr (In.height() + 2 * padding.height < reach(kernel.height, dilation.height) ||
                       In.width() + 2 * padding.width < reach(kernel.width, dilation.width))
      return needs::input_at_least<reach(kernel.height, dilation.height), reach(kernel.width, dilation.width)>{};
    else
      return accepted{};
  }

  static constexpr shape output(shape in) {
    return shape{Channels, (in.height() + 2 * padding.height - reach(kernel.height, dilation.height)) / stride.height + 1,
                 (in.width() + 2 * padding.width - reach(kernel.width, dilation.width)) / stride.width + 1};
  }

  static constexpr auto parameters(shape in) {
    const int taps = kernel.height * kernel.width;
    // With a table, the mean over the outputs.
    const int fan_in = kernels(in) * taps / Channels;
    const int fan_out = kernels(in) * taps / in.channels();
    parameter_spec weight{"weight", parameter_role::weight, 4, {Channels, in.channels() / groups, kernel.height, kernel.width}, fan_in,
                          fan_out};
    if constexpr (has_table) weight = {"weight", parameter_role::weight, 3, {kernels(in), kernel.height, kernel.width, 1}, fan_in, fan_out};
    const shape out = output(in);
    if constexpr (per_unit)
      return std::array<parameter_spec, 2>{
          weight, parameter_spec{"bias", parameter_role::bias, 3, {Channels, out.height(), out.width(), 1}, fan_in, fan_out}};
    else if constexpr (has_bias)
      return std::array<parameter_spec, 2>{weight, parameter_spec{"bias", parameter_role::bias, 1, {Channels, 1, 1, 1}, fan_in, fan_out}};
    else
      return std::array<parameter_spec, 1>{weight};
  }

  static constexpr index one_sample_scratch_size(shape in, index samples) {
    return detail::conv_one_sample_choice{make_geometry(in), bias_in_use, has_table}.scratch_size(samples, parameters(in)[0].size());
  }

  static constexpr index macs(shape in) { return index{kernels(in)} * kernel.height * kernel.width * output(in).area(); }
  static constexpr index connections(shape in) { return macs(in) + (has_bias ? output(in).size() : 0); }

  template <shape In>
  static constexpr fusion_role role() {
    return fusion_role::producer;
  }
  /// The tiles in which the output is computed (concept `producer_layer`).
  template <shape In, class Exec>
  struct tiles : batch_kernel<In>::template tiles<Exec> {};  // no alias: clang 14 would find private members in it
  static constexpr int max_tiles_per_row(shape in) {
    return detail::max_conv_tiles_per_row(has_table ? 1 : Channels / groups, output(in).width());
  }
  /// Writes the gradients of the parameters.
  /// @tparam Centered true where the output's gradients of each channel sum to zero
  template <shape In, bool Centered, class Exec, class Data>
  TYPENET_HD static void backward_weights(Exec& exec, const Data& data) {
    batch_kernel<In>::template backward_parameters<Centered>(exec, data);
  }

  template <shape In, class Exec, class Data>
  TYPENET_HD static void forward(Exec& exec, const Data& data) {
    batch_kernel<In>::forward(exec, data);
  }
  template <shape In, bool Accumulate, class Exec, class Data>
  TYPENET_HD static void backward_input(Exec& exec, const Data& data) {
    batch_kernel<In>::template backward_input<Accumulate>(exec, data);
  }
  template <shape In, class Exec, class Data>
  TYPENET_HD static void backward_parameters(Exec& exec, const Data& data) {
    batch_kernel<In>::template backward_parameters<false>(exec, data);
  }

  template <shape In, one_sample_execution Exec, class Data>
  TYPENET_HD static void forward(Exec& exec, const Data& data) {
    one_sample_kernel<In, Exec>::forward(exec, data);
  }
  template <shape In, bool Accumulate, one_sample_execution Exec, class Data>
  TYPENET_HD static void backward_input(Exec& exec, const Data& data) {
    one_sample_kernel<In, Exec>::template backward_input<Accumulate>(exec, data);
  }
  template <shape In, one_sample_execution Exec, class Data>
  TYPENET_HD static void backward_parameters(Exec& exec, const Data& data) {
    one_sample_kernel<In, Exec>::backward_parameters(exec, data);
  }
};

}  // namespace typenet
