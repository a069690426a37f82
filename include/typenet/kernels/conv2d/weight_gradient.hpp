// SPDX-License-Identifier: MIT
/// @file
/// The gradient of a convolution's weights.
#pragma once

#include <utility>

#include <typenet/core/config.hpp>
#include <typenet/kernels/conv2d/gather.hpp>
#include <typenet/kernels/conv2d/geometry.hpp>
#include <typenet/simd/lane_view.hpp>
#include <typenet/simd/loops.hpp>
#include <typenet/simd/pack.hpp>
#include <typenet/simd/register_tile.hpp>

namespace typenet::detail {

/// Gradient of the weights: one work item owns `rows` outputs x `columns` inputs x some rows of taps and sums all samples.
template <conv_geometry G, class Links, class Pack, int Lanes, bool Small>
struct weight_gradient_plan {
  using scalar = lane::scalar_t<Pack>;
  static constexpr register_tile tile =
      choose_tile(Links::rows_together, Links::columns_together, 1, G.kernel.width, lane::registers<Pack>, true);
  static constexpr int kernels_per_item = tile.rows * tile.columns;
  static constexpr index tiles = index{Links::kernels} / kernels_per_item;
  /// All rows of taps together read what they share once from the nearest cache; apart they are work for more threads.
  static constexpr int tap_rows = Small ? 1 : G.kernel.height;
  static constexpr index items = tiles * (G.kernel.height / tap_rows);
  using gather = forward_gather<G, Links>;
  static constexpr std::pair<int, int> interior = interior_columns<gather>(G.kernel.width);
  static constexpr int inner_first = interior.first;
  static constexpr int inner_last = interior.second;
  /// Columns at once, a divisor of them all: neighbours share what they see.
  static constexpr int inner_together = [] {
    int most = Small ? 1 : 10;
    while (most > 1 && (inner_last - inner_first) % most != 0) --most;
    return most;
  }();

  /// A register tile of sums.
  struct sums {
    Pack of[tile.rows][tile.columns][G.kernel.width];
  };

  template <int Start>
  TYPENET_HD TYPENET_INLINE static void column(const scalar* gradient, const scalar* line, int at, sums& sum) {
    constexpr index out_area = index{G.out_height} * G.out_width;
    constexpr index in_area = index{G.in_height} * G.in_width;
    Pack g[tile.rows];
    TYPENET_UNROLL
    for (int r = 0; r < tile.rows; ++r) g[r] = lane::load<Pack>(gradient + (r * out_area + at) * Lanes);
    TYPENET_UNROLL
    for (int c = 0; c < tile.columns; ++c) {
      TYPENET_UNROLL
      for (int kx = 0; kx < G.kernel.width; ++kx) {
        const int source_column =
            Start == any_column ? gather::source_start(at) + gather::source_column(0, kx) : gather::source_column(Start, kx);
        const bool outside = Start != any_column && (source_column < 0 || source_column >= G.in_width);
        if (outside && !G.has_padding_value()) continue;
        const Pack x = outside ? padding_pack() : lane::load<Pack>(line + (c * in_area + source_column) * Lanes);
        TYPENET_UNROLL
        for (int r = 0; r < tile.rows; ++r) sum.of[r][c][kx] = lane::fma(g[r], x, sum.of[r][c][kx]);
      }
    }
  }

  TYPENET_HD TYPENET_INLINE static Pack padding_pack() {
    constexpr auto value = static_cast<scalar>(G.padding_value.value());
    return Pack(value);
  }
  /// A row of results that sees nothing but padding through these taps.
  TYPENET_HD TYPENET_INLINE static void add_padding_row(const scalar* gradient, sums& sum) {
    constexpr index out_area = index{G.out_height} * G.out_width;
    for (int r = 0; r < tile.rows; ++r) {
      Pack all = 0;
      for (int x = 0; x < G.out_width; ++x) all = all + lane::load<Pack>(gradient + (r * out_area + x) * Lanes);
      all = all * padding_pack();
      for (int c = 0; c < tile.columns; ++c)
        for (int kx = 0; kx < G.kernel.width; ++kx) sum.of[r][c][kx] = sum.of[r][c][kx] + all;
    }
  }

  template <int First, int... T>
  TYPENET_HD TYPENET_INLINE static void edge_columns(std::integer_sequence<int, T...>, [[maybe_unused]] const scalar* gradient,
                                                     [[maybe_unused]] const scalar* line, [[maybe_unused]] sums& sum) {
    (column<First + T>(gradient, line, First + T, sum), ...);
  }

  /// Sums of an item: tap row, output, input, tap column.
  static constexpr int count = tap_rows * tile.rows * tile.columns * G.kernel.width;
  /// What is summed over, counted in rows of outputs.
  static constexpr index rows_of_block = G.out_height;

