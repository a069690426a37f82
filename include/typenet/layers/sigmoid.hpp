// SPDX-License-Identifier: MIT
/// @file
/// sigmoid: the logistic function.
#pragma once

#include <typenet/core/config.hpp>
#include <typenet/layer/elementwise.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet {

/// 1 / (1 + e^−x).
/// @see torch.nn.Sigmoid
struct sigmoid : elementwise<sigmoid, differentiates_from::output> {
  static constexpr bool is_monotonic = true;

  template <class Pack>
  TYPENET_HD TYPENET_INLINE static Pack apply(const Pack& x) {
    // Written with tanh, nothing overflows, and small results are off by at most half a unit in the last place of 1.
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
