// SPDX-License-Identifier: MIT
/// @file
/// The passes of a linear layer with neighboring numbers of one sample in the lanes. Convolutions whose kernel covers the whole input use
/// them too.
#pragma once

#include <typenet/core/ceil_div.hpp>
#include <typenet/core/config.hpp>
#include <typenet/simd/execution.hpp>
#include <typenet/simd/lane_view.hpp>
#include <typenet/simd/loops.hpp>
#include <typenet/simd/pack.hpp>
#include <typenet/simd/register_tile.hpp>
#include <typenet/simd/tile_start.hpp>

namespace typenet::detail {

/// y = W x + b and its gradients. W is `[Outputs][Inputs]`, row-major; x and y are `[sample][feature]`. A vector holds `width` neighboring
/// features of one sample.
template <int Inputs, int Outputs, bool Bias, one_sample_execution Exec>
struct linear_one_sample {
  using scalar = typename Exec::scalar;
  using vector = typename Exec::vector;
  static constexpr int width = lane::width<vector>;
  static constexpr int registers = lane::registers<vector>;
  /// Vectors that cover the inputs.
  static constexpr int vectors = static_cast<int>(ceil_div(Inputs, width));
  /// Inputs past the last full vector.
  static constexpr int rest = Inputs % width;
  /// Inputs in the last vector.
  static constexpr int last_count = rest == 0 ? width : rest;

  /// The tile size that splits `count` elements into the fewest tiles of at most `limit`, all of nearly equal size.
  static constexpr int tile_size(int count, int limit) { return static_cast<int>(ceil_div(count, ceil_div(count, limit))); }

  /// A work item is a tile of outputs of one sample.
  template <class Data>
  TYPENET_HD static void forward(Exec& exec, const Data& data) {
    constexpr int outputs = tile_size(Outputs, registers >= 16 ? 8 : registers >= 8 ? 4 : 2);
    constexpr index tiles = ceil_div(Outputs, outputs);
    exec.for_each(exec.blocks() * tiles, [&](index item) {
      const tile_start tile = clamped_tile(item % tiles, outputs, Outputs);
      const scalar* const x = lane::block<scalar>(data.input, item / tiles);
      const scalar* const w = data.parameters[0] + index{tile.first} * Inputs;
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
      scalar* const y = lane::block<scalar>(data.output, item / tiles) + tile.first;
      TYPENET_UNROLL
      for (int r = 0; r < outputs; ++r)
        if (tile.owns(r)) y[r] = lane::sum(sum[r]) + (Bias ? data.parameters[Bias ? 1 : 0][tile.first + r] : scalar{0});
    });
  }

  /// dx = Wᵀ dy. A work item is a tile of vectors of inputs of one sample.
  template <bool Accumulate, class Data>
  TYPENET_HD static void backward_input(Exec& exec, const Data& data) {
    constexpr int columns = tile_size(vectors, registers >= 32 ? 14 : registers >= 16 ? 10 : registers >= 8 ? 5 : 2);
    constexpr index tiles = ceil_div(vectors, columns);
    exec.for_each(exec.blocks() * tiles, [&](index item) {
      const tile_start tile = clamped_tile(item % tiles, columns, vectors);
      const scalar* const g = lane::block<scalar>(data.output_gradient, item / tiles);
      const scalar* w = data.parameters[0] + tile.first * width;
      vector sum[columns];
      TYPENET_UNROLL
      for (int c = 0; c < columns; ++c) sum[c] = 0;
      for (int o = 0; o < Outputs; ++o, w += Inputs) {
        const vector go = g[o];
        TYPENET_UNROLL
        for (int c = 0; c < columns; ++c) sum[c] = lane::fma(go, lane::load_unaligned<vector>(w + c * width), sum[c]);
      }
      scalar* const to = lane::block<scalar>(data.input_gradient, item / tiles) + tile.first * width;
      TYPENET_UNROLL
      for (int c = 0; c < columns; ++c)
        if (tile.owns(c)) lane::store_or_add_first<Accumulate>(to + c * width, sum[c], tile.first + c + 1 < vectors ? width : last_count);
    });
  }

  /// dW = dy xᵀ and db = dy, summed over the samples in ascending order. A work item is a tile of outputs x vectors of inputs; the first
  /// tile of a row of tiles sums the biases too.
  template <class Data>
  TYPENET_HD static void backward_parameters(Exec& exec, const Data& data) {
    constexpr register_tile tile = choose_tile(Outputs, vectors, 1, 1, registers);
    constexpr index column_tiles = ceil_div(vectors, tile.columns);
    const index batch = exec.batch();
    exec.for_each(Outputs / tile.rows * column_tiles, [&](index item) {
      const int output = static_cast<int>(item / column_tiles) * tile.rows;
      const tile_start column_tile = clamped_tile(item % column_tiles, tile.columns, vectors);
      vector sum[tile.rows][tile.columns];
      TYPENET_UNROLL
      for (int r = 0; r < tile.rows; ++r) TYPENET_UNROLL
      for (int c = 0; c < tile.columns; ++c) sum[r][c] = 0;
      for (index sample = 0; sample < batch; ++sample) {
        const scalar* const x = lane::block<scalar>(data.input, sample) + column_tile.first * width;
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
        if (column_tile.owns(c))
          lane::store_or_add_first<false>(data.gradients[0] + index{output + r} * Inputs + (column_tile.first + c) * width, sum[r][c],
                                          column_tile.first + c + 1 < vectors ? width : last_count);
      if (Bias && column_tile.wanted == 0) {
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
