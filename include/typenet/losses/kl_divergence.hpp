// SPDX-License-Identifier: MIT
/// @file
/// kl_divergence: the divergence of predicted from given probabilities.
#pragma once

#include <typenet/core/config.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/layer/tensor_spec.hpp>
#include <typenet/losses/target.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet {

/// The mean over samples of Σ_k t_k (log t_k − x_k). The outputs x are logarithms of probabilities. The target t is a probability of each
/// class, or a class; a probability of 0 adds nothing.
/// @see torch.nn.KLDivLoss with reduction="batchmean"; Kullback and Leibler 1951, "On information and sufficiency"
struct kl_divergence {
  /// The class is the output with the highest score.
  static constexpr best_score best_output = best_score::highest;

  template <shape Out, class Targets>
  static constexpr auto check() {
    return detail::check_classes<Out, Targets>();
  }

  /// Returns the loss of each sample of one pack.
  /// @tparam Lanes samples side by side in storage
  /// @param output `[class][lane]`
  /// @param gradient `[class][lane]`; receives ∂loss/∂output times `scale` where it is not null
  template <class Pack, int Lanes, shape Out, class Target>
  TYPENET_HD Pack operator()(const lane::scalar_t<Pack>* output, const Target& target, lane::scalar_t<Pack>* gradient,
                             lane::scalar_t<Pack> scale) const {
    Pack sum = 0;
    for (int k = 0; k < Out.size(); ++k) {
      const Pack x = lane::load<Pack>(output + index{k} * Lanes), t = target.at(k);
      const Pack given = lane::select(lane::greater(t, 0), t, Pack(1));
      sum = sum + t * (lane::log(given) - x);
      if (gradient != nullptr) lane::store(gradient + index{k} * Lanes, (0 - t) * scale);
    }
    return sum;
  }
};

}  // namespace typenet
