// SPDX-License-Identifier: MIT
/// @file
/// scaled_tanh: the activation of LeNet-5.
#pragma once

#include <typenet/core/config.hpp>
#include <typenet/layer/elementwise.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet {

/// 1.7159 tanh(2x/3), so that f(1) = 1 and f(−1) = −1.
/// @see LeCun et al. 1998, appendix A
struct scaled_tanh : elementwise<scaled_tanh, differentiates_from::output> {
  static constexpr bool is_monotonic = true;
  static constexpr double amplitude = 1.7159;
  static constexpr double slope = 2.0 / 3.0;

  template <class Pack>
  TYPENET_HD TYPENET_INLINE static Pack apply(const Pack& x) {
    using scalar = lane::scalar_t<Pack>;
    return static_cast<scalar>(amplitude) * lane::tanh(static_cast<scalar>(slope) * x);
  }
  template <class Pack>
  TYPENET_HD TYPENET_INLINE static Pack derivative(const Pack& y) {
    // A S (1 − (y/A)²) with the amplitude A and the slope S
    using scalar = lane::scalar_t<Pack>;
    return Pack(static_cast<scalar>(amplitude * slope)) - static_cast<scalar>(slope / amplitude) * y * y;
  }
};

}  // namespace typenet
