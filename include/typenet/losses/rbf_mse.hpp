// SPDX-License-Identifier: MIT
/// @file
/// rbf_mse: the penalty of the right class.
#pragma once

#include <typenet/layer/layer.hpp>
#include <typenet/losses/target.hpp>

namespace typenet {

/// The mean over samples of y_D, the penalty of the right class D; of Σ_k t_k y_k where the target is a probability t_k of each class.
/// After `euclidean_rbf` it is the squared distance to the right code, without a ½. @see LeCun et al. 1998, equation 8
struct rbf_mse {
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
    Pack sum = 0;
    for (int k = 0; k < Out.size(); ++k) {
      const Pack t = target.at(k);
      sum = lane::fma(t, lane::load<Pack>(output + index{k} * Lanes), sum);
      if (gradient != nullptr) lane::store(gradient + index{k} * Lanes, t * scale);
    }
    return sum;
  }

  /// Writes the second derivatives of each sample's loss, which has none.
  template <class Pack, int Lanes, shape Out, class Target>
  TYPENET_HD void curvature(const lane::scalar_t<Pack>*, const Target&, lane::scalar_t<Pack>* to, lane::scalar_t<Pack>) const {
    for (int k = 0; k < Out.size(); ++k) lane::store(to + index{k} * Lanes, Pack(0));
  }
  static constexpr bool has_curvature = true;
};

}  // namespace typenet
