// SPDX-License-Identifier: MIT
/// @file
/// What max_pool2d and avg_pool2d share: their options and geometry.
#pragma once

#include <typenet/layer.hpp>
#include <typenet/tags.hpp>

namespace typenet::detail {

/// The declarative half of a pooling layer; stride defaults to the window, as in PyTorch.
template <auto Window, class... Options>
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

  /// Calls `body(offset)` for each input of window (row, column), in reading order; offsets count elements of a plane.
  template <shape In, class Body>
  TYPENET_HD TYPENET_INLINE static void for_each_input(int row, int column, const Body& body) {
    const int top = row * step.height - border.height;
    const int left = column * step.width - border.width;
    TYPENET_UNROLL
    for (int y = 0; y < window.height; ++y) {
      TYPENET_UNROLL
      for (int x = 0; x < window.width; ++x) {
        if constexpr (border.height > 0 || border.width > 0)
          if (top + y < 0 || top + y >= In.height() || left + x < 0 || left + x >= In.width()) continue;
        body((top + y) * In.width() + left + x);
      }
    }
  }

  /// Whether the windows tile the plane: each input belongs to exactly one.
  template <shape In>
  static constexpr bool covers =
      step == window && border.height == 0 && border.width == 0 && In.height() % window.height == 0 && In.width() % window.width == 0;

  /// Calls `body(block, channel, row, column)` for every window of every plane. A work item is a plane; or a row of its windows where
  /// there are many workers and `Apart` says that rows have nothing to do with one another. Before its windows, `start(block, channel)`.
  template <shape In, bool Apart, class Exec, class Start, class Body>
  TYPENET_HD static void for_each_window(Exec& exec, const Start& start, const Body& body) {
    constexpr shape out = output(In);
    constexpr int rows = Apart ? lane::grain<Exec>(out.height(), 1) : out.height();
    constexpr index parts = out.height() / rows;
    exec.for_each(exec.blocks() * In.channels() * parts, [=] TYPENET_HD(index item) {
      const index block = item / (In.channels() * parts);
      const index channel = item / parts % In.channels();
      const int first = static_cast<int>(item % parts) * rows;
      start(block, channel);
      for (int row = first; row < first + rows; ++row)
        for (int column = 0; column < out.width(); ++column) body(block, channel, row, column);
    });
  }
  /// Nothing.
  struct no_start {
    TYPENET_HD void operator()(index, index) const {}
  };

  /// Zeroes a plane's gradient before windows add to it.
  template <shape In, bool Accumulate, class Pack, int Lanes>
  TYPENET_HD TYPENET_INLINE static void clear_plane([[maybe_unused]] lane::scalar_t<Pack>* plane) {
    if constexpr (!Accumulate && !covers<In>)
      for (int e = 0; e < In.area(); ++e) lane::store<Pack>(plane + index{e} * Lanes, lane::broadcast<Pack>(0));
  }
};

}  // namespace typenet::detail
