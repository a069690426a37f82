// SPDX-License-Identifier: MIT
/// @file
/// Initial values of parameters. A rule such as `init::xavier_uniform()` is a value; an `init::scheme` has one rule for each parameter
/// role. Every element is drawn from a counter of its own: it depends on the seed, the tensor and its position in the tensor alone.
#pragma once

#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <span>
#include <string>

#include <typenet/core/config.hpp>
#include <typenet/core/error.hpp>
#include <typenet/core/random.hpp>
#include <typenet/layer/layer.hpp>

namespace typenet::init {

/// The numbers of connections of one unit, by which rules scale.
struct fans {
  int in = 1;   ///< inputs that one output unit reads
  int out = 1;  ///< outputs that one input unit feeds
  friend constexpr bool operator==(const fans&, const fans&) = default;
};

/// The fans of a weight tensor `[outputs][inputs][kernel extents...]`.
/// @see torch.nn.init._calculate_fan_in_and_fan_out
template <std::integral... Extents>
[[nodiscard]] constexpr fans fans_of(int outputs, int inputs, Extents... kernel) {
  const int field = (1 * ... * static_cast<int>(kernel));
  return {inputs * field, outputs * field};
}

/// The activation after a layer. `gain` and the Kaiming rules preserve the variance through it.
enum class nonlinearity { linear, sigmoid, tanh, relu, leaky_relu, selu };

/// The recommended factor of the standard deviation for an activation.
/// @param negative_slope slope of a leaky ReLU for negative inputs
/// @see torch.nn.init.calculate_gain
[[nodiscard]] inline double gain(nonlinearity after, double negative_slope = 0.01) {
  switch (after) {
    case nonlinearity::tanh: return 5.0 / 3;
    case nonlinearity::relu: return std::numbers::sqrt2;
    case nonlinearity::leaky_relu: return std::sqrt(2 / (1 + negative_slope * negative_slope));
    case nonlinearity::selu: return 3.0 / 4;
    case nonlinearity::linear:
    case nonlinearity::sigmoid: break;
  }
  return 1;
}

/// The fan that a Kaiming rule scales by.
enum class fan_mode {
  fan_in,  ///< preserves the variance of the outputs in the forward pass
  fan_out  ///< preserves the variance of the gradients in the backward pass
};

/// A rule by which a tensor is filled. The functions below make rules.
struct initializer {
  enum class kind { constant, uniform, normal, fan_in_uniform, lecun_1998, xavier_uniform, xavier_normal, kaiming_uniform, kaiming_normal };
  kind rule = kind::constant;
  double a = 0;  ///< constant: the value; uniform: low; normal: the mean; Xavier: the gain; Kaiming: the negative slope; else the scale
  double b = 0;  ///< uniform: high; normal: the standard deviation
  fan_mode mode = fan_mode::fan_in;
  nonlinearity after = nonlinearity::leaky_relu;

