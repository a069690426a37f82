// SPDX-License-Identifier: MIT
/// @file
/// mse: the mean squared error.
#pragma once

#include <typenet/core/diagnostics.hpp>
#include <typenet/losses/target.hpp>

namespace typenet {

/// The mean, over samples and outputs, of (output − target)²; a class is its one-hot vector, unless other levels are named:
/// `mse{.on = 1, .off = -1}` suits outputs of tanh. @see torch.nn.MSELoss
struct mse {
  double on = 1;   ///< the target of a class's own output
  double off = 0;  ///< that of the others

  template <shape Out, class Targets>
  static constexpr auto check() {
    if constexpr (Targets::is_class) {
      if constexpr (Out.rank != 1 || Out.size() != Targets::classes)
        return needs::a_vector_of_scores<Targets::classes>{};
      else
        return accepted{};
    } else {
      if constexpr (Out != Targets::values)
        return needs::targets_of_shape<Out[0], Out[1], Out[2]>{};
      else
        return accepted{};
    }
  }

  /// The loss of each sample of a pack; writes its gradient, times `scale`, where `gradient` is not null.
  template <class Pack, int Lanes, shape Out, class Target>
  TYPENET_HD Pack operator()(const lane::scalar_t<Pack>* output, const Target& target, lane::scalar_t<Pack>* gradient,
                             lane::scalar_t<Pack> scale) const {
    using scalar = lane::scalar_t<Pack>;
    const auto share = static_cast<scalar>(1.0 / Out.size());
    const Pack slope = 2 * share * scale;
    Pack sum = 0;
    for (int k = 0; k < Out.size(); ++k) {
      Pack wanted = target.at(k);
      if constexpr (Target::is_class)
        wanted =
            lane::fma(wanted, on - off, off);
      const Pack difference = lane::load<Pack>(output + index{k} * Lanes) - wanted;
      sum = lane::fma(difference, difference, sum);
      if (gradient != nullptr) lane::store(gradient + index{k} * Lanes, difference * slope);
    }
    return sum * share;
  }

  /// Writes the second derivatives of each sample's loss, times `scale`.
  template <class Pack, int Lanes, shape Out, class Target>
  TYPENET_HD void curvature(const lane::scalar_t<Pack>*, const Target&, lane::scalar_t<Pack>* to, lane::scalar_t<Pack> scale) const {
    const Pack all = static_cast<lane::scalar_t<Pack>>(2.0 / Out.size()) * scale;
    for (int k = 0; k < Out.size(); ++k) lane::store(to + index{k} * Lanes, all);
  }
  static constexpr bool has_curvature = true;
};

}  // namespace typenet
