// SPDX-License-Identifier: MIT
/// @file
/// bce_with_logits: the binary cross-entropy of each output by itself.
#pragma once

#include <typenet/core/config.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/losses/elementwise.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet {

/// The mean over samples and outputs of −w t log σ(x) − (1 − t) log (1 − σ(x)), σ being the sigmoid of an output x: each output answers a
/// question of its own with yes (t = 1) or no (t = 0). The network ends without a sigmoid. A target that is a class stands for its one-hot
/// vector.
/// @see torch.nn.BCEWithLogitsLoss
struct bce_with_logits {
  double positive_weight = 1;  ///< w, the weight of the answer yes

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
    const Pack weight = static_cast<lane::scalar_t<Pack>>(positive_weight);
    // log (1 + e^−|x|) is computed without overflow; −log σ(x) is it plus max(−x, 0).
    const auto add = [&](const Pack& x, const Pack& t, const Pack& sum) TYPENET_LAMBDA_INLINE {
      const Pack smooth = lane::log(1 + lane::exp(0 - lane::abs(x)));
      const Pack yes = smooth + lane::max(0 - x, 0), no = smooth + lane::max(x, 0);
      return sum + (weight * t * yes + (1 - t) * no);
    };
    const auto slope = [&](const Pack& x, const Pack& t) TYPENET_LAMBDA_INLINE {
      const Pack small = lane::exp(0 - lane::abs(x)), larger = 1 / (1 + small);
      const Pack sigmoid = lane::select(lane::greater(x, 0), larger, small * larger);
      return (1 - t) * sigmoid - weight * t * (1 - sigmoid);
    };
    return detail::mean_over_elements<Pack, Lanes, Out>(
        output, [&](int k) TYPENET_LAMBDA_INLINE { return target.at(k); }, gradient, scale, add, slope);
  }
};

}  // namespace typenet
