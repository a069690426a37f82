// SPDX-License-Identifier: MIT
/// @file
/// nadam: Adam with Nesterov's momentum.
#pragma once

#include <array>
#include <cmath>
#include <string_view>

#include <typenet/core/config.hpp>
#include <typenet/optimizers/optimizer.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet {

namespace detail {

/// The arithmetic of one step of NAdam. `state[0]` and `state[1]` are the moving averages of g and g².
template <class Scalar>
struct nadam_update {
  Scalar beta1, one_minus_beta1;
  Scalar beta2, one_minus_beta2;
  Scalar gradient_rate, average_rate;  ///< the step's factors of g and of its average
  Scalar root_scale;                   ///< the correction of the start at zero, for √ of the average of g²
  Scalar epsilon, decay;

  template <class Pack>
  TYPENET_HD TYPENET_INLINE void operator()(Pack& weight, const Pack& gradient, Pack* state) const {
    const Pack g = lane::fma(decay, weight, gradient);
    state[0] = lane::fma(beta1, state[0], one_minus_beta1 * g);
    state[1] = lane::fma(beta2, state[1], one_minus_beta2 * (g * g));
    weight = weight - lane::fma(average_rate, state[0], gradient_rate * g) / lane::fma(root_scale, lane::sqrt(state[1]), epsilon);
  }
};

}  // namespace detail

/// NAdam: Adam's step with a momentum that looks one step ahead. In step t the momentum is
/// μ_t = beta1 · (1 − 0.96^(t · momentum_decay) / 2). Weight decay is L2 regularization: g includes weight_decay · w.
/// @see Dozat 2016, "Incorporating Nesterov momentum into Adam"; torch.optim.NAdam of PyTorch 2
struct nadam {
  double learning_rate = 2e-3;
  double beta1 = 0.9;     ///< the weight of the past in the average of g
  double beta2 = 0.999;   ///< the weight of the past in the average of g²
  double epsilon = 1e-8;  ///< above 0, so that a weight whose gradient is always 0 does not become NaN
  double weight_decay = 0;
  double momentum_decay = 4e-3;

  static constexpr std::array<std::string_view, 2> state_names{"exp_avg", "exp_avg_sq"};

  /// @throws argument_error if a hyper-parameter is out of range
  void check() const {
    const detail::hyper_check check{"nadam"};
    check.not_negative("learning_rate", learning_rate);
    check.decay("beta1", beta1);
    check.decay("beta2", beta2);
    check.positive("epsilon", epsilon);
    check.not_negative("weight_decay", weight_decay);
    check.not_negative("momentum_decay", momentum_decay);
  }

  /// The arithmetic of step `step`, counted from 1.
  template <class Scalar>
  [[nodiscard]] auto update(index step) const {
    // The product of all momenta so far soon counts for nothing beside 1.
    double product = 1;
    for (index t = 1; t <= step && product > 1e-20; ++t) product *= momentum(t);
    const double now = momentum(step), next = momentum(step + 1);
    return detail::nadam_update<Scalar>{.beta1 = static_cast<Scalar>(beta1),
                                        .one_minus_beta1 = static_cast<Scalar>(1 - beta1),
                                        .beta2 = static_cast<Scalar>(beta2),
                                        .one_minus_beta2 = static_cast<Scalar>(1 - beta2),
                                        .gradient_rate = static_cast<Scalar>(learning_rate * (1 - now) / (1 - product)),
                                        .average_rate = static_cast<Scalar>(learning_rate * next / (1 - product * next)),
                                        .root_scale = static_cast<Scalar>(1 / std::sqrt(1 - std::pow(beta2, static_cast<double>(step)))),
                                        .epsilon = static_cast<Scalar>(epsilon),
                                        .decay = static_cast<Scalar>(weight_decay)};
  }

 private:
  [[nodiscard]] double momentum(index t) const { return beta1 * (1 - 0.5 * std::pow(0.96, static_cast<double>(t) * momentum_decay)); }
};

}  // namespace typenet
