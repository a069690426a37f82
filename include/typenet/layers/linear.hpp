// SPDX-License-Identifier: MIT
/// @file
/// linear: every output is a weighted sum of every input. The arithmetic is in kernels/linear.hpp and kernels/linear_one_sample.hpp.
#pragma once

#include <array>
#include <type_traits>

#include <typenet/core/diagnostics.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/kernels/linear.hpp>
#include <typenet/kernels/linear_one_sample.hpp>
#include <typenet/layer/layer.hpp>
#include <typenet/layer/options.hpp>
#include <typenet/simd/execution.hpp>

namespace typenet {

/// y = W x + b for a vector of features.
/// Parameters: `weight` [Features, inputs], `bias` [Features]. Options: `bias<false>`.
/// @tparam Features number of outputs
/// @see torch.nn.Linear
template <int Features, class... Options>
struct linear : layer_defaults {
 private:
  static constexpr detail::bias_use bias_in_use = detail::bias_of<Options...>();
  static constexpr bool has_bias = bias_in_use == detail::bias_use::per_channel;

  template <shape In>
  using batch_kernel = detail::linear_kernel<In.size(), Features, has_bias>;
  template <shape In, one_sample_execution Exec>
  using one_sample_kernel = detail::linear_one_sample<In.size(), Features, has_bias, Exec>;

 public:
  static constexpr second_order curvature = second_order::gauss_newton_linear;
  static constexpr index scratch_size(shape in, index samples) { return detail::linear_scratch_size(in.size(), samples); }
  static constexpr index one_sample_scratch_size(shape, index) { return 0; }

  template <shape In>
  static constexpr auto check() {
    using problem = detail::option_problem<detail::option_kinds<option_kind::bias>, Options...>;
    if constexpr (!std::is_same_v<problem, accepted>)
      return problem{};
    else if constexpr (Features < 1)
      return needs::positive_sizes{};
    else if constexpr (bias_in_use == detail::bias_use::per_unit || bias_in_use == detail::bias_use::unheard_of)
      return needs::a_bias_of_true_or_false{};
    else if constexpr (In.rank != 1)
      return needs::a_vector{};
    else
      return accepted{};
  }
  static constexpr shape output(shape) { return shape{Features}; }

  static constexpr auto parameters(shape in) {
    const int inputs = in.size();
    const parameter_spec weight{"weight", parameter_role::weight, 2, {Features, inputs, 1, 1}, inputs, Features};
    if constexpr (has_bias)
      return std::array<parameter_spec, 2>{weight, parameter_spec{"bias", parameter_role::bias, 1, {Features, 1, 1, 1}, inputs, Features}};
    else
      return std::array<parameter_spec, 1>{weight};
  }
  static constexpr index macs(shape in) { return index{Features} * in.size(); }
  static constexpr index connections(shape in) { return macs(in) + (has_bias ? Features : 0); }

  template <shape In, class Exec, class Data>
  TYPENET_HD static void forward(Exec& exec, const Data& data) {
    batch_kernel<In>::forward(exec, data);
  }
  template <shape In, bool Accumulate, class Exec, class Data>
  TYPENET_HD static void backward_input(Exec& exec, const Data& data) {
    batch_kernel<In>::template backward_input<Accumulate>(exec, data);
  }
  template <shape In, class Exec, class Data>
  TYPENET_HD static void backward_parameters(Exec& exec, const Data& data) {
    batch_kernel<In>::backward_parameters(exec, data);
  }

  template <shape In, one_sample_execution Exec, class Data>
  TYPENET_HD static void forward(Exec& exec, const Data& data) {
    one_sample_kernel<In, Exec>::forward(exec, data);
  }
  template <shape In, bool Accumulate, one_sample_execution Exec, class Data>
  TYPENET_HD static void backward_input(Exec& exec, const Data& data) {
    one_sample_kernel<In, Exec>::template backward_input<Accumulate>(exec, data);
  }
  template <shape In, one_sample_execution Exec, class Data>
  TYPENET_HD static void backward_parameters(Exec& exec, const Data& data) {
    one_sample_kernel<In, Exec>::backward_parameters(exec, data);
  }
};

}  // namespace typenet
