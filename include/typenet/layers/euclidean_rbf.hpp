// SPDX-License-Identifier: MIT
/// @file
/// euclidean_rbf: squared distances from fixed codes of +1 and −1. The arithmetic is in kernels/rbf.hpp.
#pragma once

#include <type_traits>

#include <typenet/core/diagnostics.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/kernels/rbf.hpp>
#include <typenet/layer/code_table.hpp>
#include <typenet/layer/layer.hpp>

namespace typenet {

/// y_i = Σ_j (x_j − w_ij)² for a vector x and fixed codes w_i of equal length. The layer has no parameters. An output is a penalty: where
/// the network ends with this layer, the class is the output with the lowest penalty. Train it with `rbf_mse` or `rbf_map`.
/// @tparam Codes a `code_table` [outputs, inputs]
/// @see LeCun et al. 1998, equation 7
template <auto Codes>
struct euclidean_rbf : layer_defaults {
  static constexpr best_score best_output = best_score::lowest;

  template <shape In>
  static constexpr auto check() {
    if constexpr (!detail::is_code_table<std::remove_cvref_t<decltype(Codes)>>)
      return needs::a_code_table{};
    else if constexpr (In.rank != 1)
      return needs::a_vector{};
    else if constexpr (In.size() != Codes.columns)
      return needs::as_many_features_as_its_codes<Codes.columns>{};
    else
      return accepted{};
  }
  static constexpr shape output(shape) { return shape{Codes.rows}; }
  static constexpr index macs(shape in) { return index{Codes.rows} * in.size(); }
  static constexpr index connections(shape in) { return macs(in); }

  template <shape In, class Exec, class Data>
  TYPENET_HD static void forward(Exec& exec, const Data& data) {
    detail::euclidean_rbf_kernel<In.size(), Codes>::forward(exec, data);
  }
  template <shape In, bool Accumulate, class Exec, class Data>
  TYPENET_HD static void backward_input(Exec& exec, const Data& data) {
    detail::euclidean_rbf_kernel<In.size(), Codes>::template backward_input<Accumulate>(exec, data);
  }
  static constexpr second_order curvature = second_order::custom;
  template <shape In, bool Wanted, bool Accumulate, class Exec, class Data>
  TYPENET_HD static void backward_curvature(Exec& exec, const Data& data) {
    if constexpr (Wanted) detail::euclidean_rbf_kernel<In.size(), Codes>::template backward_curvature<Accumulate>(exec, data);
  }
};

}  // namespace typenet
