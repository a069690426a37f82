// SPDX-License-Identifier: MIT
/// @file
/// rbf_map: the maximum a posteriori loss of LeNet-5, the penalty of the right class against those of all classes.
#pragma once

#include <typenet/core/config.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/kernels/softmax.hpp>
#include <typenet/layer/tensor_spec.hpp>
#include <typenet/losses/target.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet {

/// The mean over samples of y_D + log(e^−j + Σ_i e^−y_i). The outputs y are penalties; D is the right class. Where the target is a
/// probability t_k of each class, Σ_k t_k y_k takes the place of y_D. The loss also raises the penalties of wrong classes, low ones most.
/// @see LeCun et al. 1998, equation 9
struct rbf_map {
  /// The penalty of "no digit at all", above 0: wrong classes whose penalties are far above it receive no gradient. The paper gives no
  /// value. A good one depends on the distances between the codes; find it on a validation split.
  double j = 1;

  /// The class is the output with the lowest penalty.
  static constexpr best_score best_output = best_score::lowest;

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
    const auto denominator = denominator_of<Pack, Lanes, Out>(output);
    Pack dot = 0;
    for (int k = 0; k < Out.size(); ++k) dot = lane::fma(target.at(k), lane::load<Pack>(output + index{k} * Lanes) - denominator.best, dot);
    if (gradient != nullptr) {
      const Pack inverse = 1 / denominator.sum;
      for (int k = 0; k < Out.size(); ++k) {
        const Pack p = denominator.probability(lane::load<Pack>(output + index{k} * Lanes), inverse);
        lane::store(gradient + index{k} * Lanes, (target.at(k) - p) * scale);
      }
    }
    return dot + lane::log(denominator.sum);
  }

  /// Writes ∂²loss/∂output² times `scale`: p (1 − p), p_k being the share of e^−y_k in the sum.
  /// @param output `[class][lane]`
  /// @param to `[class][lane]`
  template <class Pack, int Lanes, shape Out, class Target>
  TYPENET_HD void curvature(const lane::scalar_t<Pack>* output, const Target&, lane::scalar_t<Pack>* to, lane::scalar_t<Pack> scale) const {
    detail::write_softmax_curvature(output, Out.size(), Lanes, denominator_of<Pack, Lanes, Out>(output), to, Pack(scale));
  }
  static constexpr bool has_curvature = true;

 private:
  template <class Pack, int Lanes, shape Out>
  TYPENET_HD auto denominator_of(const lane::scalar_t<Pack>* output) const {
    return detail::softmax_of_penalties<Pack>(output, Out.size(), Lanes, Pack(static_cast<lane::scalar_t<Pack>>(j)), detail::visit_none{});
  }
};

}  // namespace typenet
