// SPDX-License-Identifier: MIT
/// @file
/// cross_entropy: the cross-entropy between targets and the softmax of scores.
#pragma once

#include <typenet/core/config.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/kernels/softmax.hpp>
#include <typenet/layer/tensor_spec.hpp>
#include <typenet/losses/target.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet {

/// The mean over samples of −Σ_k t_k log softmax(output)_k. The outputs are scores: the network ends without a softmax.
/// The target t is a class, or a weight of each class: probabilities as a rule, but the weights of a sample may have any sum. With label
/// smoothing s and K classes, t is replaced by (1 − s) t + s / K. The gradient by the outputs is softmax(output) Σ_k t_k − t.
/// @see torch.nn.CrossEntropyLoss
struct cross_entropy {
  double label_smoothing = 0;  ///< s, from 0 to 1

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
    using scalar = lane::scalar_t<Pack>;
    constexpr int classes = Out.size();
    const Pack keep = static_cast<scalar>(1 - label_smoothing);
    const Pack rest = static_cast<scalar>(label_smoothing / classes);
    Pack dot = 0;
    const auto denominator =
        detail::softmax_of<Pack>(output, classes, Lanes, [&](int k, const Pack& exponent, const Pack&) TYPENET_LAMBDA_INLINE {
          dot = lane::fma(lane::fma(target.at(k), keep, rest), exponent, dot);
        });
    const Pack total = total_of<Pack, classes>(target);
    if (gradient != nullptr) {
      const Pack inverse = 1 / denominator.sum;
      for (int k = 0; k < classes; ++k) {
        const Pack p = denominator.probability(lane::load<Pack>(output + index{k} * Lanes), inverse);
        lane::store(gradient + index{k} * Lanes, (p * total - lane::fma(target.at(k), keep, rest)) * scale);
      }
    }
    return total * lane::log(denominator.sum) - dot;
  }

  /// Writes ∂²loss/∂output² times `scale`: p (1 − p) Σ_k t_k for each probability p of the softmax.
  /// @param output `[class][lane]`
  /// @param to `[class][lane]`
  template <class Pack, int Lanes, shape Out, class Target>
  TYPENET_HD void curvature(const lane::scalar_t<Pack>* output, const Target& target, lane::scalar_t<Pack>* to,
                            lane::scalar_t<Pack> scale) const {
    const auto denominator = detail::softmax_of<Pack>(output, Out.size(), Lanes, detail::visit_none{});
    detail::write_softmax_curvature(output, Out.size(), Lanes, denominator, to, total_of<Pack, Out.size()>(target) * scale);
  }
  static constexpr bool has_curvature = true;

 private:
  /// Σ_k t_k of the smoothed targets: 1 where each sample has a class.
  template <class Pack, int Classes, class Target>
  TYPENET_HD Pack total_of(const Target& target) const {
    if constexpr (Target::is_class) {
      return Pack(1);
    } else {
      Pack sum = 0;
      for (int k = 0; k < Classes; ++k) sum = sum + target.at(k);
      return lane::fma(sum, Pack(static_cast<lane::scalar_t<Pack>>(1 - label_smoothing)),
                       Pack(static_cast<lane::scalar_t<Pack>>(label_smoothing)));
    }
  }
};

}  // namespace typenet
