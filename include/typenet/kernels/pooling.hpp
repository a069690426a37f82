// SPDX-License-Identifier: MIT
/// @file
/// What max_pool2d, avg_pool2d and trainable_subsample share: their options, their geometry and their loops.
#pragma once

#include <typenet/layer/layer.hpp>
#include <typenet/simd/loops.hpp>
#include <typenet/simd/lane_view.hpp>
#include <typenet/layer/options.hpp>

namespace typenet::detail {

/// A pooling layer but for its arithmetic; stride defaults to the window, as in PyTorch. `Derived` has, for a pack of each of a
/// window's `Count` inputs in reading order,
/// - `template <class Pack, int Count> static Pack combine(const Pack (&x)[Count])`
/// - `template <class Pack, int Count> static void share(const Pack (&x)[Count], const Pack& gradient, Pack (&to)[Count])`, which writes
///   the inputs' gradients
/// - `template <class Scalar> static constexpr Scalar padding_value`: what padding counts as
///
/// Where windows of different channels differ, `combine` and `share` are members of what `Derived::of_channel` makes for a channel.
template <class Derived, auto Window, class... Options>
struct pooling : layer_defaults {
  static constexpr kernel_size kernel = to_kernel_size(Window);
  static constexpr kernel_size stride = find_option_t<option_kind::stride, typenet::stride<kernel.height, kernel.width>, Options...>::value;
  static constexpr kernel_size padding = find_option_t<option_kind::padding, typenet::padding<0>, Options...>::value;

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

  /// Whether a window's output is the largest of its inputs. Such a layer has `distribute_gradient_to_selected` too, which is told which that was.
  static constexpr bool is_max = false;

  /// Whether the windows tile the plane: each input belongs to exactly one.
  template <shape In>
  static constexpr bool is_non_overlapping =
      stride == kernel && padding.height == 0 && padding.width == 0 && In.height() % kernel.height == 0 && In.width() % kernel.width == 0;
  template <shape In>
  static constexpr fusion_role role() {
    return is_non_overlapping<In> ? fusion_role::pool : fusion_role::alone;
  }

  /// What treats the windows of a channel: nothing but the layer, unless that has parameters.
  template <class Pack, class Data>
  TYPENET_HD TYPENET_INLINE static Derived of_channel(const Data&, index) {
    return {};
  }

  template <shape In, class Exec, class Data>
  TYPENET_HD static void forward(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    constexpr shape out = output(In);
    for_each_plane<In, true>(exec, [=] TYPENET_HD(index block, index channel, int first, int last) {
      const auto* from = lane::block<pack>(data.input, block) + channel * In.area() * Exec::lanes;
      auto* to = lane::block<pack>(data.output, block) + channel * out.area() * Exec::lanes;
      const auto arithmetic = Derived::template of_channel<pack>(data, channel);
      for (int row = first; row < last; ++row)
        for (int column = 0; column < out.width(); ++column) {
          pack x[count];
          read<In, Exec::lanes>(from, row, column, x);
          lane::store(to + index{row * out.width() + column} * Exec::lanes, arithmetic.combine(x));
        }
    });
  }

  template <shape In, bool Accumulate, class Exec, class Data>
  TYPENET_HD static void backward_input(Exec& exec, const Data& data) {
    spread<In, Accumulate, false>(exec, data);
  }
  static constexpr second_order curvature = second_order::custom;
  template <shape In, bool Wanted, bool Accumulate, class Exec, class Data>
  TYPENET_HD static void backward_curvature(Exec& exec, const Data& data) {
    if constexpr (Wanted) spread<In, Accumulate, true>(exec, data);
  }

  /// Gives each window's gradient to its inputs; or, of a curvature, the squares of their shares.
  template <shape In, bool Accumulate, bool Squared, class Exec, class Data>
  TYPENET_HD static void spread(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    constexpr shape out = output(In);
    constexpr bool add = Accumulate || !is_non_overlapping<In>;
    for_each_plane<In, is_non_overlapping<In>>(exec, [=] TYPENET_HD(index block, index channel, int first, int last) {
      const auto* from = lane::block<pack>(data.input, block) + channel * In.area() * Exec::lanes;
      const auto* gradient = lane::block<pack>(data.output_gradient, block) + channel * out.area() * Exec::lanes;
      auto* to = lane::block<pack>(data.input_gradient, block) + channel * In.area() * Exec::lanes;
      const auto arithmetic = Derived::template of_channel<pack>(data, channel);
      if (add && !Accumulate)
        for (int e = 0; e < In.area(); ++e) lane::store(to + index{e} * Exec::lanes, pack(0));
      for (int row = first; row < last; ++row)
        for (int column = 0; column < out.width(); ++column) {
          pack x[count], share[count];
          if (Derived::backward_reads_input) read<In, Exec::lanes>(from, row, column, x);
          const pack own = lane::load<pack>(gradient + index{row * out.width() + column} * Exec::lanes);
          arithmetic.distribute_gradient(x, Squared ? pack(1) : own, share);
          for_each_input<In>(row, column, [&](int i, int e) TYPENET_LAMBDA_INLINE {
            if (e >= 0) lane::store_or_add<add>(to + index{e} * Exec::lanes, Squared ? share[i] * share[i] * own : share[i]);
          });
        }
    });
  }

  /// Calls `body(i, e)` for the i-th input of window (row, column): element e of its plane, or -1 where there is padding.
  template <shape In, class Body>
  TYPENET_HD TYPENET_INLINE static void for_each_input(int row, int column, const Body& body) {
    const int top = row * stride.height - padding.height;
    const int left = column * stride.width - padding.width;
    TYPENET_UNROLL
    for (int y = 0; y < kernel.height; ++y) {
      TYPENET_UNROLL
      for (int x = 0; x < kernel.width; ++x) {
        const bool inside =
            (padding.height == 0 && padding.width == 0) || (top + y >= 0 && top + y < In.height() && left + x >= 0 && left + x < In.width());
        body(y * kernel.width + x, inside ? (top + y) * In.width() + left + x : -1);
      }
    }
  }

  /// Inputs of a window.
  static constexpr int count = kernel.height * kernel.width;

  // Public for nvcc's sake.

  /// The inputs of window (row, column).
  template <shape In, int Lanes, class Pack>
  TYPENET_HD TYPENET_INLINE static void read(const lane::scalar_t<Pack>* plane, int row, int column, Pack (&x)[count]) {
    for_each_input<In>(row, column, [&](int i, int e) TYPENET_LAMBDA_INLINE {
      constexpr auto padding_value = Derived::template padding_value<lane::scalar_t<Pack>>;
      x[i] = e >= 0 ? lane::load<Pack>(plane + index{e} * Lanes) : Pack(padding_value);
    });
  }

  /// Calls `body(block, channel, first row, last row)` for rows of windows. A work item is a plane; or a row where there are many workers
  /// and `Apart` says that rows have nothing to do with one another.
  template <shape In, bool Apart, class Exec, class Body>
  TYPENET_HD static void for_each_plane(Exec& exec, const Body& body) {
    constexpr shape out = output(In);
    constexpr int rows = Apart ? lane::grain<Exec>(out.height(), 1) : out.height();
    constexpr index parts = out.height() / rows;
    exec.for_each(exec.blocks() * In.channels() * parts, [=] TYPENET_HD(index item) {
      const int first = static_cast<int>(item % parts) * rows;
      body(item / (In.channels() * parts), item / parts % In.channels(), first, first + rows);
    });
  }
};

}  // namespace typenet::detail
