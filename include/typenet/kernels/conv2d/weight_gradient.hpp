// SPDX-License-Identifier: MIT
/// @file
/// The gradient of a convolution's weights: dW[o][i][ky][kx] = Σ over samples, rows y and columns x of dY[o][y][x] times
/// X[i][y * stride - padding + ky * dilation][x * stride - padding + kx * dilation].
///
/// **Who sums what.** A work item owns a tile of weights: `tile.rows` output channels × `tile.columns` input channels × `tap_rows` rows of
/// taps. It alone sums all samples for these weights. So no two items write one number, and no atomic addition is needed.
///
/// **The order** of the additions is fixed, for any number of threads: block by block (a block is the samples of one pack), band by band,
/// tap row by tap row, output row by output row, column by column. The lanes of a pack are different samples; they are summed last.
/// A *band* is as many output rows as stay in the nearest cache together with the input rows that they read. All tap rows go over a band
/// before the next band begins.
///
/// **Where the sums are.** The accumulators of one tap row, `[output][input][tap column]`, stay in registers while a band is summed.
/// Between bands they lie in the item's array of sums, `[tap row][output][input][tap column]`, one pack each.
///
/// **Other executions.** Where each lane group has a thread of its own, graph/schedule.hpp decides for each layer when the sums are taken.
/// Either they run over the whole batch at once, or each group is summed by itself while its values are in the cache. The groups' sums are
/// then added in the order of the groups. Executions with many workers split the rows of an item among the warps of one block, and add the
/// warps' sums in order (`reduce` of the concept `execution`).
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

/// The work items of the weight gradient.
/// @tparam Links `dense_links` or `table_links`
/// @tparam SmallItems true where work items are small, for executions with many workers
template <conv_geometry G, class Links, class Pack, int Lanes, bool SmallItems>
struct weight_gradient_plan {
  using scalar = lane::scalar_t<Pack>;
  /// Output channels (rows) × input channels (columns) of an item.
  static constexpr register_tile tile =
      choose_tile(Links::shared_outputs, Links::shared_inputs, 1, G.kernel.width, lane::registers<Pack>, true);
  /// Links, and so kernels, of an item.
  static constexpr int kernels_per_item = tile.rows * tile.columns;
  static constexpr index tiles = index{Links::kernels} / kernels_per_item;
  /// Tap rows of an item: all, which share the rows of a band in the nearest cache; or one, which gives work to more threads.
  static constexpr int tap_rows = SmallItems ? 1 : G.kernel.height;
  static constexpr index items = tiles * (G.kernel.height / tap_rows);
  using gather = forward_gather<G, Links>;
  static constexpr std::pair<int, int> interior = interior_columns<gather>(G.kernel.width);
  static constexpr int interior_first = interior.first;
  static constexpr int interior_last = interior.second;
  /// Output columns in one step of the loop over the interior, a divisor of their number: neighboring columns read common inputs.
  static constexpr int columns_per_step = [] {
    int most = SmallItems ? 1 : 10;
    while (most > 1 && (interior_last - interior_first) % most != 0) --most;
    return most;
  }();

  /// The accumulators of one tap row: `[output][input][tap column]`.
  struct accumulators {
    Pack of[tile.rows][tile.columns][G.kernel.width];
  };

