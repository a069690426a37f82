// SPDX-License-Identifier: MIT
/// @file
/// tanh: the hyperbolic tangent.
#pragma once

#include <typenet/core/config.hpp>
#include <typenet/layer/elementwise.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet {

/// (e^x − e^−x) / (e^x + e^−x).
/// @see torch.nn.Tanh
struct tanh : elementwise<tanh, differentiates_from::output> {
  static constexpr bool is_monotonic = true;

  template <class Pack>
  TYPENET_HD TYPENET_INLINE static Pack apply(const Pack& x) {
    return lane::tanh(x);
  }
  template <class Pack>
  TYPENET_HD TYPENET_INLINE static Pack derivative(const Pack& y) {
    return 1 - y * y;
  }
};

}  // namespace typenet
