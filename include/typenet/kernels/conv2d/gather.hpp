// SPDX-License-Identifier: MIT
/// @file
/// Gathering convolution, with samples in the lanes: the forward pass and the gradient of the input.
///
/// In both directions each result is a weighted sum of numbers of a *source*. Forward, the results are the output, and the source is the
/// input. Backward, the results are the input's gradient, and the source is the output's gradient. A direction class (`forward_gather`,
/// `backward_gather`) says which numbers a result reads.
///
/// `gather_plan` cuts the results into register tiles of channels × columns. The accumulators of a tile stay in registers while all source
/// channels and taps are added to them. Tiles at the edges know their column at compile time, and leave out the taps that fall outside the
/// source. Tiles of the interior need no checks.
#pragma once

#include <utility>

#include <typenet/core/ceil_div.hpp>
#include <typenet/core/config.hpp>
#include <typenet/kernels/conv2d/geometry.hpp>
#include <typenet/simd/pack.hpp>
#include <typenet/simd/register_tile.hpp>

namespace typenet::detail {

/// The contribution of a padding that is not zero to output (`channel`, `row`, `column`): the padding's value times the sum of the weights
/// whose taps fall outside the input.
/// @param weights `[kernel][kernel row][kernel column]`
template <conv_geometry G, class Links, class Scalar>
TYPENET_HD Scalar padding_sum(const Scalar* weights, int channel, int row, int column) {
  const tap_range rows = taps_inside(row, G.stride.height, G.padding.height, G.dilation.height, G.kernel.height, G.in_height);
  const tap_range columns = taps_inside(column, G.stride.width, G.padding.width, G.dilation.width, G.kernel.width, G.in_width);
  if (rows.first == 0 && rows.last == G.kernel.height && columns.first == 0 && columns.last == G.kernel.width) return 0;
  Scalar sum = 0;
  for (int k = 0; k < Links::inputs_of(channel); ++k) {
    const Scalar* const kernel = weights + index{Links::input_kernel(channel, k)} * G.taps();
    for (int ky = 0; ky < G.kernel.height; ++ky)
      for (int kx = 0; kx < G.kernel.width; ++kx)
        if (ky < rows.first || ky >= rows.last || kx < columns.first || kx >= columns.last) sum += kernel[ky * G.kernel.width + kx];
  }
  constexpr auto value = static_cast<Scalar>(G.padding_value.value());
  return value * sum;
}

/// The forward direction: result (o, row, column) reads input rows row * stride - padding + tap * dilation, and columns by the same
/// formula.
///
/// A direction has:
/// - `channels`, `height`, `width`: extents of the results; `source_height`, `source_width`: extents of a source plane
/// - `row_limit`: channels that may share a register tile; its rows divide it
/// - `column_unit`: a register tile begins at a multiple of this column
/// - `weight_step`: distance between the kernels of neighboring channels of a tile, in kernels
/// - `sources(channel)`, `source(channel, k)`, `kernel(channel, k)`: the number of source channels; the k-th of them; its kernel
/// - `source_row(row, tap)`: the source row that a result row reads through a tap row, or a negative number
/// - `has_column(column, tap)`: true where the tap column meets a source column, inside or outside the plane
/// - `source_column(column, tap)`: that source column, which may lie outside the plane
/// - `source_start(column)`: the shift of a tile that begins at `column`, a multiple of `column_unit`:
///   `source_column(column + j, tap)` = `source_start(column)` + `source_column(j, tap)`
template <conv_geometry G, class Links>
struct forward_gather {
  static constexpr int channels = G.out_channels, height = G.out_height, width = G.out_width;
  static constexpr int source_height = G.in_height, source_width = G.in_width;
  static constexpr int row_limit = Links::shared_outputs;
  static constexpr int column_unit = 1;
  static constexpr int weight_step = Links::output_step;

  TYPENET_HD static constexpr int sources(int channel) { return Links::inputs_of(channel); }
  TYPENET_HD static constexpr int source(int channel, int k) { return Links::input(channel, k); }
  TYPENET_HD static constexpr int kernel(int channel, int k) { return Links::input_kernel(channel, k); }
  TYPENET_HD static constexpr int source_row(int row, int tap) {
    const int r = row * G.stride.height - G.padding.height + tap * G.dilation.height;
    return r < G.in_height ? r : -1;
  }
  TYPENET_HD static constexpr bool has_column(int /*column*/, int /*tap*/) { return true; }
  TYPENET_HD static constexpr int source_column(int column, int tap) {
    return column * G.stride.width - G.padding.width + tap * G.dilation.width;
  }
  TYPENET_HD static constexpr int source_start(int column) { return column * G.stride.width; }
};

/// The backward direction: result (i, row, column) reads rows (row + padding - tap * dilation) / stride of the output's gradient, where the
/// division has no remainder. Columns follow the same formula.
template <conv_geometry G, class Links>
struct backward_gather {
  static constexpr int channels = G.in_channels, height = G.in_height, width = G.in_width;
  static constexpr int source_height = G.out_height, source_width = G.out_width;
  static constexpr int row_limit = Links::shared_inputs;
  static constexpr int column_unit = G.stride.width;
  static constexpr int weight_step = Links::input_step;