  /// Adds one output column of one output row to the accumulators.
  /// @tparam Start the column at an edge, where taps may fall outside; `any_column` in the interior
  /// @param gradient output row of the tile's first output channel, `[column][lane]`
  /// @param line input row of the tile's first input channel, `[column][lane]`
  /// @param at the output column
  template <int Start>
  TYPENET_HD TYPENET_INLINE static void add_column(const scalar* gradient, const scalar* line, int at, accumulators& sum) {
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

  /// The padding's number in every lane.
  TYPENET_HD TYPENET_INLINE static Pack padding_pack() {
    constexpr auto value = static_cast<scalar>(G.padding_value.value());
    return Pack(value);
  }
  /// Adds an output row that reads only padding through this tap row.
  TYPENET_HD TYPENET_INLINE static void add_padding_row(const scalar* gradient, accumulators& sum) {
    constexpr index out_area = index{G.out_height} * G.out_width;
    for (int r = 0; r < tile.rows; ++r) {
      Pack all = 0;
      for (int x = 0; x < G.out_width; ++x) all = all + lane::load<Pack>(gradient + (r * out_area + x) * Lanes);
      all = all * padding_pack();
      for (int c = 0; c < tile.columns; ++c)
        for (int kx = 0; kx < G.kernel.width; ++kx) sum.of[r][c][kx] = sum.of[r][c][kx] + all;
    }
  }

  /// Adds the output columns First + T... at an edge.
  template <int First, int... T>
  TYPENET_HD TYPENET_INLINE static void edge_columns(std::integer_sequence<int, T...>, [[maybe_unused]] const scalar* gradient,
                                                     [[maybe_unused]] const scalar* line, [[maybe_unused]] accumulators& sum) {
    (add_column<First + T>(gradient, line, First + T, sum), ...);
  }

  /// Sums of an item: `[tap row][output][input][tap column]`.
  static constexpr int count = tap_rows * tile.rows * tile.columns * G.kernel.width;
  /// Output rows of a block: the unit in which the range of the sums is counted.
  static constexpr index rows_of_block = G.out_height;

  /// Output rows of a band. The output gradients of a band, and the input rows that they read, stay in the nearest cache (40 KiB are
  /// assumed) while all tap rows go over them.
  static constexpr int band_rows = [] {
    constexpr index nearest = 40 * 1024 / index{sizeof(scalar)};
    const index inputs = index{tile.columns} * G.in_width * Lanes, results = index{tile.rows} * G.out_width * Lanes;
    const index left = nearest - inputs * ((G.kernel.height - 1) * G.dilation.height + 1);
    const index rows = left / (results + inputs * G.stride.height);
    return rows < 1 ? 1 : rows < G.out_height ? static_cast<int>(rows) : G.out_height;
  }();

  /// The tile of weights that an item owns.
  struct weight_tile {
    int first_ky;  ///< the first tap row
    int output;    ///< the first output channel
    int k;         ///< the first input channel, counted among the inputs that `output` reads
  };
  TYPENET_HD TYPENET_INLINE static weight_tile tile_of(index item) {
    constexpr int tap_tiles = G.kernel.height / tap_rows;
    const int kernel_tile = static_cast<int>(item / tap_tiles);
    int output = 0, k = 0;
    if constexpr (Links::shared_outputs > 1 || Links::shared_inputs > 1) {
      constexpr int inputs = Links::shared_inputs / tile.columns;
      output = kernel_tile / inputs * tile.rows;
      k = kernel_tile % inputs * tile.columns;
    } else {
      while (kernel_tile >= Links::input_kernel(output, 0) + Links::inputs_of(output)) ++output;
      k = kernel_tile - Links::input_kernel(output, 0);
    }
    return {static_cast<int>(item % tap_tiles) * tap_rows, output, k};
  }

  /// Adds the output rows [first, last), counted through all blocks, to the sums of an item.
  /// @tparam Fresh true where the sums begin at zero here; `total` need not be initialized
  /// @param total `[tap row][output][input][tap column]`, `count` packs
  template <bool Fresh, class Data>
  TYPENET_HD TYPENET_INLINE static void add(index item, index first, index last, const Data& data, Pack* total) {
    const weight_tile owned = tile_of(item);
    const index first_block = first / rows_of_block;
    lane::for_each_run(first, last, rows_of_block, [&](index block, index begin, index end) {
      const scalar* plane =
          lane::block<Pack>(data.input, block) + index{Links::input(owned.output, owned.k)} * G.in_height * G.in_width * Lanes;
      const scalar* gradients = lane::block<Pack>(data.output_gradient, block) + index{owned.output} * G.out_height * G.out_width * Lanes;
      for (int top = static_cast<int>(begin); top < static_cast<int>(end); top += band_rows) {
        const int bottom = top + band_rows < static_cast<int>(end) ? top + band_rows : static_cast<int>(end);
        for (int t = 0; t < tap_rows; ++t) {
          accumulators sum;
          if (Fresh && block == first_block && top == static_cast<int>(begin))
            for_each_sum(total, sum, [](Pack&, Pack& accumulator) TYPENET_LAMBDA_INLINE { accumulator = 0; });
          else
            for_each_sum(total + t * (count / tap_rows), sum,
                         [](Pack& stored, Pack& accumulator) TYPENET_LAMBDA_INLINE { accumulator = stored; });
          for (int row = top; row < bottom; ++row) {
            const int source_row = gather::source_row(row, owned.first_ky + t);
            const scalar* gradient = gradients + index{row} * G.out_width * Lanes;
            if (source_row < 0) {
              if constexpr (G.has_padding_value()) add_padding_row(gradient, sum);
              continue;
            }
            const scalar* line = plane + index{source_row} * G.in_width * Lanes;
            edge_columns<0>(std::make_integer_sequence<int, interior_first>{}, gradient, line, sum);
            for (int c = interior_first; c < interior_last; c += columns_per_step) {
              TYPENET_UNROLL
              for (int i = 0; i < columns_per_step; ++i) add_column<any_column>(gradient, line, c + i, sum);
            }
            edge_columns<interior_last>(std::make_integer_sequence<int, G.out_width - interior_last>{}, gradient, line, sum);
          }
          for_each_sum(total + t * (count / tap_rows), sum,
                       [](Pack& stored, Pack& accumulator) TYPENET_LAMBDA_INLINE { stored = accumulator; });
        }
      }
    });
  }

  /// Writes the gradients of an item's weights.
  /// @param total the sums over all samples, `[tap row][output][input][tap column]`, `count` numbers
  /// @param gradients `[kernel][kernel row][kernel column]`
  TYPENET_HD static void write(index item, const scalar* total, scalar* gradients) {
    const weight_tile owned = tile_of(item);
    for (int t = 0; t < tap_rows; ++t)
      for (int r = 0; r < tile.rows; ++r)
        for (int c = 0; c < tile.columns; ++c) {
          scalar* to =
              gradients + index{Links::input_kernel(owned.output + r, owned.k + c)} * G.taps() + (owned.first_ky + t) * G.kernel.width;
          for (int kx = 0; kx < G.kernel.width; ++kx) to[kx] = *total++;
        }
  }

 private:
  /// Calls `move(stored, accumulator)` for each accumulator of a tap row and its place in the item's array of sums.
  template <class Move>
  TYPENET_HD TYPENET_INLINE static void for_each_sum(Pack* stored, accumulators& sum, const Move& move) {
    TYPENET_UNROLL
    for (int r = 0; r < tile.rows; ++r) TYPENET_UNROLL
    for (int c = 0; c < tile.columns; ++c) TYPENET_UNROLL
    for (int kx = 0; kx < G.kernel.width; ++kx) move(stored[(r * tile.columns + c) * G.kernel.width + kx], sum.of[r][c][kx]);
  }
};

}  // namespace typenet::detail
