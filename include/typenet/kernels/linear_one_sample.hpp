// SPDX-License-Identifier: MIT
/// @file
/// Weighted sums of all numbers of a sample, with neighbouring numbers in the lanes: linear, and convolutions that see all of their input.
#pragma once

#include <typenet/core/ceil_div.hpp>
#include <typenet/core/config.hpp>
#include <typenet/simd/execution.hpp>
#include <typenet/simd/lane_view.hpp>
#include <typenet/simd/loops.hpp>
#include <typenet/simd/pack.hpp>
#include <typenet/simd/register_tile.hpp>

namespace typenet::detail {

/// y = W x + b and its gradients, W being [Outputs, Inputs].
template <int Inputs, int Outputs, bool Bias, one_sample_execution Exec>
struct linear_one_sample {
  using scalar = typename Exec::scalar;
  using vector = typename Exec::vector;
  static constexpr int width = lane::width<vector>;
  static constexpr int registers = lane::registers<vector>;
  /// Rows that cover the inputs; numbers in the last, if it is not full.
  static constexpr int rows = static_cast<int>(ceil_div(Inputs, width));
  static constexpr int rest = Inputs % width;
  static constexpr int last_count = rest == 0 ? width : rest;

  /// As many of `all` as go together, `most` at most, in tiles of like size.
  static constexpr int together(int all, int most) { return static_cast<int>(ceil_div(all, ceil_div(all, most))); }

  template <class Data>
  TYPENET_HD static void forward(Exec& exec, const Data& data) {
    constexpr int outputs = together(Outputs, registers >= 16 ? 8 : registers >= 8 ? 4 : 2);
    constexpr index tiles = ceil_div(Outputs, outputs);
    exec.for_each(exec.blocks() * tiles, [&](index item) {
      // The last tile reaches back into its neighbour rather than be short, and leaves to that what is its own.
      const int wanted = static_cast<int>(item % tiles) * outputs;
      const int first = wanted + outputs <= Outputs ? wanted : Outputs - outputs;
      const scalar* const x = lane::block<scalar>(data.input, item / tiles);
      const scalar* const w = data.parameters[0] + index{first} * Inputs;
      vector sum[outputs];
      TYPENET_UNROLL
      for (int r = 0; r < outputs; ++r) sum[r] = 0;
      for (int i = 0; i + width <= Inputs; i += width) {
        const vector xi = lane::load_unaligned<vector>(x + i);
        TYPENET_UNROLL
        for (int r = 0; r < outputs; ++r) sum[r] = lane::fma(xi, lane::load_unaligned<vector>(w + index{r} * Inputs + i), sum[r]);
      }
      if constexpr (rest > 0) {
        constexpr int i = Inputs - rest;
        const auto inside = lane::first_lanes<vector>(rest);
        const vector none = 0;
        const vector xi = lane::select(inside, lane::load_unaligned<vector>(x + i), none);
        TYPENET_UNROLL
        for (int r = 0; r < outputs; ++r)
          sum[r] = lane::fma(xi, lane::select(inside, lane::load_unaligned<vector>(w + index{r} * Inputs + i), none), sum[r]);
      }
      scalar* const y = lane::block<scalar>(data.output, item / tiles) + first;
      TYPENET_UNROLL
      for (int r = 0; r < outputs; ++r)
        if (first + r >= wanted) y[r] = lane::sum(sum[r]) + (Bias ? data.parameters[Bias ? 1 : 0][first + r] : scalar{0});
    });
  }

  template <bool Accumulate, class Data>
  TYPENET_HD static void backward_input(Exec& exec, const Data& data) {
    constexpr int columns = together(rows, registers >= 32 ? 14 : registers >= 16 ? 10 : registers >= 8 ? 5 : 2);
    constexpr index tiles = ceil_div(rows, columns);
    exec.for_each(exec.blocks() * tiles, [&](index item) {
      const int wanted = static_cast<int>(item % tiles) * columns;
      const int first = wanted + columns <= rows ? wanted : rows - columns;
      const scalar* const g = lane::block<scalar>(data.output_gradient, item / tiles);
      const scalar* w = data.parameters[0] + first * width;
      vector sum[columns];
      TYPENET_UNROLL
      for (int c = 0; c < columns; ++c) sum[c] = 0;
      for (int o = 0; o < Outputs; ++o, w += Inputs) {
        const vector go = g[o];
        TYPENET_UNROLL
        for (int c = 0; c < columns; ++c) sum[c] = lane::fma(go, lane::load_unaligned<vector>(w + c * width), sum[c]);
      }
      scalar* const to = lane::block<scalar>(data.input_gradient, item / tiles) + first * width;
      TYPENET_UNROLL
      for (int c = 0; c < columns; ++c)
        if (first + c >= wanted) lane::store_or_add_first<Accumulate>(to + c * width, sum[c], first + c + 1 < rows ? width : last_count);
    });
  }

  template <class Data>
  TYPENET_HD static void backward_parameters(Exec& exec, const Data& data) {
    constexpr register_tile tile = choose_tile(Outputs, rows, 1, 1, registers);
    constexpr index column_tiles = ceil_div(rows, tile.columns);
    const index batch = exec.batch();
    exec.for_each(Outputs / tile.rows * column_tiles, [&](index item) {
      const int output = static_cast<int>(item / column_tiles) * tile.rows;
      const int wanted = static_cast<int>(item % column_tiles) * tile.columns;
      const int first = wanted + tile.columns <= rows ? wanted : rows - tile.columns;
      vector sum[tile.rows][tile.columns];
      TYPENET_UNROLL
      for (int r = 0; r < tile.rows; ++r) TYPENET_UNROLL
      for (int c = 0; c < tile.columns; ++c) sum[r][c] = 0;
      for (index sample = 0; sample < batch; ++sample) {
        const scalar* const x = lane::block<scalar>(data.input, sample) + first * width;
        const scalar* const g = lane::block<scalar>(data.output_gradient, sample) + output;
        vector xs[tile.columns];
        TYPENET_UNROLL
        for (int c = 0; c < tile.columns; ++c) xs[c] = lane::load_unaligned<vector>(x + c * width);
        TYPENET_UNROLL
        for (int r = 0; r < tile.rows; ++r) {
          const vector gr = g[r];
          TYPENET_UNROLL
          for (int c = 0; c < tile.columns; ++c) sum[r][c] = lane::fma(gr, xs[c], sum[r][c]);
        }
      }
      TYPENET_UNROLL
      for (int r = 0; r < tile.rows; ++r) TYPENET_UNROLL
      for (int c = 0; c < tile.columns; ++c)
        if (first + c >= wanted)
          lane::store_or_add_first<false>(data.gradients[0] + index{output + r} * Inputs + (first + c) * width, sum[r][c],
                                      first + c + 1 < rows ? width : last_count);
      if (Bias && wanted == 0) {
        scalar* const to = data.gradients[Bias ? 1 : 0] + output;
        for (int r = 0; r < tile.rows; ++r) {
          scalar total{0};
          for (index sample = 0; sample < batch; ++sample) total += lane::block<scalar>(data.output_gradient, sample)[output + r];
          to[r] = total;
        }
      }
    });
  }
};

}  // namespace typenet::detail
