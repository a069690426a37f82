// SPDX-License-Identifier: MIT
/// @file
/// cross_entropy: of the softmax of scores.
#pragma once

#include <typenet/layer/layer.hpp>
#include <typenet/losses/target.hpp>

namespace typenet {

/// The mean over samples of −Σ_k t_k log softmax(output)_k, from scores: the network ends without a softmax.
/// With label smoothing s, t is (1 − s) of the target and s / K for each of K classes. @see torch.nn.CrossEntropyLoss
struct cross_entropy {
  double label_smoothing = 0;

  /// What the network's outputs must be.
  static constexpr best_score best_output = best_score::highest;

  template <shape Out, class Targets>
  static constexpr auto check() {
    return detail::check_classes<Out, Targets>();
  }

  /// The loss of each sample of a pack; writes its gradient, times `scale`, where `gradient` is not null.
  template <class Pack, int Lanes, shape Out, class Target>
  TYPENET_HD Pack operator()(const lane::scalar_t<Pack>* output, const Target& target, lane::scalar_t<Pack>* gradient,
                             lane::scalar_t<Pack> scale) const {
    using scalar = lane::scalar_t<Pack>;
    constexpr int classes = Out.size();
    const Pack keep = static_cast<scalar>(1 - label_smoothing);
    const Pack rest = static_cast<scalar>(label_smoothing / classes);
    Pack most = lane::load<Pack>(output);
    for (int k = 1; k < classes; ++k) most = lane::max(most, lane::load<Pack>(output + index{k} * Lanes));
    Pack sum = 0;
    Pack dot = sum;
    for (int k = 0; k < classes; ++k) {
      const Pack score = lane::load<Pack>(output + index{k} * Lanes) - most;
      sum = sum + lane::exp(score);
      dot = lane::fma(lane::fma(target.at(k), keep, rest), score, dot);
    }
    if (gradient != nullptr) {
      const Pack inverse = 1 / sum;
      for (int k = 0; k < classes; ++k) {
        const Pack probability = lane::exp(lane::load<Pack>(output + index{k} * Lanes) - most) * inverse;
        lane::store(gradient + index{k} * Lanes,
                          (probability - lane::fma(target.at(k), keep, rest)) * scale);
      }
    }
    return lane::log(sum) - dot;
  }

  /// Writes the second derivatives of each sample's loss, p (1 − p) of the softmax p, times `scale`.
  template <class Pack, int Lanes, shape Out, class Target>
  TYPENET_HD void curvature(const lane::scalar_t<Pack>* output, const Target&, lane::scalar_t<Pack>* to, lane::scalar_t<Pack> scale) const {
    Pack most = lane::load<Pack>(output);
    for (int k = 1; k < Out.size(); ++k) most = lane::max(most, lane::load<Pack>(output + index{k} * Lanes));
    Pack sum = 0;
    for (int k = 0; k < Out.size(); ++k) sum = sum + lane::exp(lane::load<Pack>(output + index{k} * Lanes) - most);
    const Pack one = 1, inverse = one / sum;
    for (int k = 0; k < Out.size(); ++k) {
      const Pack p = lane::exp(lane::load<Pack>(output + index{k} * Lanes) - most) * inverse;
      lane::store(to + index{k} * Lanes, p * (one - p) * scale);
    }
  }
  static constexpr bool has_curvature = true;
};

}  // namespace typenet
