// SPDX-License-Identifier: MIT
/// @file
/// rbf_mse: the mean penalty of the right class.
#pragma once

#include <typenet/core/config.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/layer/tensor_spec.hpp>
#include <typenet/losses/target.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet {

/// The mean over samples of y_D. The outputs y are penalties; D is the right class. Where the target is a probability t_k of each class,
/// Σ_k t_k y_k takes the place of y_D. After `euclidean_rbf` the loss is the squared distance from the right code, without a factor ½.
/// @see LeCun et al. 1998, equation 8
struct rbf_mse {
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
    Pack sum = 0;
    for (int k = 0; k < Out.size(); ++k) {
      const Pack t = target.at(k);
      sum = lane::fma(t, lane::load<Pack>(output + index{k} * Lanes), sum);
      if (gradient != nullptr) lane::store(gradient + index{k} * Lanes, t * scale);
    }
    return sum;
  }

  /// Writes ∂²loss/∂output², which is 0.
  /// @param to `[class][lane]`
  template <class Pack, int Lanes, shape Out, class Target>
  TYPENET_HD void curvature(const lane::scalar_t<Pack>*, const Target&, lane::scalar_t<Pack>* to, lane::scalar_t<Pack>) const {
    for (int k = 0; k < Out.size(); ++k) lane::store(to + index{k} * Lanes, Pack(0));
  }
  static constexpr bool has_curvature = true;
};

}  // namespace typenet
