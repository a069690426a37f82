// SPDX-License-Identifier: MIT
/// @file
/// What max_pool2d, avg_pool2d and trainable_subsample share: their options, their geometry and their loops.
#pragma once

#include <typenet/layer/layer.hpp>
#include <typenet/layer/options.hpp>

namespace typenet::detail {

/// A pooling layer but for its arithmetic; stride defaults to the window, as in PyTorch. `Derived` has, for a pack of each of a
/// window's `Count` inputs in reading order,
/// - `template <class Pack, int Count> static Pack combine(const Pack (&x)[Count])`
/// - `template <class Pack, int Count> static void share(const Pack (&x)[Count], const Pack& gradient, Pack (&to)[Count])`, which writes
///   the inputs' gradients
/// - `template <class Scalar> static constexpr Scalar beyond`: what padding counts as
///
/// Where windows of different channels differ, `combine` and `share` are members of what `Derived::of_channel` makes for a channel.
template <class Derived, auto Window, class... Options>
struct pooling : layer_defaults {
  static constexpr kernel_size window = to_kernel_size(Window);
  static constexpr kernel_size step = find_option_t<option_kind::stride, typenet::stride<window.height, window.width>, Options...>::value;
  static constexpr kernel_size border = find_option_t<option_kind::padding, typenet::padding<0>, Options...>::value;

  template <shape In>
  static constexpr auto check() {
    using problem = option_problem<option_kinds<option_kind::stride, option_kind::padding>, Options...>;
    if constexpr (!std::is_same_v<problem, accepted>)
      return problem{};
    else if constexpr (window.height < 1 || window.width < 1 || step.height < 1 || step.width < 1)
      return needs::positive_sizes{};
    else if constexpr (border.height < 0 || border.width < 0)
      return needs::non_negative_padding{};
    else if constexpr (2 * border.height > window.height || 2 * border.width > window.width)
      return needs::padding_at_most_half_the_window{};
    else if constexpr (In.rank != 3)
      return needs::an_image{};
    else if constexpr (In.height() + 2 * border.height < window.height || In.width() + 2 * border.width < window.width)
      return needs::input_at_least<window.height, window.width>{};
    else
      return accepted{};
  }
  static constexpr shape output(shape in) {
    return shape{in.channels(), (in.height() + 2 * border.height - window.height) / step.height + 1,
                 (in.width() + 2 * border.width - window.width) / step.width + 1};
  }

  /// Whether a window's output is the largest of its inputs. Such a layer has `share_of` too, which is told which that was.
  static constexpr bool takes_largest = false;

  /// Whether the windows tile the plane: each input belongs to exactly one.
  template <shape In>
  static constexpr bool covers =
      step == window && border.height == 0 && border.width == 0 && In.height() % window.height == 0 && In.width() % window.width == 0;
  template <shape In>
  static constexpr fusion_role role() {
    return covers<In> ? fusion_role::window : fusion_role::alone;
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
      const auto* from = data.input.template block<pack>(block) + channel * In.area() * Exec::lanes;
      auto* to = data.output.template block<pack>(block) + channel * out.area() * Exec::lanes;
      const auto arithmetic = Derived::template of_channel<pack>(data, channel);
      for (int row = first; row < last; ++row)
        for (int column = 0; column < out.width(); ++column) {
          pack x[count];
          read<In, Exec::lanes>(from, row, column, x);
          lane::store<pack>(to + index{row * out.width() + column} * Exec::lanes, arithmetic.template combine<pack>(x));
        }
    });
  }

  template <shape In, bool Accumulate, class Exec, class Data>
  TYPENET_HD static void backward_input(Exec& exec, const Data& data) {
    spread<In, Accumulate, false>(exec, data);
  }
  static constexpr second_order curvature = second_order::own;
  template <shape In, bool Wanted, bool Accumulate, class Exec, class Data>
  TYPENET_HD static void backward_curvature(Exec& exec, const Data& data) {
    if constexpr (Wanted) spread<In, Accumulate, true>(exec, data);
  }

  /// Gives each window's gradient to its inputs; or, of a curvature, the squares of their shares.
  template <shape In, bool Accumulate, bool Squared, class Exec, class Data>
  TYPENET_HD static void spread(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    constexpr shape out = output(In);
    constexpr bool add = Accumulate || !covers<In>;
    for_each_plane<In, covers<In>>(exec, [=] TYPENET_HD(index block, index channel, int first, int last) {
      const auto* from = data.input.template block<pack>(block) + channel * In.area() * Exec::lanes;
      const auto* gradient = data.output_gradient.template block<pack>(block) + channel * out.area() * Exec::lanes;
      auto* to = data.input_gradient.template block<pack>(block) + channel * In.area() * Exec::lanes;
      const auto arithmetic = Derived::template of_channel<pack>(data, channel);
      if (add && !Accumulate)
        for (int e = 0; e < In.area(); ++e) lane::store<pack>(to + index{e} * Exec::lanes, lane::broadcast<pack>(0));
      for (int row = first; row < last; ++row)
        for (int column = 0; column < out.width(); ++column) {
          pack x[count], share[count];
          if (Derived::backward_reads_input) read<In, Exec::lanes>(from, row, column, x);
          const pack own = lane::load<pack>(gradient + index{row * out.width() + column} * Exec::lanes);
          arithmetic.template share<pack>(x, Squared ? lane::broadcast<pack>(1) : own, share);
          for_each_input<In>(row, column, [&](int i, int e) TYPENET_LAMBDA_INLINE {
            if (e >= 0) lane::put<add, pack>(to + index{e} * Exec::lanes, Squared ? share[i] * share[i] * own : share[i]);
          });
        }
    });
  }

  /// Calls `body(i, e)` for the i-th input of window (row, column): element e of its plane, or -1 where there is padding.
  template <shape In, class Body>
  TYPENET_HD TYPENET_INLINE static void for_each_input(int row, int column, const Body& body) {
    const int top = row * step.height - border.height;
    const int left = column * step.width - border.width;
    TYPENET_UNROLL
    for (int y = 0; y < window.height; ++y) {
      TYPENET_UNROLL
      for (int x = 0; x < window.width; ++x) {
        const bool inside =
            (border.height == 0 && border.width == 0) || (top + y >= 0 && top + y < In.height() && left + x >= 0 && left + x < In.width());
        body(y * window.width + x, inside ? (top + y) * In.width() + left + x : -1);
      }
    }
  }

  /// Inputs of a window.
  static constexpr int count = window.height * window.width;

  // Public for nvcc's sake.

  /// The inputs of window (row, column).
  template <shape In, int Lanes, class Pack>
  TYPENET_HD TYPENET_INLINE static void read(const lane::scalar_t<Pack>* plane, int row, int column, Pack (&x)[count]) {
    for_each_input<In>(row, column, [&](int i, int e) TYPENET_LAMBDA_INLINE {
      constexpr auto beyond = Derived::template beyond<lane::scalar_t<Pack>>;
      x[i] = e >= 0 ? lane::load<Pack>(plane + index{e} * Lanes) : lane::broadcast<Pack>(beyond);
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
