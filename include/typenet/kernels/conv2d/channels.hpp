// SPDX-License-Identifier: MIT
/// @file
/// conv_channels: the forward pass of one sample with stride 1 and dilation 1, with neighboring output channels in the lanes. No lane is
/// idle where the number of output channels is a multiple of the lanes.
#pragma once

#include <typenet/core/ceil_div.hpp>
#include <typenet/core/config.hpp>
#include <typenet/kernels/conv2d/direct.hpp>
#include <typenet/simd/execution.hpp>
#include <typenet/simd/lane_view.hpp>
#include <typenet/simd/pack.hpp>
#include <typenet/simd/tile_start.hpp>

namespace typenet::detail {

/// A tile of accumulators that stay in registers: vectors of output channels × rows × columns of the output.
struct channel_tile {
  int blocks = 1, rows = 1, columns = 1;
};

/// The cheapest tile, by the cost model of `choose_tile`.
/// @param blocks vectors of output channels; a tile's divide it
/// @param height, width rows and columns of the output
/// @param registers vectors that the register file holds
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

/// The forward pass. Layouts as in `conv_one_sample`.
///
/// The weights are first transposed to `[block][input channel][tap][lane]`, where a block is a vector of output channels. A work item
/// computes a *band*, a few output rows, of `tile.blocks` blocks into `[block][position][lane]`, and then transposes it to planes.
/// @tparam Bias true where a bias for each output channel is added
template <auto G, bool Bias, one_sample_execution Exec>
struct conv_channels {
  using scalar = typename Exec::scalar;
  using vector = typename Exec::vector;
  static constexpr int lanes = lane::width<vector>;
  using copies = padded_copies<G, Exec>;
  static constexpr auto layout = copies::layout;
  static constexpr int pitch = layout.pitch(), width = G.out_width, height = G.out_height;
  static constexpr int blocks = G.out_channels / lanes;
  /// Weights of one output channel.
  static constexpr int output_weights = G.in_channels * G.taps();

  static constexpr channel_tile tile = choose_channel_tile(blocks, height, width, lane::registers<vector>);
  /// Output rows of a band, so few that they stay in the nearest cache until they are transposed to planes.
  static constexpr int max_band_rows = width < 128 ? static_cast<int>(ceil_div(128 / width, tile.rows)) * tile.rows : tile.rows;
  static constexpr int band_rows = max_band_rows < height ? max_band_rows : height;
  static constexpr int bands = static_cast<int>(ceil_div(height, band_rows));
  /// Positions of a band, counted in reading order.
  static constexpr int positions = band_rows * width;
  static constexpr int position_tiles = static_cast<int>(ceil_div(positions, lanes));
  static constexpr int row_tiles = static_cast<int>(ceil_div(band_rows, tile.rows));
  static constexpr int column_tiles = static_cast<int>(ceil_div(width, tile.columns));
  static constexpr index items = index{blocks} / tile.blocks * bands;

  /// True where this kernel is faster than `conv_direct`, and can be used.
  static constexpr bool suits = G.groups == 1 && G.out_channels % lanes == 0 && positions >= lanes && lanes > 1;

  /// Writes the output.
  template <class Data>
  TYPENET_HD static void forward(Exec& exec, const Data& data) {
    if (layout.padded()) copies::pad_input(exec, data);
    scalar* const transposed = data.scratch + layout.end(exec.blocks());
    exec.for_each(blocks, [&](index block) {
      const scalar* rows[lanes];
      for (int l = 0; l < lanes; ++l) rows[l] = data.parameters[0] + (block * lanes + l) * output_weights;
      lane::to_lanes<vector, lanes>(rows, output_weights, transposed + block * output_weights * lanes);
    });
    exec.for_each(exec.blocks() * items, [&](index item) {
      const index sample = item / items;
      const scalar* const source = layout.padded() ? copies::padded_input(data, sample) : lane::block<scalar>(data.input, sample);
      const int block = static_cast<int>(item % items / bands) * tile.blocks;
      // The last band overlaps the one before rather than be short. Both compute the same numbers for the rows that they share.
      const int top = clamped_tile(item % bands, band_rows, height).first;
      run(source, transposed + index{block} * output_weights * lanes, block, top, data, lane::block<scalar>(data.output, sample));
    });
  }

 private:
  /// Computes the band that begins at output row `top`, for `tile.blocks` blocks from `block` on.
  /// @param source `[input channel][padded row][padded column]`
  /// @param weights `[block][input channel][tap][lane]`, from `block` on
  /// @param to `[output channel][row][column]`
  template <class Data>
  TYPENET_HD TYPENET_INLINE static void run(const scalar* source, const scalar* weights, int block, int top, const Data& data, scalar* to) {
    alignas(64) scalar sums[tile.blocks][positions * lanes];
    for (int y = 0; y < row_tiles; ++y) {
      const int line = clamped_tile(y, tile.rows, band_rows).first;
      for (int x = 0; x < column_tiles; ++x) {
        const int column = clamped_tile(x, tile.columns, width).first;
        vector sum[tile.blocks][tile.rows][tile.columns];
        TYPENET_UNROLL
        for (int b = 0; b < tile.blocks; ++b) {
          vector initial = 0;
          if constexpr (Bias) initial = lane::load_unaligned<vector>(data.parameters[1] + (block + b) * lanes);
          TYPENET_UNROLL
          for (int r = 0; r < tile.rows; ++r) TYPENET_UNROLL
          for (int c = 0; c < tile.columns; ++c) sum[b][r][c] = initial;
        }
        add_taps(source + (top + line) * pitch + column, weights, sum);
        TYPENET_UNROLL
        for (int b = 0; b < tile.blocks; ++b) TYPENET_UNROLL
        for (int r = 0; r < tile.rows; ++r) TYPENET_UNROLL
        for (int c = 0; c < tile.columns; ++c) lane::store(sums[b] + ((line + r) * width + column + c) * lanes, sum[b][r][c]);
      }
    }
    for (int b = 0; b < tile.blocks; ++b)
      for (int t = 0; t < position_tiles; ++t) {
        const int at = clamped_tile(t, lanes, positions).first;
        lane::to_rows<vector, lanes>(sums[b] + at * lanes, to + index{block + b} * lanes * height * width + top * width + at,
                                     index{height} * width, lanes);
      }
  }

  /// Adds all input channels and taps to a register tile of sums.
  /// @param source the tile's first position in input channel 0
  /// @param weights `[block][input channel][tap][lane]`
  /// @param sum accumulators, `[block][row][column]`
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
          for (int b = 0; b < tile.blocks; ++b) w[b] = lane::load<vector>(weights + b * output_weights * lanes);
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
