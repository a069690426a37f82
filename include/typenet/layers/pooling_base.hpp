// SPDX-License-Identifier: MIT
/// @file
/// The base of pooling layers: options, shapes and passes. max_pool2d, avg_pool2d and trainable_subsample derive from it. The arithmetic is
/// in kernels/pooling.hpp.
#pragma once

#include <type_traits>

#include <typenet/core/diagnostics.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/kernels/pooling.hpp>
#include <typenet/layer/layer.hpp>
#include <typenet/layer/options.hpp>

namespace typenet::detail {

/// A layer that reduces each window of an image to one number. Options: `stride` (the window by default, as in PyTorch), `padding`.
///
/// `Derived` has, `x` being a pack for each input of a window in reading order,
/// - `template <class Pack, int Count> static Pack combine(const Pack (&x)[Count])`: returns the output
/// - `template <class Pack, int Count> static void distribute_gradient(const Pack (&x)[Count], const Pack& gradient, Pack (&to)[Count])`:
///   writes the inputs' gradients
/// - `template <class Scalar> static constexpr Scalar padding_value`: the value of the padding
///
/// A layer whose channels have parameters declares `of_channel`, which returns an object with the first two members for one channel.
/// @tparam Window the window: 2, or `kernel<2, 3>`
template <class Derived, auto Window, class... Options>
struct pooling : layer_defaults {
  static constexpr kernel_size kernel = to_kernel_size(Window);
  static constexpr kernel_size stride = find_option_t<option_kind::stride, typenet::stride<kernel.height, kernel.width>, Options...>::value;
  static constexpr kernel_size padding = find_option_t<option_kind::padding, typenet::padding<0>, Options...>::value;
  /// Inputs of one window.
  static constexpr int count = kernel.height * kernel.width;

  template <shape In>
  static constexpr auto check() {
    using problem = option_problem<option_kinds<option_kind::stride, option_kind::padding>, Options...>;
    if constexpr (!std::is_same_v<problem, accepted>)
      return problem{};
    else if constexpr (kernel.height < 1 || kernel.width < 1 || stride.height < 1 || stride.width < 1)
      return needs::positive_sizes{};
    else if constexpr (padding.height < 0 || padding.width < 0)
      return needs::non_negative_padding{};
    else if constexpr (2 * padding.height > kernel.height || 2 * padding.width > kernel.width)
      return needs::padding_at_most_half_the_window{};
    else if constexpr (In.rank != 3)
      return needs::an_image{};
    else if constexpr (In.height() + 2 * padding.height < kernel.height || In.width() + 2 * padding.width < kernel.width)
      return needs::input_at_least<kernel.height, kernel.width>{};
    else
      return accepted{};
  }
  static constexpr shape output(shape in) {
    return shape{in.channels(), (in.height() + 2 * padding.height - kernel.height) / stride.height + 1,
                 (in.width() + 2 * padding.width - kernel.width) / stride.width + 1};
  }

  /// True where the output of a window is its largest input. Such a layer has `distribute_gradient_to_selected` too (concept `pool_layer`).
  static constexpr bool is_max = false;

  /// True where each input belongs to exactly one window.
  template <shape In>
  static constexpr bool is_non_overlapping =
      stride == kernel && padding.height == 0 && padding.width == 0 && In.height() % kernel.height == 0 && In.width() % kernel.width == 0;
  template <shape In>
  static constexpr fusion_role role() {
    return is_non_overlapping<In> ? fusion_role::pool : fusion_role::alone;
  }

  /// Returns the object whose members treat the windows of one channel: the layer itself, unless it has parameters.
  template <class Pack, class Data>
  TYPENET_HD TYPENET_INLINE static Derived of_channel(const Data&, index) {
    return {};
  }

  template <shape In, class Exec, class Data>
  TYPENET_HD static void forward(Exec& exec, const Data& data) {
    pooling_kernel<Derived, In>::forward(exec, data);
  }
  template <shape In, bool Accumulate, class Exec, class Data>
  TYPENET_HD static void backward_input(Exec& exec, const Data& data) {
    pooling_kernel<Derived, In>::template backward_input<Accumulate, false>(exec, data);
  }
  static constexpr second_order curvature = second_order::custom;
  template <shape In, bool Wanted, bool Accumulate, class Exec, class Data>
  TYPENET_HD static void backward_curvature(Exec& exec, const Data& data) {
    if constexpr (Wanted) pooling_kernel<Derived, In>::template backward_input<Accumulate, true>(exec, data);
  }
};

}  // namespace typenet::detail
