// SPDX-License-Identifier: MIT
/// @file
/// mse: the mean squared error.
#pragma once

#include <typenet/core/config.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/losses/elementwise.hpp>
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
    return detail::check_elements<Out, Targets>();
  }

  /// Returns the loss of each sample of one pack.
  /// @tparam Lanes samples side by side in storage
  /// @param output `[element][lane]`
  /// @param gradient `[element][lane]`; receives ∂loss/∂output times `scale` where it is not null
  template <class Pack, int Lanes, shape Out, class Target>
  TYPENET_HD Pack operator()(const lane::scalar_t<Pack>* output, const Target& target, lane::scalar_t<Pack>* gradient,
                             lane::scalar_t<Pack> scale) const {
    const auto wanted = [&](int k) TYPENET_LAMBDA_INLINE {
      if constexpr (Target::is_class)
        return lane::fma(target.at(k), on - off, off);
      else
        return target.at(k);
    };
    return detail::mean_over_elements<Pack, Lanes, Out>(
        output, wanted, gradient, scale,
        [](const Pack& x, const Pack& t, const Pack& sum) TYPENET_LAMBDA_INLINE { return lane::fma(x - t, x - t, sum); },
        [](const Pack& x, const Pack& t) TYPENET_LAMBDA_INLINE { return 2 * (x - t); });
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
