// SPDX-License-Identifier: MIT
/// @file
/// adagrad: rates that shrink with all gradients so far.
#pragma once

#include <array>
#include <string_view>

#include <typenet/core/config.hpp>
#include <typenet/optimizers/optimizer.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet {

namespace detail {

/// The arithmetic of one step of Adagrad. `state[0]` is the sum of g².
template <class Scalar>
struct adagrad_update {
  Scalar rate, epsilon, decay;

  template <class Pack>
  TYPENET_HD TYPENET_INLINE void operator()(Pack& weight, const Pack& gradient, Pack* state) const {
    const Pack g = lane::fma(decay, weight, gradient);
    state[0] = lane::fma(g, g, state[0]);
    weight = weight - rate * g / (lane::sqrt(state[0]) + epsilon);
  }
};

}  // namespace detail

/// Adagrad: w ← w − r · g / (√(Σ g²) + epsilon). The sum goes over all steps, r = learning_rate / (1 + (step − 1) · learning_rate_decay),
/// and g includes weight_decay · w.
/// @see Duchi, Hazan and Singer 2011, "Adaptive subgradient methods for online learning and stochastic optimization"; torch.optim.Adagrad
struct adagrad {
  double learning_rate = 1e-2;
  double learning_rate_decay = 0;
  double epsilon = 1e-10;  ///< above 0, so that a weight whose gradient is always 0 does not become NaN
  double weight_decay = 0;

  static constexpr std::array<std::string_view, 1> state_names{"sum"};

  /// @throws argument_error if a hyper-parameter is out of range
  void check() const {
    const detail::hyper_check check{"adagrad"};
    check.not_negative("learning_rate", learning_rate);
    check.not_negative("learning_rate_decay", learning_rate_decay);
    check.positive("epsilon", epsilon);
    check.not_negative("weight_decay", weight_decay);
  }

  /// The arithmetic of step `step`, counted from 1.
  template <class Scalar>
  [[nodiscard]] auto update(index step) const {
    return detail::adagrad_update<Scalar>{
        .rate = static_cast<Scalar>(learning_rate / (1 + static_cast<double>(step - 1) * learning_rate_decay)),
        .epsilon = static_cast<Scalar>(epsilon),
        .decay = static_cast<Scalar>(weight_decay)};
  }
};

}  // namespace typenet