  TYPENET_HD static constexpr int sources(int channel) { return Links::outputs_of(channel); }
  TYPENET_HD static constexpr int source(int channel, int k) { return Links::output(channel, k); }
  TYPENET_HD static constexpr int kernel(int channel, int k) { return Links::output_kernel(channel, k); }
  TYPENET_HD static constexpr int source_row(int row, int tap) {
    const int r = row + G.padding.height - tap * G.dilation.height;
    return r < 0 || r % G.stride.height != 0 || r / G.stride.height >= G.out_height ? -1 : r / G.stride.height;
  }
  TYPENET_HD static constexpr bool has_column(int column, int tap) {
    return (column + G.padding.width - tap * G.dilation.width) % G.stride.width == 0;
  }
  TYPENET_HD static constexpr int source_column(int column, int tap) {
    return (column + G.padding.width - tap * G.dilation.width) / G.stride.width;
  }
  TYPENET_HD static constexpr int source_start(int column) { return column / G.stride.width; }
};

/// The interior: the longest run of result columns [first, last) in which every tap falls inside the source.
/// @param taps taps of a kernel row
template <class Gather>
constexpr std::pair<int, int> interior_columns(int taps) {
  std::pair<int, int> longest{Gather::width, Gather::width};
  int first = 0;
  for (int c = 0; c < Gather::width; ++c) {
    for (int t = 0; t < taps; ++t)
      if (Gather::has_column(c, t) && (Gather::source_column(c, t) < 0 || Gather::source_column(c, t) >= Gather::source_width))
        first = c + 1;
    if (c + 1 - first > longest.second - longest.first) longest = {first, c + 1};
  }
  return longest;
}

/// Stands for the column of an interior tile, which is known only at run time.
inline constexpr int any_column = -1;

/// Adds all source channels and taps to one register tile of results: `Rows` channels from `channel` on, `Columns` columns from `start` on,
/// in one row.
/// @tparam Start the tile's first column at an edge, where taps may fall outside; `any_column` in the interior
/// @param source one block, `[source channel][row][column][lane]`
/// @param weights `[kernel][kernel row][kernel column]`
/// @param sum accumulators, `[channel][column]`
template <conv_geometry G, class Gather, class Pack, int Lanes, int Rows, int Columns, int Start>
TYPENET_HD TYPENET_INLINE void gather_tile(const lane::scalar_t<Pack>* source, const lane::scalar_t<Pack>* weights, int channel, int row,
                                           int start, Pack (&sum)[Rows][Columns]) {
  using scalar = lane::scalar_t<Pack>;
  constexpr int area = Gather::source_height * Gather::source_width;
  const int count = Gather::sources(channel);
  for (int k = 0; k < count; ++k) {
    const scalar* plane = source + index{Gather::source(channel, k)} * area * Lanes;
    const scalar* kernel = weights + index{Gather::kernel(channel, k)} * G.taps();
    for (int ky = 0; ky < G.kernel.height; ++ky) {
      const int source_row = Gather::source_row(row, ky);
      if (source_row < 0) continue;
      const scalar* line = plane + index{source_row} * Gather::source_width * Lanes;
      const scalar* taps = kernel + ky * G.kernel.width;
      if constexpr (Start == any_column) {
        line += index{Gather::source_start(start)} * Lanes;
      }
      TYPENET_UNROLL
      for (int kx = 0; kx < G.kernel.width; ++kx) {
        TYPENET_UNROLL
        for (int j = 0; j < Columns; ++j) {
          const int column = (Start == any_column ? 0 : Start) + j;
          if (!Gather::has_column(column, kx)) continue;
          const int source_column = Gather::source_column(column, kx);
          if (Start != any_column && (source_column < 0 || source_column >= Gather::source_width)) continue;
          const Pack x = lane::load<Pack>(line + index{source_column} * Lanes);
          TYPENET_UNROLL
          for (int r = 0; r < Rows; ++r) sum[r][j] = lane::fma(x, taps[r * Gather::weight_step * G.taps() + kx], sum[r][j]);
        }
      }
    }
  }
}

/// The work items of a gathering convolution. An item is `tile.rows` channels of one row of results: all register tiles of the row, or
/// one of them.
///
/// `initial(channel, row, column)` is the pack that a result's sum begins with. `store(element, sum)` receives the result; `element` counts
/// the results of one sample, `[channel][row][column]`.
/// @tparam SmallItems true where an item is one register tile, for executions with many workers
template <conv_geometry G, class Gather, class Pack, int Lanes, bool SmallItems>
struct gather_plan {
  using scalar = lane::scalar_t<Pack>;
  static constexpr register_tile tile = choose_tile(Gather::row_limit, Gather::width, Gather::column_unit, 1, lane::registers<Pack>);
  /// Register tiles of one row; the last may have fewer columns.
  static constexpr int tiles = static_cast<int>(ceil_div(Gather::width, tile.columns));
  static constexpr std::pair<int, int> interior = interior_columns<Gather>(G.kernel.width);
  /// The register tiles that lie wholly in the interior: [first_inner, last_inner).
  static constexpr int first_inner = static_cast<int>(ceil_div(interior.first, tile.columns));
  static constexpr int last_inner = interior.second / tile.columns > first_inner ? interior.second / tile.columns : first_inner;
  /// Work items of one row, for `tile.rows` channels. Item t begins at column `t * tile_columns`.
  static constexpr int tiles_per_row = SmallItems ? tiles : 1;
  static constexpr int tile_columns = SmallItems ? tile.columns : Gather::width;
  static constexpr index items_per_block = index{Gather::channels} / tile.rows * Gather::height * tiles_per_row;