  /// Rows of results whose gradients, and the inputs that they saw, stay in the nearest cache while all rows of taps go over them.
  static constexpr int band = [] {
    constexpr index nearest = 40 * 1024 / index{sizeof(scalar)};
    const index inputs = index{tile.columns} * G.in_width * Lanes, results = index{tile.rows} * G.out_width * Lanes;
    const index left = nearest - inputs * ((G.kernel.height - 1) * G.dilation.height + 1);
    const index rows = left / (results + inputs * G.stride.height);
    return rows < 1 ? 1 : rows < G.out_height ? static_cast<int>(rows) : G.out_height;
  }();

  /// What an item owns: tap rows from `first_ky` on, outputs from `output` on, and of those that they read the inputs from the `k`th on.
  struct part {
    int first_ky, output, k;
  };
  TYPENET_HD TYPENET_INLINE static part part_of(index item) {
    constexpr int parts = G.kernel.height / tap_rows;
    const int group = static_cast<int>(item / parts);
    int output = 0, k = 0;
    if constexpr (Links::rows_together > 1 || Links::columns_together > 1) {
      constexpr int inputs = Links::columns_together / tile.columns;
      output = group / inputs * tile.rows;
      k = group % inputs * tile.columns;
    } else {
      while (group >= Links::input_kernel(output, 0) + Links::inputs_of(output)) ++output;
      k = group - Links::input_kernel(output, 0);
    }
    return {static_cast<int>(item % parts) * tap_rows, output, k};
  }

  /// Adds to the sums of an item what rows [first, last) of all blocks contribute; or, where it is `Fresh`, begins with that.
  template <bool Fresh, class Data>
  TYPENET_HD TYPENET_INLINE static void add(index item, index first, index last, const Data& data, Pack* total) {
    const part p = part_of(item);
    const index first_block = first / rows_of_block;
    lane::for_each_run(first, last, rows_of_block, [&](index block, index begin, index end) {
      const scalar* plane = lane::block<Pack>(data.input, block) + index{Links::input(p.output, p.k)} * G.in_height * G.in_width * Lanes;
      const scalar* gradients = lane::block<Pack>(data.output_gradient, block) + index{p.output} * G.out_height * G.out_width * Lanes;
      for (int top = static_cast<int>(begin); top < static_cast<int>(end); top += band) {
        const int bottom = top + band < static_cast<int>(end) ? top + band : static_cast<int>(end);
        for (int t = 0; t < tap_rows; ++t) {
          sums sum;
          if (Fresh && block == first_block && top == static_cast<int>(begin))
            copy(total, sum, [](Pack&, Pack& ours) TYPENET_LAMBDA_INLINE { ours = 0; });
          else
            copy(total + t * (count / tap_rows), sum, [](Pack& theirs, Pack& ours) TYPENET_LAMBDA_INLINE { ours = theirs; });
          for (int row = top; row < bottom; ++row) {
            const int source_row = gather::source_row(row, p.first_ky + t);
            const scalar* gradient = gradients + index{row} * G.out_width * Lanes;
            if (source_row < 0) {
              if constexpr (G.has_padding_value()) add_padding_row(gradient, sum);
              continue;
            }
            const scalar* line = plane + index{source_row} * G.in_width * Lanes;
            edge_columns<0>(std::make_integer_sequence<int, inner_first>{}, gradient, line, sum);
            for (int c = inner_first; c < inner_last; c += inner_together) {
              TYPENET_UNROLL
              for (int i = 0; i < inner_together; ++i) column<any_column>(gradient, line, c + i, sum);
            }
            edge_columns<inner_last>(std::make_integer_sequence<int, G.out_width - inner_last>{}, gradient, line, sum);
          }
          copy(total + t * (count / tap_rows), sum, [](Pack& theirs, Pack& ours) TYPENET_LAMBDA_INLINE { theirs = ours; });
        }
      }
    });
  }

  TYPENET_HD static void write(index item, const scalar* total, scalar* gradients) {
    const part p = part_of(item);
    for (int t = 0; t < tap_rows; ++t)
      for (int r = 0; r < tile.rows; ++r)
        for (int c = 0; c < tile.columns; ++c) {
          scalar* to = gradients + index{Links::input_kernel(p.output + r, p.k + c)} * G.taps() + (p.first_ky + t) * G.kernel.width;
          for (int kx = 0; kx < G.kernel.width; ++kx) to[kx] = *total++;
        }
  }

 private:
  /// Between sums in a row and a register tile.
  template <class Move>
  TYPENET_HD TYPENET_INLINE static void copy(Pack* row, sums& tile_of, const Move& move) {
    TYPENET_UNROLL
    for (int r = 0; r < tile.rows; ++r) TYPENET_UNROLL
    for (int c = 0; c < tile.columns; ++c) TYPENET_UNROLL
    for (int kx = 0; kx < G.kernel.width; ++kx) move(row[(r * tile.columns + c) * G.kernel.width + kx], tile_of.of[r][c][kx]);
  }
};

}  // namespace typenet::detail