  friend constexpr bool operator==(const initializer&, const initializer&) = default;
};

/// Fills a tensor with one value.
[[nodiscard]] constexpr initializer constant(double value) { return {.rule = initializer::kind::constant, .a = value}; }
/// Fills a tensor with 0.
[[nodiscard]] constexpr initializer zeros() { return constant(0); }
/// Fills a tensor with 1.
[[nodiscard]] constexpr initializer ones() { return constant(1); }

/// Draws from the uniform distribution on [low, high).
/// @throws argument_error if high is below low
[[nodiscard]] constexpr initializer uniform(double low = 0, double high = 1) {
  if (!(low <= high))
    throw argument_error("init::uniform: low must not exceed high, got " + std::to_string(low) + " and " + std::to_string(high));
  return {.rule = initializer::kind::uniform, .a = low, .b = high};
}

/// Draws from the normal distribution with a mean and a standard deviation.
/// @throws argument_error if the deviation is negative
[[nodiscard]] constexpr initializer normal(double mean = 0, double deviation = 1) {
  if (!(deviation >= 0))
    throw argument_error("init::normal: the standard deviation must not be negative, got " + std::to_string(deviation));
  return {.rule = initializer::kind::normal, .a = mean, .b = deviation};
}

/// Draws from U(±scale/√fan_in). With scale 1 it is PyTorch's default for biases of linear and convolutional layers.
[[nodiscard]] constexpr initializer fan_in_uniform(double scale = 1) { return {.rule = initializer::kind::fan_in_uniform, .a = scale}; }

/// Draws from U(±2.4/fan_in).
/// @see LeCun et al. 1998, "Gradient-based learning applied to document recognition", appendix A
[[nodiscard]] constexpr initializer lecun_1998() { return {.rule = initializer::kind::lecun_1998, .a = 2.4}; }

/// Draws from U(±gain·√(6 / (fan_in + fan_out))).
/// @see Glorot and Bengio 2010; torch.nn.init.xavier_uniform_
[[nodiscard]] constexpr initializer xavier_uniform(double gain = 1) { return {.rule = initializer::kind::xavier_uniform, .a = gain}; }
/// Draws from the normal distribution with variance gain²·2 / (fan_in + fan_out).
/// @see Glorot and Bengio 2010; torch.nn.init.xavier_normal_
[[nodiscard]] constexpr initializer xavier_normal(double gain = 1) { return {.rule = initializer::kind::xavier_normal, .a = gain}; }

/// Draws from U(±gain·√(3/fan)) with the gain of the activation `after`. With a = √5 it is PyTorch's default for weights of linear and
/// convolutional layers, U(±1/√fan_in).
/// @param a the negative slope of a leaky ReLU; 0 means ReLU
/// @see He et al. 2015, "Delving deep into rectifiers"; torch.nn.init.kaiming_uniform_
[[nodiscard]] constexpr initializer kaiming_uniform(double a = 0, fan_mode mode = fan_mode::fan_in,
                                                    nonlinearity after = nonlinearity::leaky_relu) {
  return {.rule = initializer::kind::kaiming_uniform, .a = a, .mode = mode, .after = after};
}
/// Draws from the normal distribution with variance gain²/fan.
/// @param a the negative slope of a leaky ReLU; 0 means ReLU
/// @see He et al. 2015; torch.nn.init.kaiming_normal_
[[nodiscard]] constexpr initializer kaiming_normal(double a = 0, fan_mode mode = fan_mode::fan_in,
                                                   nonlinearity after = nonlinearity::leaky_relu) {
  return {.rule = initializer::kind::kaiming_normal, .a = a, .mode = mode, .after = after};
}

/// The rule that results for a tensor with given fans: of kind `constant`, `uniform` or `normal`.
/// @throws argument_error if the rule scales by a fan that is not positive
[[nodiscard]] inline initializer resolved(const initializer& rule, const fans& of) {
  const auto positive = [](int fan) {
    if (fan < 1) throw argument_error("init: a rule scaled by fan needs fans of at least 1, got " + std::to_string(fan));
    return static_cast<double>(fan);
  };
  const auto within = [](double bound) { return uniform(-std::abs(bound), std::abs(bound)); };
  const auto kaiming_deviation = [&] {
    return gain(rule.after, rule.a) / std::sqrt(positive(rule.mode == fan_mode::fan_in ? of.in : of.out));
  };
  using kind = initializer::kind;
  switch (rule.rule) {
    case kind::fan_in_uniform: return within(rule.a / std::sqrt(positive(of.in)));
    case kind::lecun_1998: return within(rule.a / positive(of.in));
    case kind::xavier_uniform: return within(rule.a * std::sqrt(6 / (positive(of.in) + positive(of.out))));
    case kind::xavier_normal: return normal(0, std::abs(rule.a) * std::sqrt(2 / (positive(of.in) + positive(of.out))));
    case kind::kaiming_uniform: return within(std::numbers::sqrt3 * kaiming_deviation());
    case kind::kaiming_normal: return normal(0, kaiming_deviation());
    case kind::constant:
    case kind::uniform:
    case kind::normal: break;
  }
  return rule;
}

namespace detail {

/// A random word as a number in [0, 1).
constexpr double unit(std::uint32_t word) { return static_cast<double>(word) * 0x1p-32; }

/// One of the two independent standard normal numbers that two random words make.
/// @see Box and Muller 1958
inline double box_muller(std::uint32_t first, std::uint32_t second, bool sine) {
  const double radius = std::sqrt(-2 * std::log((static_cast<double>(first) + 1) * 0x1p-32));
  const double angle = 2 * std::numbers::pi * unit(second);
  return radius * (sine ? std::sin(angle) : std::cos(angle));
}

}  // namespace detail

/// Fills a tensor by a rule. Element i is made of the words of block i / 4 of (epoch 0, sample `tensor`).
/// @param values the elements, row-major
/// @param tensor number of the tensor in the model, so that no two tensors are equal
/// @throws argument_error if the rule scales by a fan that is not positive
template <class Scalar>
void fill(std::span<Scalar> values, const initializer& rule, const fans& of, const counter_rng& rng, std::uint32_t tensor) {
  const initializer r = resolved(rule, of);
  for (std::size_t i = 0; i < values.size(); ++i) {
    double value = r.a;
    if (r.rule != initializer::kind::constant) {
      const auto words = rng(0, tensor, static_cast<std::uint32_t>(i / 4));
      if (r.rule == initializer::kind::uniform)
        value += (r.b - r.a) * detail::unit(words[i % 4]);
      else
        value += r.b * detail::box_muller(words[i % 4 / 2 * 2], words[i % 4 / 2 * 2 + 1], i % 2 == 1);
    }
    values[i] = static_cast<Scalar>(value);
  }
}

/// A rule for each parameter role: `model<net> m{seed{1}, {.weight = init::xavier_uniform(), .bias = init::zeros()}}`.
///
/// The defaults are PyTorch's. The centers of `gaussian_rbf`, which PyTorch does not have, start close together: every unit then responds
/// to every sample and learns from the first step. With the standard normal distribution, learning starts after thousands of steps.
struct scheme {
  initializer weight = kaiming_uniform(2.23606797749978969641);  // √5
  initializer bias = fan_in_uniform();
  initializer scale = ones();
  initializer shift = zeros();
  initializer centers = normal(0, 0.2);

