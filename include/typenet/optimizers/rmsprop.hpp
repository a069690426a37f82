// SPDX-License-Identifier: MIT
/// @file
/// rmsprop: gradients divided by a moving average of their magnitude.
#pragma once

#include <array>
#include <string_view>

#include <typenet/core/config.hpp>
#include <typenet/optimizers/optimizer.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet {

namespace detail {

/// The arithmetic of one step. `state[0]` is the moving average of g², `state[1]` the momentum buffer, `state[2]` the moving average of g.
template <class Scalar>
struct rmsprop_update {
  Scalar learning_rate;
  Scalar alpha, one_minus_alpha;
  Scalar epsilon;
  Scalar decay;
  Scalar momentum;
  bool has_momentum, centered;

  template <class Pack>
  TYPENET_HD TYPENET_INLINE void operator()(Pack& weight, const Pack& gradient, Pack* state) const {
    const Pack g = lane::fma(decay, weight, gradient);
    state[0] = lane::fma(alpha, state[0], one_minus_alpha * (g * g));
    Pack variance = state[0];
    if (centered) {
      state[2] = lane::fma(alpha, state[2], one_minus_alpha * g);
      // Rounding can make the variance negative where the gradient is nearly constant.
      variance = lane::max(variance - state[2] * state[2], Scalar{0});
    }
    Pack direction = g / (lane::sqrt(variance) + epsilon);
    if (has_momentum) {
      state[1] = lane::fma(momentum, state[1], direction);
      direction = state[1];
    }
    weight = lane::fma(-learning_rate, direction, weight);
  }
};

}  // namespace detail

/// w ← w − learning_rate · b, with b ← momentum · b + g / (√s + epsilon). s is the moving average of g², or the variance of g if
/// `centered`. g includes weight_decay · w.
/// @see Hinton 2012, "Neural networks for machine learning", lecture 6e; torch.optim.RMSprop
struct rmsprop {
  double learning_rate = 1e-2;
  double alpha = 0.99;    ///< the weight of the past in the moving averages
  double epsilon = 1e-8;  ///< above 0, so that a weight whose gradient is always 0 does not become NaN
  double weight_decay = 0;
  double momentum = 0;
  bool centered = false;  ///< true to divide by the standard deviation of g

  static constexpr std::array<std::string_view, 3> state_names{"square_avg", "momentum_buffer", "grad_avg"};

  /// @throws argument_error if a hyper-parameter is out of range
  void check() const {
    constexpr detail::hyper_check check{"rmsprop"};
    check.not_negative("learning_rate", learning_rate);
    check.decay("alpha", alpha);
    check.positive("epsilon", epsilon);
    check.not_negative("weight_decay", weight_decay);
    check.not_negative("momentum", momentum);
  }

  /// The arithmetic of step `step`, counted from 1.
  template <class Scalar>
  [[nodiscard]] auto update(index /*step*/) const {
    return detail::rmsprop_update<Scalar>{.learning_rate = static_cast<Scalar>(learning_rate),
                                          .alpha = static_cast<Scalar>(alpha),
                                          .one_minus_alpha = static_cast<Scalar>(1 - alpha),
                                          .epsilon = static_cast<Scalar>(epsilon),
                                          .decay = static_cast<Scalar>(weight_decay),
                                          .momentum = static_cast<Scalar>(momentum),
                                          .has_momentum = momentum != 0,
                                          .centered = centered};
  }
};

}  // namespace typenet
