// SPDX-License-Identifier: MIT
/// @file
/// mse: the mean squared error.
#pragma once

#include <typenet/core/config.hpp>
#include <typenet/core/diagnostics.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/losses/target.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet {

/// The mean over samples and outputs of (output − target)². The targets of a class are `on` for its own output and `off` for the others:
/// its one-hot vector by default. `mse{.on = 1, .off = -1}` suits outputs of `tanh`.
/// @see torch.nn.MSELoss
struct mse {
  double on = 1;   ///< the target of the output of the right class
  double off = 0;  ///< the target of every other output

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

  /// Returns the loss of each sample of one pack.
  /// @tparam Lanes samples side by side in storage
  /// @param output `[element][lane]`
  /// @param gradient `[element][lane]`; receives ∂loss/∂output times `scale` where it is not null
  template <class Pack, int Lanes, shape Out, class Target>
  TYPENET_HD Pack operator()(const lane::scalar_t<Pack>* output, const Target& target, lane::scalar_t<Pack>* gradient,
                             lane::scalar_t<Pack> scale) const {
    using scalar = lane::scalar_t<Pack>;
    const auto share = static_cast<scalar>(1.0 / Out.size());
    const Pack slope = 2 * share * scale;
    Pack sum = 0;
    for (int k = 0; k < Out.size(); ++k) {
      Pack wanted = target.at(k);
      if constexpr (Target::is_class) wanted = lane::fma(wanted, on - off, off);
      const Pack difference = lane::load<Pack>(output + index{k} * Lanes) - wanted;
      sum = lane::fma(difference, difference, sum);
      if (gradient != nullptr) lane::store(gradient + index{k} * Lanes, difference * slope);
    }
    return sum * share;
  }

  /// Writes ∂²loss/∂output² times `scale`, which is one constant.
  /// @param to `[element][lane]`
  template <class Pack, int Lanes, shape Out, class Target>
  TYPENET_HD void curvature(const lane::scalar_t<Pack>*, const Target&, lane::scalar_t<Pack>* to, lane::scalar_t<Pack> scale) const {
    const Pack all = static_cast<lane::scalar_t<Pack>>(2.0 / Out.size()) * scale;
    for (int k = 0; k < Out.size(); ++k) lane::store(to + index{k} * Lanes, all);
  }
  static constexpr bool has_curvature = true;
};

}  // namespace typenet
