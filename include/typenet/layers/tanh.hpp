// SPDX-License-Identifier: MIT
/// @file
/// tanh: the hyperbolic tangent.
#pragma once

#include <typenet/layer/layer.hpp>

namespace typenet {

/// The hyperbolic tangent. @see torch.nn.Tanh
struct tanh : elementwise<tanh, differentiates_from::output> {
  static constexpr bool never_falls = true;

  template <class Pack>
  TYPENET_HD TYPENET_INLINE static Pack apply(const Pack& x) {
    return lane::tanh(x);
  }
  template <class Pack>
  TYPENET_HD TYPENET_INLINE static Pack derivative(const Pack& y) {
    return lane::broadcast<Pack>(1) - y * y;
  }
};

}  // namespace typenet
