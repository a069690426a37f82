// SPDX-License-Identifier: MIT
/// @file
/// Convolution of one sample, of stride and dilation 1, with neighbouring output channels in the lanes: no lane is idle where their number
/// is a multiple of the lanes, whatever the width of a row.
#pragma once

#include <typenet/kernels/conv2d/direct.hpp>
#include <typenet/core/ceil_div.hpp>
#include <typenet/simd/execution.hpp>
#include <typenet/simd/lane_view.hpp>
#include <typenet/simd/pack.hpp>
#include <typenet/simd/register_tile.hpp>

namespace typenet::detail {

/// Registers of channels, by rows and columns of results, that one pass over the taps sums up.
struct channel_tile {
  int blocks = 1, rows = 1, columns = 1;
};

/// The tile that costs least, counted as `choose_tile` counts.
constexpr channel_tile choose_channel_tile(int blocks, int height, int width, int registers) {
  channel_tile best;
  double best_cost = 1e300;
  for (int b = 1; b <= blocks && b <= 4; ++b)
    for (int r = 1; blocks % b == 0 && r <= height && r <= 4; ++r)
      for (int c = 1; c <= width && b * r * c + b + 1 <= registers; ++c) {
        const int sums = b * r * c, loads = b + r * c;
        int step = sums > loads ? sums : loads;
        if (step < 8) step = 8;
        const double tiles = static_cast<double>(blocks / b) * static_cast<double>(ceil_div(height, r) * ceil_div(width, c));
        const double cost = tiles * (step + 0.05 * loads);
        if (cost < best_cost) {
          best_cost = cost;
          best = {b, r, c};
        }
      }
  return best;
}

/// The forward pass.
template <auto G, bool Bias, one_sample_execution Exec>
struct conv_channels {
  using scalar = typename Exec::scalar;
  using vector = typename Exec::vector;
  static constexpr int lanes = lane::width<vector>;
  using copies = padded_copies<G, Exec>;
  static constexpr auto layout = copies::layout;
  static constexpr int pitch = layout.pitch(), width = G.out_width, height = G.out_height;
  static constexpr int blocks = G.out_channels / lanes;
  /// Numbers of an output's weights.
  static constexpr int kernel = G.in_channels * G.taps();

  static constexpr channel_tile tile = choose_channel_tile(blocks, height, width, lane::registers<vector>);
  /// Rows of results together, so many that they stay in the nearest cache until they are turned into planes.
  static constexpr int most_rows = width < 128 ? static_cast<int>(ceil_div(128 / width, tile.rows)) * tile.rows : tile.rows;
  static constexpr int piece_rows = most_rows < height ? most_rows : height;
  static constexpr int pieces = static_cast<int>(ceil_div(height, piece_rows));
  static constexpr int positions = piece_rows * width;
  static constexpr index items = index{blocks} / tile.blocks * pieces;

  /// Whether it is to be preferred to `conv_direct`.
  static constexpr bool suits = G.groups == 1 && G.out_channels % lanes == 0 && positions >= lanes && lanes > 1;

  template <class Data>
  TYPENET_HD static void forward(Exec& exec, const Data& data) {
    if (layout.padded()) copies::pad_input(exec, data);
    scalar* const packed = data.scratch + layout.end(exec.blocks());
    exec.for_each(blocks, [&](index block) {
      const scalar* of[lanes];
      for (int l = 0; l < lanes; ++l) of[l] = data.parameters[0] + (block * lanes + l) * kernel;
      lane::to_lanes<vector, lanes>(of, kernel, packed + block * kernel * lanes);
    });
    exec.for_each(exec.blocks() * items, [&](index item) {
      const index sample = item / items;
      const scalar* const source = layout.padded() ? copies::padded_input(data, sample) : lane::block<scalar>(data.input, sample);
      const int block = static_cast<int>(item % items / pieces) * tile.blocks;
      // The last piece reaches back into its neighbour rather than be short.
      const int wanted = static_cast<int>(item % pieces) * piece_rows;
      run(source, packed + index{block} * kernel * lanes, block, wanted + piece_rows <= height ? wanted : height - piece_rows, data,
          lane::block<scalar>(data.output, sample));
    });
  }

 private:
  template <class Data>
  TYPENET_HD TYPENET_INLINE static void run(const scalar* source, const scalar* weights, int block, int top, const Data& data, scalar* to) {
    alignas(64) scalar sums[tile.blocks][positions * lanes];
    for (int y = 0; y < piece_rows; y += tile.rows) {
      const int line = y + tile.rows <= piece_rows ? y : piece_rows - tile.rows;
      for (int x = 0; x < width; x += tile.columns) {
        const int column = x + tile.columns <= width ? x : width - tile.columns;
        vector sum[tile.blocks][tile.rows][tile.columns];
        TYPENET_UNROLL
        for (int b = 0; b < tile.blocks; ++b) {
          vector first = 0;
          if constexpr (Bias) first = lane::load_unaligned<vector>(data.parameters[1] + (block + b) * lanes);
          TYPENET_UNROLL
          for (int r = 0; r < tile.rows; ++r) TYPENET_UNROLL
          for (int c = 0; c < tile.columns; ++c) sum[b][r][c] = first;
        }
        add_taps(source + (top + line) * pitch + column, weights, sum);
        TYPENET_UNROLL
        for (int b = 0; b < tile.blocks; ++b) TYPENET_UNROLL
        for (int r = 0; r < tile.rows; ++r) TYPENET_UNROLL
        for (int c = 0; c < tile.columns; ++c) lane::store(sums[b] + ((line + r) * width + column + c) * lanes, sum[b][r][c]);
      }
    }
    for (int b = 0; b < tile.blocks; ++b)
      for (int p = 0; p < positions; p += lanes) {
        const int at = p + lanes <= positions ? p : positions - lanes;
        lane::to_rows<vector, lanes>(sums[b] + at * lanes, to + index{block + b} * lanes * height * width + top * width + at,
                                  index{height} * width, lanes);
      }
  }

  TYPENET_HD TYPENET_INLINE static void add_taps(const scalar* source, const scalar* weights,
                                                 vector (&sum)[tile.blocks][tile.rows][tile.columns]) {
    for (int i = 0; i < G.in_channels; ++i, source += layout.plane()) {
      const scalar* line = source;
      for (int ky = 0; ky < G.kernel.height; ++ky, line += pitch) {
        for (int kx = 0; kx < G.kernel.width; ++kx, weights += lanes) {
          const scalar* at = line + kx;
          TYPENET_FORGET(at);
          vector w[tile.blocks];
          TYPENET_UNROLL
          for (int b = 0; b < tile.blocks; ++b) w[b] = lane::load<vector>(weights + b * kernel * lanes);
          TYPENET_UNROLL
          for (int r = 0; r < tile.rows; ++r) TYPENET_UNROLL
          for (int c = 0; c < tile.columns; ++c) {
            const vector x = at[r * pitch + c];
            TYPENET_UNROLL
            for (int b = 0; b < tile.blocks; ++b) sum[b][r][c] = lane::fma(w[b], x, sum[b][r][c]);
          }
        }
      }
    }
  }
};

}  // namespace typenet::detail
