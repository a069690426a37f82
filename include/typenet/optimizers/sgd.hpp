// SPDX-License-Identifier: MIT
/// @file
/// sgd: stochastic gradient descent, with or without momentum.
#pragma once

#include <array>
#include <cmath>
#include <string_view>

#include <typenet/core/config.hpp>
#include <typenet/optimizers/optimizer.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet {

namespace detail {

/// The arithmetic of one step. `state[0]` is the momentum buffer.
template <class Scalar>
struct sgd_update {
  Scalar learning_rate;
  Scalar decay;
  Scalar momentum;
  Scalar keep;  ///< the factor of the buffer's old value in its new one
  Scalar take;  ///< the factor of the gradient in the buffer's new value
  bool has_momentum, nesterov;

  template <class Pack>
  TYPENET_HD TYPENET_INLINE void operator()(Pack& weight, const Pack& gradient, Pack* state) const {
    Pack direction = lane::fma(decay, weight, gradient);
    if (has_momentum) {
      state[0] = lane::fma(keep, state[0], take * direction);
      direction = nesterov ? lane::fma(momentum, state[0], direction) : state[0];
    }
    weight = lane::fma(-learning_rate, direction, weight);
  }
};

}  // namespace detail

/// v ← momentum · v + (1 − dampening) · g, then w ← w − learning_rate · v. g includes weight_decay · w. At the first step, v ← g. Without
/// momentum, w ← w − learning_rate · g and v stays zero.
/// @see torch.optim.SGD
struct sgd {
  double learning_rate = 1e-3;
  double momentum = 0;
  double dampening = 0;   ///< no effect where momentum is 0
  bool nesterov = false;  ///< true to step along g + momentum · v in place of v
  double weight_decay = 0;

  static constexpr std::array<std::string_view, 1> state_names{"momentum_buffer"};

  /// @throws argument_error if a hyper-parameter is out of range
  void check() const {
    constexpr detail::hyper_check check{"sgd"};
    check.not_negative("learning_rate", learning_rate);
    check.not_negative("momentum", momentum);
    check.require("dampening", dampening, std::isfinite(dampening), "a finite number");
    check.not_negative("weight_decay", weight_decay);
    if (nesterov) {
      check.require("momentum", momentum, momentum > 0, "above 0 for nesterov");
      check.require("dampening", dampening, dampening == 0, "0 for nesterov");
    }
  }

  /// The arithmetic of step `step`, counted from 1.
  template <class Scalar>
  [[nodiscard]] auto update(index step) const {
    const bool first = step == 1;
    return detail::sgd_update<Scalar>{.learning_rate = static_cast<Scalar>(learning_rate),
                                      .decay = static_cast<Scalar>(weight_decay),
                                      .momentum = static_cast<Scalar>(momentum),
                                      .keep = static_cast<Scalar>(first ? 0 : momentum),
                                      .take = static_cast<Scalar>(first ? 1 : 1 - dampening),
                                      .has_momentum = momentum != 0,
                                      .nesterov = nesterov};
  }
};

}  // namespace typenet
