// SPDX-License-Identifier: MIT
/// @file
/// smooth_l1: the absolute difference, smoothed near 0.
#pragma once

#include <typenet/core/config.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/losses/elementwise.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet {

/// The mean over samples and outputs of d² / (2 β) where |d| <= β, and of |d| − β / 2 elsewhere, d being output − target. A target that is
/// a class stands for its one-hot vector.
/// @see torch.nn.SmoothL1Loss; Girshick 2015, "Fast R-CNN"
struct smooth_l1 {
  double beta = 1;  ///< β, above 0

  template <shape Out, class Targets>
  static constexpr auto check() {
    return detail::check_elements<Out, Targets>();
  }

  /// Returns the loss of each sample of one pack.
  /// @tparam Lanes samples side by side in storage
  /// @param output `[element][lane]`
  /// @param gradient `[element][lane]`; receives ∂loss/∂output times `scale` where it is not null
  template <class Pack, int Lanes, shape Out, class Target>
  TYPENET_HD Pack operator()(const lane::scalar_t<Pack>* output, const Target& target, lane::scalar_t<Pack>* gradient,
                             lane::scalar_t<Pack> scale) const {
    const detail::smoothed_difference<Pack> smoothed{.threshold = static_cast<lane::scalar_t<Pack>>(beta),
                                                     .curvature = static_cast<lane::scalar_t<Pack>>(1 / beta)};
    return detail::mean_over_elements<Pack, Lanes, Out>(
        output, [&](int k) TYPENET_LAMBDA_INLINE { return target.at(k); }, gradient, scale,
        [&](const Pack& x, const Pack& t, const Pack& sum) TYPENET_LAMBDA_INLINE { return sum + smoothed.value(x - t); },
        [&](const Pack& x, const Pack& t) TYPENET_LAMBDA_INLINE { return smoothed.slope(x - t); });
  }
};

}  // namespace typenet
