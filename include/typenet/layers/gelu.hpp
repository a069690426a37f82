// SPDX-License-Identifier: MIT
/// @file
/// gelu: the Gaussian error linear unit.
#pragma once

#include <typenet/core/config.hpp>
#include <typenet/layer/elementwise.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet {

/// x Φ(x), Φ being the cumulative distribution of the standard normal, computed by erf.
/// @see Hendrycks and Gimpel 2016; torch.nn.GELU (approximate = 'none')
struct gelu : elementwise<gelu, differentiates_from::input> {
  template <class Pack>
  TYPENET_HD TYPENET_INLINE static Pack apply(const Pack& x) {
    return x * distribution(x);
  }
  template <class Pack>
  TYPENET_HD TYPENET_INLINE static Pack derivative(const Pack& x) {
    using scalar = lane::scalar_t<Pack>;
    const Pack density = lane::exp(x * x * static_cast<scalar>(-0.5)) * static_cast<scalar>(0.3989422804014327);
    return distribution(x) + x * density;
  }

 private:
  /// Φ(x).
  template <class Pack>
  TYPENET_HD TYPENET_INLINE static Pack distribution(const Pack& x) {
    using scalar = lane::scalar_t<Pack>;
    const Pack half = static_cast<scalar>(0.5);
    return half + half * lane::erf(x * static_cast<scalar>(0.7071067811865476));
  }
};

}  // namespace typenet
