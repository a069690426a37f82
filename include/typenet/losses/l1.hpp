// SPDX-License-Identifier: MIT
/// @file
/// l1: the mean absolute difference between outputs and targets.
#pragma once

#include <typenet/core/config.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/losses/elementwise.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet {

/// The mean over samples and outputs of |output − target|. Where both are equal the gradient is 0. A target that is a class stands for its
/// one-hot vector.
/// @see torch.nn.L1Loss
struct l1 {
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
    return detail::mean_over_elements<Pack, Lanes, Out>(
        output, [&](int k) TYPENET_LAMBDA_INLINE { return target.at(k); }, gradient, scale,
        [](const Pack& x, const Pack& t, const Pack& sum) TYPENET_LAMBDA_INLINE { return sum + lane::abs(x - t); },
        [](const Pack& x, const Pack& t) TYPENET_LAMBDA_INLINE { return lane::sign(x - t); });
  }
};

}  // namespace typenet
