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
  static constexpr Scalar beyond = -std::numeric_limits<Scalar>::infinity();
  static constexpr bool takes_largest = true;

  template <class Pack, int Count>
  TYPENET_HD TYPENET_INLINE static Pack combine(const Pack (&x)[Count]) {
    Pack most = x[0];
    TYPENET_UNROLL
    for (int i = 1; i < Count; ++i) most = lane::max<Pack>(most, x[i]);
    return most;
  }
  template <class Pack, int Count>
  TYPENET_HD TYPENET_INLINE static void share(const Pack (&x)[Count], const Pack& gradient, Pack (&to)[Count]) {
    share_of<Pack>(combine<Pack>(x), x, gradient, to);
  }
  /// The same where it is known which number the window took.
  template <class Pack, int Count>
  TYPENET_HD TYPENET_INLINE static void share_of(const Pack& taken, const Pack (&x)[Count], const Pack& gradient, Pack (&to)[Count]) {
    const Pack zero = lane::broadcast<Pack>(0);
    Pack left = gradient;
    TYPENET_UNROLL
    for (int i = 0; i < Count; ++i) {
      const auto here = lane::equal<Pack>(x[i], taken);
      to[i] = lane::select<Pack>(here, left, zero);
      left = lane::select<Pack>(here, zero, left);
    }
  }
};

}  // namespace typenet
