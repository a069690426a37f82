// SPDX-License-Identifier: MIT
/// @file
/// nll: the negative logarithm of the probability of the right class.
#pragma once

#include <typenet/core/config.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/layer/tensor_spec.hpp>
#include <typenet/losses/target.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet {

/// The mean over samples of −Σ_k t_k x_k. The outputs x are logarithms of probabilities. The target t is a class, or a weight of each
/// class.
/// @see torch.nn.NLLLoss
struct nll {
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
      sum = sum - t * x;
      if (gradient != nullptr) lane::store(gradient + index{k} * Lanes, (0 - t) * scale);
    }
    return sum;
  }
};

}  // namespace typenet
