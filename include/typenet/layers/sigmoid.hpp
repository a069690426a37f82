// SPDX-License-Identifier: MIT
/// @file
/// sigmoid: the logistic function.
#pragma once

#include <typenet/layer/elementwise.hpp>

namespace typenet {

/// 1 / (1 + exp(-x)). @see torch.nn.Sigmoid
struct sigmoid : elementwise<sigmoid, differentiates_from::output> {
  static constexpr bool is_monotonic = true;

  template <class Pack>
  TYPENET_HD TYPENET_INLINE static Pack apply(const Pack& x) {
    // By tanh, which neither overflows nor loses the small end to cancellation beyond half a unit of 1.
    using scalar = lane::scalar_t<Pack>;
    const Pack half = static_cast<scalar>(0.5);
    return half + half * lane::tanh(half * x);
  }
  template <class Pack>
  TYPENET_HD TYPENET_INLINE static Pack derivative(const Pack& y) {
    return y * (1 - y);
  }
};

}  // namespace typenet
