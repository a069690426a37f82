// SPDX-License-Identifier: MIT
/// @file
/// What an optimizer is: hyper-parameters that make, for each step, the arithmetic which turns a gradient into a new weight.
#pragma once

#include <cmath>
#include <concepts>
#include <string>
#include <string_view>
#include <type_traits>

#include <typenet/core/config.hpp>
#include <typenet/core/error.hpp>

namespace typenet {

/// An aggregate of hyper-parameters, named as in PyTorch, with
/// - `static constexpr std::array<std::string_view, N> state_names`: what it keeps for each weight, by PyTorch's names. All of it is
///   zero before the first step.
/// - `void check() const`: throws argument_error if a hyper-parameter is out of range.
/// - `update<Scalar>(step)`: the arithmetic of the `step`th step, counted from 1, as a small object that can be copied to a device.
///   Called as `(weight, gradient, state)` it replaces a pack of weights and `state[0]` to `state[N - 1]`, using nothing but the
///   vocabulary of lane.hpp.
template <class T>
concept optimizer = std::copyable<T> && requires(const T& hyper, float& weight, const float& gradient, float* state) {
  { T::state_names.size() } -> std::convertible_to<std::size_t>;
  { T::state_names[0] } -> std::convertible_to<std::string_view>;
  hyper.check();
  hyper.template update<float>(index{1})(weight, gradient, state);
  requires std::is_trivially_copyable_v<decltype(hyper.template update<float>(index{1}))>;
  requires std::is_trivially_copyable_v<decltype(hyper.template update<double>(index{1}))>;
};

namespace detail {

/// An optimizer that needs second derivatives: `curvature_samples` says on how many samples they are estimated.
template <class Optimizer>
concept uses_curvature = requires(const Optimizer& o) { o.curvature_samples; };

/// Checks hyper-parameters one after another; the message names the optimizer, the parameter, its range and its value.
class hyper_check {
 public:
  constexpr explicit hyper_check(const char* optimizer) : optimizer_{optimizer} {}

  /// 0 or more, and finite.
  void not_negative(const char* name, double value) const {
    require(name, value, value >= 0 && std::isfinite(value), "a finite number not below 0");
  }
  /// Above 0, and finite.
  void positive(const char* name, double value) const {
    require(name, value, value > 0 && std::isfinite(value), "a finite number above 0");
  }
  /// The weight of the past in a moving average.
  void decay(const char* name, double value) const { require(name, value, value >= 0 && value < 1, "at least 0 and below 1"); }

  void require(const char* name, double value, bool holds, const char* range) const {
    if (!holds) throw argument_error(std::string{optimizer_} + ": " + name + " must be " + range + ", got " + std::to_string(value));
  }

 private:
  const char* optimizer_;
};

}  // namespace detail
}  // namespace typenet
