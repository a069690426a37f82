// SPDX-License-Identifier: MIT
/// @file
/// stochastic_diagonal_lm: gradient descent with a step of its own for every weight, by how much the loss bends along it.
#pragma once

#include <array>
#include <string_view>

#include <typenet/core/config.hpp>
#include <typenet/optimizers/optimizer.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet {

namespace detail {

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

/// Stochastic diagonal Levenberg-Marquardt: w ← w − learning_rate / (mu + h) · g, h being the mean over some samples of the diagonal
/// Gauss-Newton approximation of ∂²E/∂w². It is estimated on `curvature_samples` samples, drawn anew, before every epoch and then held.
/// For networks whose layers, and losses, pass second derivatives on; others are refused by name.
/// @see LeCun, Bottou, Bengio, Haffner 1998, eq. 18 to 22 and appendix C, whose constants are the defaults; meant for batches of one
struct stochastic_diagonal_lm {
  double learning_rate = 5e-4;
  double mu = 0.02;
  int curvature_samples = 500;

  static constexpr std::array<std::string_view, 1> state_names{"curvature"};

  /// @throws argument_error if a hyper-parameter is out of range
  void check() const {
    constexpr detail::hyper_check check{"stochastic_diagonal_lm"};
    check.not_negative("learning_rate", learning_rate);
    check.positive("mu", mu);
    check.require("curvature_samples", curvature_samples, curvature_samples > 0, "above 0");
  }

  template <class Scalar>
  [[nodiscard]] auto update(index /*step*/) const {
    return detail::diagonal_lm_update<Scalar>{.learning_rate = static_cast<Scalar>(learning_rate), .mu = static_cast<Scalar>(mu)};
  }
};

}  // namespace typenet
