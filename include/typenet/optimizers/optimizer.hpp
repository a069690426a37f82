// SPDX-License-Identifier: MIT
/// @file
/// The concept `optimizer`, which an optimizer of your own models, its check, and the check of hyper-parameters.
#pragma once

#include <cmath>
#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>

#include <typenet/core/config.hpp>
#include <typenet/core/diagnostics.hpp>
#include <typenet/core/error.hpp>
#include <typenet/core/sentence.hpp>
#include <typenet/core/type_name.hpp>

namespace typenet {

namespace detail {
/// The arithmetic of a step, of which a backend keeps arrays in its memory.
template <class Update>
concept update_of_weights = std::is_trivially_copyable_v<Update> && std::default_initializable<Update>;
}  // namespace detail

/// An aggregate of hyper-parameters, which makes the arithmetic of each step.
///
/// - `static constexpr std::array<std::string_view, N> state_names`: names of the N numbers that are kept for each weight, as PyTorch has
///   them. All are zero before the first step
/// - `void check() const`: throws `argument_error` where a hyper-parameter is out of range
/// - `update<Scalar>(step)`: returns the arithmetic of one step, a function object that is trivially copyable and has a default
///   constructor, because arrays of it are copied to devices. Steps are counted from 1
/// - the function object is called as `(weight, gradient, state)` for each pack of weights. `weight` and `gradient` are packs, and `state`
///   points to N packs. It replaces `weight` and `state[0]` to `state[N - 1]`, with the operations of simd/pack.hpp alone
/// - optional, `int curvature_samples`: the optimizer needs second derivatives, estimated on this many samples. They arrive in `state[0]`
template <class T>
concept optimizer = std::copyable<T> && requires(const T& hyper, float& weight, const float& gradient, float* state) {
  { T::state_names.size() } -> std::convertible_to<std::size_t>;
  { T::state_names[0] } -> std::convertible_to<std::string_view>;
  hyper.check();
  hyper.template update<float>(index{1})(weight, gradient, state);
  requires detail::update_of_weights<decltype(hyper.template update<float>(index{1}))>;
  requires detail::update_of_weights<decltype(hyper.template update<double>(index{1}))>;
};

/// The compiler's message about a type that is no optimizer: a type that is never defined, whose name says what is wrong.
template <class Optimizer, class Needs>
struct optimizer_concept_error;

namespace needs {
/// All members that the concept `optimizer` asks for.
struct all_of_an_optimizer {
  static constexpr auto text() { return detail::sentence{"all that the concept typenet::optimizer asks for"}; }
};
}  // namespace needs

namespace detail {

/// Reports a type that is no optimizer; returns true.
template <class Optimizer>
constexpr bool check_optimizer() {
  if constexpr (!optimizer<Optimizer>)
    return report_error<optimizer_concept_error<Optimizer, needs::all_of_an_optimizer>,
                        needs_message<Optimizer, needs::all_of_an_optimizer>>();
  return true;
}

/// An optimizer that needs second derivatives.
template <class Optimizer>
concept uses_curvature = requires(const Optimizer& o) { o.curvature_samples; };

/// Checks hyper-parameters one by one. Each member throws `argument_error` with the optimizer, the parameter, its range and its value.
class hyper_check {
 public:
  constexpr explicit hyper_check(const char* optimizer) : optimizer_{optimizer} {}

  /// Requires a finite value of at least 0.
  void not_negative(const char* name, double value) const {
    require(name, value, value >= 0 && std::isfinite(value), "a finite number not below 0");
  }
  /// Requires a finite value above 0.
  void positive(const char* name, double value) const {
    require(name, value, value > 0 && std::isfinite(value), "a finite number above 0");
  }
  /// Requires a value of at least 0 and below 1: the weight of the past in a moving average.
  void decay(const char* name, double value) const { require(name, value, value >= 0 && value < 1, "at least 0 and below 1"); }
  /// Requires that `holds`.
  /// @param range the words after "must be"
  void require(const char* name, double value, bool holds, const char* range) const {
    if (!holds) throw argument_error(std::string{optimizer_} + ": " + name + " must be " + range + ", got " + std::to_string(value));
  }

 private:
  const char* optimizer_;
};

}  // namespace detail
}  // namespace typenet
