// SPDX-License-Identifier: MIT
/// @file
/// huber: the squared difference near 0, the absolute difference beyond.
#pragma once

#include <typenet/core/config.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/losses/elementwise.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet {

/// The mean over samples and outputs of d² / 2 where |d| <= δ, and of δ (|d| − δ / 2) elsewhere, d being output − target. A target that is
/// a class stands for its one-hot vector.
/// @see torch.nn.HuberLoss; Huber 1964, "Robust estimation of a location parameter"
struct huber {
  double delta = 1;  ///< δ, above 0

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
    const detail::smoothed_difference<Pack> smoothed{.threshold = static_cast<lane::scalar_t<Pack>>(delta), .curvature = 1};
    return detail::mean_over_elements<Pack, Lanes, Out>(
        output, [&](int k) TYPENET_LAMBDA_INLINE { return target.at(k); }, gradient, scale,
        [&](const Pack& x, const Pack& t, const Pack& sum) TYPENET_LAMBDA_INLINE { return sum + smoothed.value(x - t); },
        [&](const Pack& x, const Pack& t) TYPENET_LAMBDA_INLINE { return smoothed.slope(x - t); });
  }
};

}  // namespace typenet
