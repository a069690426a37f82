// SPDX-License-Identifier: MIT
/// @file
/// max_pool2d: the largest number of each window.
#pragma once

#include <limits>

#include <typenet/core/config.hpp>
#include <typenet/layers/pooling_base.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet {

/// The largest number of each window; NaN where one of them is NaN. Where several are equal, the first in reading order receives the
/// gradient.
/// Options: `stride` (the window by default), `padding` (of −∞).
/// @tparam Window the window: 2, or `kernel<2, 3>`
/// @see torch.nn.MaxPool2d
template <auto Window, class... Options>
struct max_pool2d : detail::pooling<max_pool2d<Window, Options...>, Window, Options...> {
  template <class Scalar>
  static constexpr Scalar padding_value = -std::numeric_limits<Scalar>::infinity();
  static constexpr bool is_max = true;

  template <class Pack, int Count>
  TYPENET_HD TYPENET_INLINE static Pack combine(const Pack (&x)[Count]) {
    Pack most = x[0];
    TYPENET_UNROLL
    for (int i = 1; i < Count; ++i) most = lane::max_or_nan(most, x[i]);
    return most;
  }
  template <class Pack, int Count>
  TYPENET_HD TYPENET_INLINE static void distribute_gradient(const Pack (&x)[Count], const Pack& gradient, Pack (&to)[Count]) {
    distribute_gradient_to_selected<Pack>(combine<Pack>(x), x, gradient, to);
  }
  /// Writes the inputs' gradients where the output, `selected`, is known.
  template <class Pack, int Count>
  TYPENET_HD TYPENET_INLINE static void distribute_gradient_to_selected(const Pack& selected, const Pack (&x)[Count], const Pack& gradient,
                                                                        Pack (&to)[Count]) {
    const Pack zero = 0;
    Pack left = gradient;
    TYPENET_UNROLL
    for (int i = 0; i < Count; ++i) {
      const auto here = lane::equal(x[i], selected);
      to[i] = lane::select(here, left, zero);
      left = lane::select(here, zero, left);
    }
  }
};

}  // namespace typenet
