// SPDX-License-Identifier: MIT
/// @file
/// max_pool2d: the largest number of each window.
#pragma once

#include <limits>

#include <typenet/kernels/pooling.hpp>

namespace typenet {

/// The largest number of each window; where several are equal, the gradient goes to the first in reading order.
/// Options: `stride` (the window by default), `padding` (never the maximum). @see torch.nn.MaxPool2d
template <auto Window, class... Options>
struct max_pool2d : detail::pooling<max_pool2d<Window, Options...>, Window, Options...> {
  template <class Scalar>
  static constexpr Scalar padding_value = -std::numeric_limits<Scalar>::infinity();
  static constexpr bool is_max = true;

  template <class Pack, int Count>
  TYPENET_HD TYPENET_INLINE static Pack combine(const Pack (&x)[Count]) {
    Pack most = x[0];
    TYPENET_UNROLL
    for (int i = 1; i < Count; ++i) most = lane::max(most, x[i]);
    return most;
  }
  template <class Pack, int Count>
  TYPENET_HD TYPENET_INLINE static void distribute_gradient(const Pack (&x)[Count], const Pack& gradient, Pack (&to)[Count]) {
    distribute_gradient_to_selected<Pack>(combine<Pack>(x), x, gradient, to);
  }
  /// The same where it is known which number the window took.
  template <class Pack, int Count>
  TYPENET_HD TYPENET_INLINE static void distribute_gradient_to_selected(const Pack& taken, const Pack (&x)[Count], const Pack& gradient, Pack (&to)[Count]) {
    const Pack zero = 0;
    Pack left = gradient;
    TYPENET_UNROLL
    for (int i = 0; i < Count; ++i) {
      const auto here = lane::equal(x[i], taken);
      to[i] = lane::select(here, left, zero);
      left = lane::select(here, zero, left);
    }
  }
};

}  // namespace typenet
