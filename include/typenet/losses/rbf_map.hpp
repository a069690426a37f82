// SPDX-License-Identifier: MIT
/// @file
/// rbf_map: the penalty of the right class, against all others' and a constant's.
#pragma once

#include <typenet/layer/layer.hpp>
#include <typenet/losses/target.hpp>

namespace typenet {

/// The mean over samples of y_D + log(e^−j + Σ_i e^−y_i), D being the right class; of Σ_k t_k y_k in place of y_D where the target is a
/// probability t_k of each class. It also pushes up the penalties of wrong classes, the more the lower they are.
/// @see LeCun et al. 1998, equation 9
struct rbf_map {
  /// The penalty of "no digit at all", which is positive: wrong classes that lie well beyond it are left alone. The paper gives no value;
  /// a good one depends on how far codes are apart, and is best found on a validation split.
  double j = 1;

  /// What the network's outputs must be.
  static constexpr best_score best_output = best_score::lowest;

  template <shape Out, class Targets>
  static constexpr auto check() {
    return detail::check_classes<Out, Targets>();
  }

  /// The loss of each sample of a pack; writes its gradient, times `scale`, where `gradient` is not null.
  template <class Pack, int Lanes, shape Out, class Target>
  TYPENET_HD Pack operator()(const lane::scalar_t<Pack>* output, const Target& target, lane::scalar_t<Pack>* gradient,
                             lane::scalar_t<Pack> scale) const {
    const sums<Pack> of = sum_up<Pack, Lanes, Out>(output);
    Pack dot = 0;
    for (int k = 0; k < Out.size(); ++k) dot = lane::fma(target.at(k), lane::load<Pack>(output + index{k} * Lanes) - of.least, dot);
    if (gradient != nullptr) {
      const Pack inverse = 1 / of.sum;
      for (int k = 0; k < Out.size(); ++k) {
        const Pack p = lane::exp(of.least - lane::load<Pack>(output + index{k} * Lanes)) * inverse;
        lane::store(gradient + index{k} * Lanes, (target.at(k) - p) * scale);
      }
    }
    return dot + lane::log(of.sum);
  }

  /// Writes the second derivatives of each sample's loss, p (1 − p) with p_k the share of e^−y_k in the sum, times `scale`.
  template <class Pack, int Lanes, shape Out, class Target>
  TYPENET_HD void curvature(const lane::scalar_t<Pack>* output, const Target&, lane::scalar_t<Pack>* to, lane::scalar_t<Pack> scale) const {
    const sums<Pack> of = sum_up<Pack, Lanes, Out>(output);
    const Pack one = 1, inverse = one / of.sum;
    for (int k = 0; k < Out.size(); ++k) {
      const Pack p = lane::exp(of.least - lane::load<Pack>(output + index{k} * Lanes)) * inverse;
      lane::store(to + index{k} * Lanes, p * (one - p) * scale);
    }
  }
  static constexpr bool has_curvature = true;

 private:
  /// The least penalty, the constant among them, and e^−j + Σ e^−y relative to it: nothing overflows, and one of the terms is 1.
  template <class Pack>
  struct sums {
    Pack least, sum;
  };
  template <class Pack, int Lanes, shape Out>
  TYPENET_HD sums<Pack> sum_up(const lane::scalar_t<Pack>* output) const {
    const Pack rubbish = static_cast<lane::scalar_t<Pack>>(j);
    Pack least = rubbish;
    for (int k = 0; k < Out.size(); ++k) least = lane::min(least, lane::load<Pack>(output + index{k} * Lanes));
    Pack sum = lane::exp(least - rubbish);
    for (int k = 0; k < Out.size(); ++k) sum = sum + lane::exp(least - lane::load<Pack>(output + index{k} * Lanes));
    return {least, sum};
  }
};

}  // namespace typenet
