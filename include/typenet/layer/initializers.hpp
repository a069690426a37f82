// SPDX-License-Identifier: MIT
/// @file
/// How parameters start. A rule such as `init::xavier_uniform()` is a value; an `init::scheme` has one for each role that a parameter
/// plays. Every element is drawn from its own counter, so it depends on nothing but seed, tensor and position.
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

/// Inputs that one output unit reads, and outputs that one input unit feeds.
struct fans {
  int in = 1;
  int out = 1;
  friend constexpr bool operator==(const fans&, const fans&) = default;
};

/// The fans of a weight tensor [outputs][inputs][kernel extents...], as PyTorch's `_calculate_fan_in_and_fan_out` has them.
template <std::integral... Extents>
[[nodiscard]] constexpr fans fans_of(int outputs, int inputs, Extents... kernel) {
  const int field = (1 * ... * static_cast<int>(kernel));
  return {inputs * field, outputs * field};
}

/// The activation that follows, for which `gain` and the Kaiming rules keep the variance.
enum class nonlinearity { linear, sigmoid, tanh, relu, leaky_relu, selu };

/// PyTorch's `calculate_gain`.
/// @param negative_slope of the leaky ReLU
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

/// Which fan a Kaiming rule preserves the variance by: forward, or backward.
enum class fan_mode { fan_in, fan_out };

/// A rule by which a tensor is filled; made by the functions below.
struct initializer {
  enum class kind { constant, uniform, normal, fan_in_uniform, lecun_1998, xavier_uniform, xavier_normal, kaiming_uniform, kaiming_normal };
  kind rule = kind::constant;
  /// What the rule needs: the value; low and high; mean and standard deviation; the scale; the gain; the negative slope.
  double a = 0;
  double b = 0;
  fan_mode mode = fan_mode::fan_in;
  nonlinearity after = nonlinearity::leaky_relu;

  friend constexpr bool operator==(const initializer&, const initializer&) = default;
};

/// The same value everywhere.
[[nodiscard]] constexpr initializer constant(double value) { return {.rule = initializer::kind::constant, .a = value}; }
[[nodiscard]] constexpr initializer zeros() { return constant(0); }
[[nodiscard]] constexpr initializer ones() { return constant(1); }

/// Uniform in [low, high), rounded to the scalar.
/// @throws argument_error if high is below low
[[nodiscard]] constexpr initializer uniform(double low = 0, double high = 1) {
  if (!(low <= high))
    throw argument_error("init::uniform: low must not exceed high, got " + std::to_string(low) + " and " + std::to_string(high));
  return {.rule = initializer::kind::uniform, .a = low, .b = high};
}

/// Normal with a mean and a standard deviation.
/// @throws argument_error if the deviation is negative
[[nodiscard]] constexpr initializer normal(double mean = 0, double deviation = 1) {
  if (!(deviation >= 0))
    throw argument_error("init::normal: the standard deviation must not be negative, got " + std::to_string(deviation));
  return {.rule = initializer::kind::normal, .a = mean, .b = deviation};
}

/// U(±scale/√fan_in): with 1, PyTorch's default for the biases of linear and convolutional layers.
[[nodiscard]] constexpr initializer fan_in_uniform(double scale = 1) { return {.rule = initializer::kind::fan_in_uniform, .a = scale}; }

/// U(±2.4/fan_in) (LeCun, Bottou, Bengio, Haffner: "Gradient-based learning applied to document recognition", 1998, appendix A).
[[nodiscard]] constexpr initializer lecun_1998() { return {.rule = initializer::kind::lecun_1998, .a = 2.4}; }

/// U(±gain·√(6 / (fan_in + fan_out))) (Glorot and Bengio, 2010).
[[nodiscard]] constexpr initializer xavier_uniform(double gain = 1) { return {.rule = initializer::kind::xavier_uniform, .a = gain}; }
/// Normal with variance gain²·2 / (fan_in + fan_out).
[[nodiscard]] constexpr initializer xavier_normal(double gain = 1) { return {.rule = initializer::kind::xavier_normal, .a = gain}; }

/// U(±gain·√(3/fan)) (He, Zhang, Ren, Sun: "Delving deep into rectifiers", 2015), the gain being that of what follows.
/// With a = √5 it is PyTorch's default for the weights of linear and convolutional layers, U(±1/√fan_in).
/// @param a the negative slope, where a leaky ReLU follows; 0 means ReLU
[[nodiscard]] constexpr initializer kaiming_uniform(double a = 0, fan_mode mode = fan_mode::fan_in,
                                                    nonlinearity after = nonlinearity::leaky_relu) {
  return {.rule = initializer::kind::kaiming_uniform, .a = a, .mode = mode, .after = after};
}
/// Normal with variance gain²/fan.
[[nodiscard]] constexpr initializer kaiming_normal(double a = 0, fan_mode mode = fan_mode::fan_in,
                                                   nonlinearity after = nonlinearity::leaky_relu) {
  return {.rule = initializer::kind::kaiming_normal, .a = a, .mode = mode, .after = after};
}

/// The rule for a tensor of given fans: `constant`, `uniform` or `normal`.
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

/// A word as a number in [0, 1).
constexpr double unit(std::uint32_t word) { return static_cast<double>(word) * 0x1p-32; }

/// One of the two independent normal numbers that two words make (Box and Muller, 1958).
inline double box_muller(std::uint32_t first, std::uint32_t second, bool sine) {
  const double radius = std::sqrt(-2 * std::log((static_cast<double>(first) + 1) * 0x1p-32));
  const double angle = 2 * std::numbers::pi * unit(second);
  return radius * (sine ? std::sin(angle) : std::cos(angle));
}

}  // namespace detail

/// Fills a tensor. Element i is made of the words of block i/4 of (epoch 0, sample `tensor`).
/// @param tensor which tensor of the model this is, so that no two are alike
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

/// A rule for each role. The defaults are PyTorch's; centres of `gaussian_rbf`, which PyTorch does not have, start near one another, where
/// every unit answers to every sample and learns from the first step (with the standard normal it would take thousands):
/// `model<net> m{seed{1}, {.weight = init::xavier_uniform(), .bias = init::zeros()}}`.
struct scheme {
  initializer weight = kaiming_uniform(2.23606797749978969641);  // √5
  initializer bias = fan_in_uniform();
  initializer scale = ones();
  initializer shift = zeros();
  initializer centers = normal(0, 0.2);

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

/// Of LeNet-5 (LeCun, Bottou, Bengio, Haffner 1998): every weight U(±2.4/F), F being the inputs of its unit. What the paper leaves open
/// is decided so: F does not count the bias; a bias is drawn as its unit's weights are, and so is a coefficient of `trainable_subsample`
/// (F is the window's inputs: ±0.6 for 2 x 2). With a connection table F is the mean over the outputs.
[[nodiscard]] constexpr scheme lecun_1998_scheme() { return {.weight = lecun_1998(), .bias = lecun_1998()}; }

/// Of the zip code network (LeCun et al. 1989) as reproduced by Karpathy (2022): weights U(±2.4/√F), biases 0.
[[nodiscard]] constexpr scheme lecun_1989_scheme() { return {.weight = fan_in_uniform(2.4), .bias = zeros()}; }

}  // namespace typenet::init
