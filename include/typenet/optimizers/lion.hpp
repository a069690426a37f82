// SPDX-License-Identifier: MIT
/// @file
/// lion: steps of one size, in the direction of the gradients' average.
#pragma once

#include <array>
#include <string_view>

#include <typenet/core/config.hpp>
#include <typenet/optimizers/optimizer.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet {

namespace detail {

/// The arithmetic of one step of Lion. `state[0]` is a moving average of g.
template <class Scalar>
struct lion_update {
  Scalar beta1, one_minus_beta1;
  Scalar beta2, one_minus_beta2;
  Scalar rate;
  Scalar shrink;  ///< the factor by which the weight decay shrinks the weight

  template <class Pack>
  TYPENET_HD TYPENET_INLINE void operator()(Pack& weight, const Pack& gradient, Pack* state) const {
    const Pack direction = lane::sign(lane::fma(beta1, state[0], one_minus_beta1 * gradient));
    weight = shrink * weight - rate * direction;
    state[0] = lane::fma(beta2, state[0], one_minus_beta2 * gradient);
  }
};

}  // namespace detail

/// Lion: w ← (1 − learning_rate · weight_decay) · w − learning_rate · sign(beta1 · m + (1 − beta1) · g), then m ← beta2 · m + (1 − beta2) ·
/// g. It keeps one number for each weight. Its learning rate is three to ten times smaller than Adam's, its weight decay as much larger.
/// @see Chen et al. 2023, "Symbolic discovery of optimization algorithms", program 1
struct lion {
  double learning_rate = 1e-4;
  double beta1 = 0.9;   ///< the weight of the past in the direction
  double beta2 = 0.99;  ///< the weight of the past in the average of g
  double weight_decay = 0;

  static constexpr std::array<std::string_view, 1> state_names{"exp_avg"};

  /// @throws argument_error if a hyper-parameter is out of range
  void check() const {
    const detail::hyper_check check{"lion"};
    check.not_negative("learning_rate", learning_rate);
    check.decay("beta1", beta1);
    check.decay("beta2", beta2);
    check.not_negative("weight_decay", weight_decay);
  }

  /// The arithmetic of any step.
  template <class Scalar>
  [[nodiscard]] auto update(index /*step*/) const {
    return detail::lion_update<Scalar>{.beta1 = static_cast<Scalar>(beta1),
                                       .one_minus_beta1 = static_cast<Scalar>(1 - beta1),
                                       .beta2 = static_cast<Scalar>(beta2),
                                       .one_minus_beta2 = static_cast<Scalar>(1 - beta2),
                                       .rate = static_cast<Scalar>(learning_rate),
                                       .shrink = static_cast<Scalar>(1 - learning_rate * weight_decay)};
  }
};

}  // namespace typenet
