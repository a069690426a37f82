// SPDX-License-Identifier: MIT
/// @file
/// euclidean_rbf: how far an input lies from each of several fixed codes of +1 and -1.
#pragma once

#include <cstdint>
#include <type_traits>

#include <typenet/layer/layer.hpp>
#include <typenet/simd/loops.hpp>
#include <typenet/simd/lane_view.hpp>
#include <typenet/layer/code_table.hpp>

namespace typenet {

namespace detail {

/// The bits of each code from a word's first on.
template <auto Codes>
struct code_words {
  static constexpr int of_row = (Codes.columns + 63) / 64;
  struct lookup {
    std::uint64_t word[Codes.rows * of_row] = {};
  };
  static constexpr lookup make() {
    lookup t{};
    for (int r = 0; r < Codes.rows; ++r)
      for (int c = 0; c < Codes.columns; ++c)
        if (Codes.at(r, c) > 0) t.word[r * of_row + c / 64] |= std::uint64_t{1} << (c % 64);
    return t;
  }
  template <class Pack>
  TYPENET_HD TYPENET_INLINE static Pack at(int row, int column) {
    // A table of its own: device code sees no constant of the class.
    constexpr lookup t = make();
    const bool plus = (t.word[row * of_row + column / 64] >> (column % 64) & 1) != 0;
    return Pack(static_cast<lane::scalar_t<Pack>>(plus ? 1 : -1));
  }
};

}  // namespace detail

/// y_i = Σ_j (x_j − w_ij)² for a vector x as long as the codes w_i, which are fixed: nothing is learned here. An output is a penalty: as a
/// network's last layer it names the class whose code is nearest. For `rbf_mse` and `rbf_map`.
/// @tparam Codes a `code_table`, a code in each row
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
    using pack = typename Exec::pack;
    constexpr int rows = Codes.rows;
    constexpr int inputs = In.size();
    exec.for_each(exec.blocks() * rows, [=] TYPENET_HD(index item) {
      const index block = item / rows;
      const int row = static_cast<int>(item % rows);
      const auto* const x = lane::block<pack>(data.input, block);
      // Four chains hide the additions' latency.
      pack square[4] = {0, 0, 0, 0};
      int j = 0;
      for (; j + 4 <= inputs; j += 4) {
        TYPENET_UNROLL
        for (int i = 0; i < 4; ++i) {
          const pack d = lane::load<pack>(x + index{j + i} * Exec::lanes) - detail::code_words<Codes>::template at<pack>(row, j + i);
          square[i] = lane::fma(d, d, square[i]);
        }
      }
      for (; j < inputs; ++j) {
        const pack d = lane::load<pack>(x + index{j} * Exec::lanes) - detail::code_words<Codes>::template at<pack>(row, j);
        square[0] = lane::fma(d, d, square[0]);
      }
      lane::store(lane::block<pack>(data.output, block) + index{row} * Exec::lanes,
                        (square[0] + square[1]) + (square[2] + square[3]));
    });
  }

  /// dx_j = 2 Σ over codes of dy_i (x_j − w_ij)
  template <shape In, bool Accumulate, class Exec, class Data>
  TYPENET_HD static void backward_input(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    constexpr int rows = Codes.rows;
    lane::for_each_pack<In.size()>(exec, [=] TYPENET_HD(index block, index offset) {
      const int column = static_cast<int>(offset / Exec::lanes);
      const auto* const gradient = lane::block<pack>(data.output_gradient, block);
      const pack x = lane::load<pack>(lane::block<pack>(data.input, block) + offset);
      pack sum = 0;
      for (int row = 0; row < rows; ++row)
        sum = lane::fma(lane::load<pack>(gradient + index{row} * Exec::lanes),
                              x - detail::code_words<Codes>::template at<pack>(row, column), sum);
      lane::store_or_add<Accumulate>(lane::block<pack>(data.input_gradient, block) + offset, sum + sum);
    });
  }

  /// ∂²E/∂x_j² = Σ over codes of ∂²E/∂y_i² (2 (x_j − w_ij))² + 2 ∂E/∂y_i: here the second derivative of y itself counts, since of
  /// `rbf_mse` it is all there is.
  static constexpr second_order curvature = second_order::custom;
  template <shape In, bool Wanted, bool Accumulate, class Exec, class Data>
  TYPENET_HD static void backward_curvature(Exec& exec, const Data& data) {
    if constexpr (Wanted) bend<In, Accumulate>(exec, data);
  }
  template <shape In, bool Accumulate, class Exec, class Data>
  TYPENET_HD static void bend(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    constexpr int rows = Codes.rows;
    lane::for_each_pack<In.size()>(exec, [=] TYPENET_HD(index block, index offset) {
      const int column = static_cast<int>(offset / Exec::lanes);
      const auto* const curvature_of_output = lane::block<pack>(data.output_gradient, block);
      const auto* const slope_of_output = lane::block<pack>(data.output_slope, block);
      const pack x = lane::load<pack>(lane::block<pack>(data.input, block) + offset);
      pack sum = 0;
      for (int row = 0; row < rows; ++row) {
        const pack d = x - detail::code_words<Codes>::template at<pack>(row, column);
        const pack slope = d + d;
        const pack g = lane::load<pack>(slope_of_output + index{row} * Exec::lanes);
        sum = sum + lane::fma(slope * slope, lane::load<pack>(curvature_of_output + index{row} * Exec::lanes), g + g);
      }
      lane::store_or_add<Accumulate>(lane::block<pack>(data.input_gradient, block) + offset, sum);
    });
  }
};

}  // namespace typenet