  /// Computes one register tile.
  template <int Columns, int Start, class Initial, class Store>
  TYPENET_HD TYPENET_INLINE static void run_tile(const scalar* source, const scalar* weights, int channel, int row, int start,
                                                 const Initial& initial, const Store& store) {
    Pack sum[tile.rows][Columns];
    TYPENET_UNROLL
    for (int r = 0; r < tile.rows; ++r) TYPENET_UNROLL
    for (int j = 0; j < Columns; ++j) sum[r][j] = initial(channel + r, row, start + j);
    gather_tile<G, Gather, Pack, Lanes, tile.rows, Columns, Start>(source, weights, channel, row, start, sum);
    TYPENET_UNROLL
    for (int r = 0; r < tile.rows; ++r) TYPENET_UNROLL
    for (int j = 0; j < Columns; ++j) store(((channel + r) * Gather::height + row) * Gather::width + start + j, sum[r][j]);
  }

  /// Computes the register tiles First + T... at an edge; where items are small, only the tile number `tile_in_row`.
  template <int First, int... T, class Initial, class Store>
  TYPENET_HD TYPENET_INLINE static void run_edges(std::integer_sequence<int, T...>, [[maybe_unused]] const scalar* source,
                                                  [[maybe_unused]] const scalar* weights, [[maybe_unused]] int channel,
                                                  [[maybe_unused]] int row, [[maybe_unused]] int tile_in_row,
                                                  [[maybe_unused]] const Initial& initial, [[maybe_unused]] const Store& store) {
    ((!SmallItems || tile_in_row == First + T
          ? run_tile<((First + T + 1) * tile.columns <= Gather::width ? tile.columns : Gather::width - (First + T) * tile.columns),
                     (First + T) * tile.columns>(source, weights, channel, row, (First + T) * tile.columns, initial, store)
          : void()),
     ...);
  }

  /// Runs work item `item`, below `items_per_block`, of one block.
  template <class Initial, class Store>
  TYPENET_HD TYPENET_INLINE static void run(index item, const scalar* source, const scalar* weights, const Initial& initial,
                                            const Store& store) {
    const int line = static_cast<int>(item / tiles_per_row);
    run(line / Gather::height * tile.rows, line % Gather::height, static_cast<int>(item % tiles_per_row), source, weights, initial, store);
  }
  /// Runs the work item `tile_in_row` of a row, for `tile.rows` channels from `channel` on.
  template <class Initial, class Store>
  TYPENET_HD TYPENET_INLINE static void run(int channel, int row, int tile_in_row, const scalar* source, const scalar* weights,
                                            const Initial& initial, const Store& store) {
    using before = std::make_integer_sequence<int, (first_inner < tiles ? first_inner : tiles)>;
    run_edges<0>(before{}, source, weights, channel, row, tile_in_row, initial, store);
    if constexpr (SmallItems) {
      if (tile_in_row >= first_inner && tile_in_row < last_inner)
        run_tile<tile.columns, any_column>(source, weights, channel, row, tile_in_row * tile.columns, initial, store);
    } else {
      for (int t = first_inner; t < last_inner; ++t)
        run_tile<tile.columns, any_column>(source, weights, channel, row, t * tile.columns, initial, store);
    }
    if constexpr (last_inner < tiles && first_inner < tiles)
      run_edges<last_inner>(std::make_integer_sequence<int, tiles - last_inner>{}, source, weights, channel, row, tile_in_row, initial,
                            store);
  }
};

}  // namespace typenet::detail