  /// The rule for parameters of one role.
  [[nodiscard]] constexpr const initializer& rule_for(parameter_role role) const {
    switch (role) {
      case parameter_role::bias: return bias;
      case parameter_role::scale: return scale;
      case parameter_role::shift: return shift;
      case parameter_role::centers: return centers;
      case parameter_role::weight: break;
    }
    return weight;
  }
};

/// The scheme of LeNet-5: every weight is drawn from U(±2.4/F), F being the number of inputs of its unit.
///
/// The paper leaves some points open. Here F does not count the bias. A bias is drawn like the weights of its unit. A coefficient of
/// `trainable_subsample` is too, F being the inputs of a window: ±0.6 for 2 x 2. With a connection table, F is the mean over the outputs.
/// @see LeCun et al. 1998
[[nodiscard]] constexpr scheme lecun_1998_scheme() { return {.weight = lecun_1998(), .bias = lecun_1998()}; }

/// The scheme of the zip code network in Karpathy's reproduction: weights from U(±2.4/√F), F being the inputs of a unit; biases 0.
/// @see LeCun et al. 1989; Karpathy 2022, "Deep neural nets: 33 years ago and 33 years from now"
[[nodiscard]] constexpr scheme lecun_1989_scheme() { return {.weight = fan_in_uniform(2.4), .bias = zeros()}; }

}  // namespace typenet::init
