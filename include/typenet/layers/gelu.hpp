// SPDX-License-Identifier: MIT
/// @file
/// gelu: each number weighted by its normal percentile.
#pragma once

#include <typenet/layer/elementwise.hpp>

namespace typenet {

/// x Φ(x), Φ the standard normal distribution (Hendrycks and Gimpel, 2016), exactly, by erf. @see torch.nn.GELU
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
  template <class Pack>
  TYPENET_HD TYPENET_INLINE static Pack distribution(const Pack& x) {
    using scalar = lane::scalar_t<Pack>;
    const Pack half = static_cast<scalar>(0.5);
    return half + half * lane::erf(x * static_cast<scalar>(0.7071067811865476));
  }
};

}  // namespace typenet
