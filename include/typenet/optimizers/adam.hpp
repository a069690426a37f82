// SPDX-License-Identifier: MIT
/// @file
/// adam, and adamw with decoupled weight decay.
#pragma once

#include <array>
#include <cmath>
#include <string_view>

#include <typenet/core/config.hpp>
#include <typenet/optimizers/optimizer.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet {

namespace detail {

/// The arithmetic of one step of Adam. `rate` and `epsilon` include the corrections of the averages' bias: each weight costs one root and
/// one division. `state[0]` and `state[1]` are the moving averages of g and g².
/// @tparam Decoupled true for AdamW
template <class Scalar, bool Decoupled>
struct adam_update {
  Scalar beta1, one_minus_beta1;
  Scalar beta2, one_minus_beta2;
  Scalar rate, epsilon;
  Scalar decay;  ///< Adam: the factor of the weight that is added to the gradient. AdamW: the factor by which the weight shrinks

  template <class Pack>
  TYPENET_HD TYPENET_INLINE void operator()(Pack& weight, const Pack& gradient, Pack* state) const {
    Pack g = gradient;
    if constexpr (Decoupled)
      weight = decay * weight;
    else
      g = lane::fma(decay, weight, gradient);
    state[0] = lane::fma(beta1, state[0], one_minus_beta1 * g);
    state[1] = lane::fma(beta2, state[1], one_minus_beta2 * (g * g));
    weight = weight - rate * state[0] / (lane::sqrt(state[1]) + epsilon);
  }
};

/// The arithmetic of step `step`, counted from 1.
template <class Scalar, bool Decoupled, class Hyper>
adam_update<Scalar, Decoupled> adam_update_for(const Hyper& h, index step) {
  const double correction1 = 1 - std::pow(h.beta1, static_cast<double>(step));
  const double root2 = std::sqrt(1 - std::pow(h.beta2, static_cast<double>(step)));
  return {.beta1 = static_cast<Scalar>(h.beta1),
          .one_minus_beta1 = static_cast<Scalar>(1 - h.beta1),
          .beta2 = static_cast<Scalar>(h.beta2),
          .one_minus_beta2 = static_cast<Scalar>(1 - h.beta2),
          .rate = static_cast<Scalar>(h.learning_rate / correction1 * root2),
          .epsilon = static_cast<Scalar>(h.epsilon * root2),
          .decay = static_cast<Scalar>(Decoupled ? 1 - h.learning_rate * h.weight_decay : h.weight_decay)};
}

/// Checks the hyper-parameters of Adam and AdamW.
/// @throws argument_error if one is out of range
template <class Hyper>
void check_adam(const char* name, const Hyper& h) {
  const hyper_check check{name};
  check.not_negative("learning_rate", h.learning_rate);
  check.decay("beta1", h.beta1);
  check.decay("beta2", h.beta2);
  check.positive("epsilon", h.epsilon);
  check.not_negative("weight_decay", h.weight_decay);
}

}  // namespace detail

/// Adam: w ← w − learning_rate · m̂ / (√v̂ + epsilon). m and v are moving averages of g and g²; m̂ and v̂ are corrected for their start at
/// zero. Weight decay is L2 regularization: g includes weight_decay · w.
/// @see Kingma and Ba 2015, "Adam: a method for stochastic optimization"; torch.optim.Adam
struct adam {
  double learning_rate = 1e-3;
  double beta1 = 0.9;     ///< the weight of the past in the average of g
  double beta2 = 0.999;   ///< the weight of the past in the average of g²
  double epsilon = 1e-8;  ///< above 0, so that a weight whose gradient is always 0 does not become NaN
  double weight_decay = 0;

  static constexpr std::array<std::string_view, 2> state_names{"exp_avg", "exp_avg_sq"};

  /// @throws argument_error if a hyper-parameter is out of range
  void check() const { detail::check_adam("adam", *this); }

  /// The arithmetic of step `step`, counted from 1.
  template <class Scalar>
  [[nodiscard]] auto update(index step) const {
    return detail::adam_update_for<Scalar, false>(*this, step);
  }
};

/// Adam with decoupled weight decay: w ← (1 − learning_rate · weight_decay) · w, then Adam's step without weight decay.
/// @see Loshchilov and Hutter 2019, "Decoupled weight decay regularization"; torch.optim.AdamW
struct adamw {
  double learning_rate = 1e-3;
  double beta1 = 0.9;     ///< the weight of the past in the average of g
  double beta2 = 0.999;   ///< the weight of the past in the average of g²
  double epsilon = 1e-8;  ///< above 0, so that a weight whose gradient is always 0 does not become NaN
  double weight_decay = 1e-2;

  static constexpr std::array<std::string_view, 2> state_names{"exp_avg", "exp_avg_sq"};

  /// @throws argument_error if a hyper-parameter is out of range
  void check() const { detail::check_adam("adamw", *this); }

  /// The arithmetic of step `step`, counted from 1.
  template <class Scalar>
  [[nodiscard]] auto update(index step) const {
    return detail::adam_update_for<Scalar, true>(*this, step);
  }
};

}  // namespace typenet
