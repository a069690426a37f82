// SPDX-License-Identifier: MIT
/// @file
/// gaussian_rbf: the nearness of an input to learned centers. The arithmetic is in kernels/rbf.hpp.
#pragma once

#include <array>

#include <typenet/core/diagnostics.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/kernels/rbf.hpp>
#include <typenet/layer/layer.hpp>

namespace typenet {

/// y_i = exp(−½ ‖x − c_i‖²) for a vector x. Parameters: `centers` (c) [Units, inputs]; initialization draws them from a normal distribution
/// of standard deviation 0.2.
///
/// With centers of a wide spread and many inputs, every output starts near 0, and so does its gradient. Weight decay alone then reduces the
/// distances. With a spread such as 0.2 the layer learns from the first step.
/// @tparam Units number of outputs
template <int Units>
struct gaussian_rbf : layer_defaults {
  static constexpr bool backward_reads_output = true;

  template <shape In>
  static constexpr auto check() {
    if constexpr (Units < 1)
      return needs::positive_sizes{};
    else if constexpr (In.rank != 1)
      return needs::a_vector{};
    else
      return accepted{};
  }
  static constexpr shape output(shape) { return shape{Units}; }
  static constexpr auto parameters(shape in) {
    const int inputs = in.size();
    return std::array<parameter_spec, 1>{parameter_spec{"centers", parameter_role::centers, 2, {Units, inputs, 1, 1}, inputs, Units}};
  }
  static constexpr index macs(shape in) { return index{Units} * in.size(); }
  static constexpr index connections(shape in) { return macs(in); }

  template <shape In, class Exec, class Data>
  TYPENET_HD static void forward(Exec& exec, const Data& data) {
    detail::gaussian_rbf_kernel<In.size(), Units>::forward(exec, data);
  }
  template <shape In, class Exec, class Data>
  TYPENET_HD static void backward_parameters(Exec& exec, const Data& data) {
    detail::gaussian_rbf_kernel<In.size(), Units>::backward_parameters(exec, data);
  }
  template <shape In, bool Accumulate, class Exec, class Data>
  TYPENET_HD static void backward_input(Exec& exec, const Data& data) {
    detail::gaussian_rbf_kernel<In.size(), Units>::template backward_input<Accumulate>(exec, data);
  }
};

}  // namespace typenet
