// SPDX-License-Identifier: MIT
/// @file
/// leaky_relu: negative numbers times a small slope.
#pragma once

#include <typenet/core/config.hpp>
#include <typenet/core/real.hpp>
#include <typenet/layer/elementwise.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet {

/// x for positive x, `Slope` times x otherwise. The slope at 0 is `Slope`.
/// @see torch.nn.LeakyReLU
template <real Slope = 0.01>
struct leaky_relu : elementwise<leaky_relu<Slope>, differentiates_from::input> {
  static constexpr bool is_monotonic = Slope.value() >= 0;

  template <class Pack>
  TYPENET_HD TYPENET_INLINE static Pack apply(const Pack& x) {
    return x * derivative(x);
  }
  template <class Pack>
  TYPENET_HD TYPENET_INLINE static Pack derivative(const Pack& x) {
    using scalar = lane::scalar_t<Pack>;
    return lane::select(lane::greater(x, 0), Pack(1), Pack(static_cast<scalar>(Slope.value())));
  }
};

}  // namespace typenet
