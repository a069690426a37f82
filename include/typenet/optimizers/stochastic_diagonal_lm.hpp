// SPDX-License-Identifier: MIT
/// @file
/// stochastic_diagonal_lm: gradient descent in which each weight has its own learning rate, by the second derivative of the loss.
#pragma once

#include <array>
#include <string_view>

#include <typenet/core/config.hpp>
#include <typenet/optimizers/optimizer.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet {

namespace detail {

/// The arithmetic of one step. `state[0]` is the second derivative, which the step leaves as it is.
template <class Scalar>
struct diagonal_lm_update {
  Scalar learning_rate;
  Scalar mu;

  template <class Pack>
  TYPENET_HD TYPENET_INLINE void operator()(Pack& weight, const Pack& gradient, Pack* state) const {
    const Pack step = learning_rate / (mu + state[0]);
    weight = weight - step * gradient;
  }
};

}  // namespace detail

/// Stochastic diagonal Levenberg-Marquardt: w ← w − learning_rate / (mu + h) · g. h is the mean over samples of the diagonal Gauss-Newton
/// approximation of ∂²E/∂w². Before every epoch it is estimated anew, on `curvature_samples` samples drawn at random; it is constant during
/// the epoch. All layers of the network and the loss must have second derivatives; a compile error names the first that has none.
///
/// The defaults are the paper's constants, for batches of one sample.
/// @see LeCun et al. 1998, equations 18 to 22 and appendix C
struct stochastic_diagonal_lm {
  double learning_rate = 5e-4;
  double mu = 0.02;             ///< bounds the learning rate of weights with small second derivatives
  int curvature_samples = 500;  ///< samples that h is estimated on

  static constexpr std::array<std::string_view, 1> state_names{"curvature"};

  /// @throws argument_error if a hyper-parameter is out of range
  void check() const {
    constexpr detail::hyper_check check{"stochastic_diagonal_lm"};
    check.not_negative("learning_rate", learning_rate);
    check.positive("mu", mu);
    check.require("curvature_samples", curvature_samples, curvature_samples > 0, "above 0");
  }

  /// The arithmetic of step `step`, counted from 1.
  template <class Scalar>
  [[nodiscard]] auto update(index /*step*/) const {
    return detail::diagonal_lm_update<Scalar>{.learning_rate = static_cast<Scalar>(learning_rate), .mu = static_cast<Scalar>(mu)};
  }
};

}  // namespace typenet
