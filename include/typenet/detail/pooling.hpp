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
  /// Whether each input belongs to at most one window, and to which is plain.
  static constexpr bool disjoint = step.height >= window.height && step.width >= window.width && border.height == 0 && border.width == 0;

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

  /// Zeroes a plane's gradient before windows add to it.
  template <shape In, bool Accumulate, class Pack, int Lanes>
  TYPENET_HD TYPENET_INLINE static void clear_plane(lane::scalar_t<Pack>* plane) {
    if constexpr (!Accumulate)
      for (int e = 0; e < In.area(); ++e) lane::store<Pack>(plane + index{e} * Lanes, lane::broadcast<Pack>(0));
  }
};

}  // namespace typenet::detail
