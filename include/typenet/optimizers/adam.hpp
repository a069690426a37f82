// SPDX-License-Identifier: MIT
/// @file
/// Adam (Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015): torch.optim.Adam; and with decoupled weight decay
/// (Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019): torch.optim.AdamW.
#pragma once

#include <array>
#include <cmath>
#include <string_view>

#include <typenet/core/config.hpp>
#include <typenet/optimizers/optimizer.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet {

namespace detail {

/// The bias corrections are folded into `rate` and `epsilon`, which leaves one root and one division for each weight.
template <class Scalar, bool Decoupled>
struct adam_update {
  Scalar beta1, one_minus_beta1;
  Scalar beta2, one_minus_beta2;
  Scalar rate, epsilon;
  /// Adam: what of the weight is added to its gradient. AdamW: what is left of the weight.
  Scalar decay;

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

/// w ← w - learning_rate·m̂ / (√v̂ + epsilon), with m and v the moving averages of g and g² and m̂, v̂ corrected for their start at
/// zero. Weight decay is L2 regularisation: g includes weight_decay·w, and is scaled with it.
struct adam {
  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;  ///< above 0, or a weight without a gradient would turn into NaN
  double weight_decay = 0;

  static constexpr std::array<std::string_view, 2> state_names{"exp_avg", "exp_avg_sq"};

  /// @throws argument_error if a hyper-parameter is out of range
  void check() const { detail::check_adam("adam", *this); }

  template <class Scalar>
  [[nodiscard]] auto update(index step) const {
    return detail::adam_update_for<Scalar, false>(*this, step);
  }
};

/// Adam with weight decay apart from the gradient: w ← (1 - learning_rate·weight_decay)·w, then Adam's step.
struct adamw {
  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;  ///< above 0, or a weight without a gradient would turn into NaN
  double weight_decay = 1e-2;

  static constexpr std::array<std::string_view, 2> state_names{"exp_avg", "exp_avg_sq"};

  /// @throws argument_error if a hyper-parameter is out of range
  void check() const { detail::check_adam("adamw", *this); }

  template <class Scalar>
  [[nodiscard]] auto update(index step) const {
    return detail::adam_update_for<Scalar, true>(*this, step);
  }
};

}  // namespace typenet
