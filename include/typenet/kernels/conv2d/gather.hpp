// SPDX-License-Identifier: MIT
/// @file
/// The forward pass and the gradient of the input: both gather, for each result, the numbers that it is a weighted sum of.
#pragma once

#include <utility>

#include <typenet/core/ceil_div.hpp>
#include <typenet/core/config.hpp>
#include <typenet/kernels/conv2d/geometry.hpp>
#include <typenet/simd/pack.hpp>
#include <typenet/simd/register_tile.hpp>

namespace typenet::detail {

/// What the padding adds to a result: its value, times the weights whose taps fall outside the input.
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

/// How the forward pass gathers: result (o, row, column) sums inputs at row * stride - padding + tap * dilation.
template <conv_geometry G, class Links>
struct forward_gather {
  static constexpr int channels = G.out_channels, height = G.out_height, width = G.out_width;
  static constexpr int source_height = G.in_height, source_width = G.in_width;
  static constexpr int rows_together = Links::rows_together;
  /// Tiles start at multiples of this.
  static constexpr int column_unit = 1;
  static constexpr int weight_step = Links::output_step;

  TYPENET_HD static constexpr int sources(int channel) { return Links::inputs_of(channel); }
  TYPENET_HD static constexpr int source(int channel, int k) { return Links::input(channel, k); }
  TYPENET_HD static constexpr int kernel(int channel, int k) { return Links::input_kernel(channel, k); }
  /// The source row of a tap, or -1.
  TYPENET_HD static constexpr int source_row(int row, int tap) {
    const int r = row * G.stride.height - G.padding.height + tap * G.dilation.height;
    return r < G.in_height ? r : -1;
  }
  TYPENET_HD static constexpr bool has_column(int /*column*/, int /*tap*/) { return true; }
  TYPENET_HD static constexpr int source_column(int column, int tap) {
    return column * G.stride.width - G.padding.width + tap * G.dilation.width;
  }
  /// Where a tile that starts at `column` starts to read; `column` is a multiple of `column_unit`.
  TYPENET_HD static constexpr int source_start(int column) { return column * G.stride.width; }
};

/// How the input's gradient gathers: result (i, row, column) sums output gradients at (row + padding - tap * dilation) / stride.
template <conv_geometry G, class Links>
struct backward_gather {
  static constexpr int channels = G.in_channels, height = G.in_height, width = G.in_width;
  static constexpr int source_height = G.out_height, source_width = G.out_width;
  static constexpr int rows_together = Links::columns_together;
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

/// The longest run of columns in which every tap that exists falls inside the source: [first, last).
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

inline constexpr int any_column = -1;

/// One register tile of results: `Rows` channels from `channel` on, `Columns` columns from `start` on, in one row.
/// `Start` is that column where it is known (at the edges, where taps fall outside), `any_column` in the interior.
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
          for (int r = 0; r < Rows; ++r)
            sum[r][j] = lane::fma(x, taps[r * Gather::weight_step * G.taps() + kx], sum[r][j]);
        }
      }
    }
  }
}

/// The tiles of one row of results, and of the whole value.
/// @tparam Small whether a work item is one tile, for backends of many workers, or all tiles of a row
template <conv_geometry G, class Gather, class Pack, int Lanes, bool Small>
struct gather_plan {
  using scalar = lane::scalar_t<Pack>;
  static constexpr register_tile tile = choose_tile(Gather::rows_together, Gather::width, Gather::column_unit, 1, lane::registers<Pack>);
  static constexpr int tiles = static_cast<int>(ceil_div(Gather::width, tile.columns));
  static constexpr std::pair<int, int> interior = interior_columns<Gather>(G.kernel.width);
  // Whole tiles of the interior run from first_inner to last_inner.
  static constexpr int first_inner = static_cast<int>(ceil_div(interior.first, tile.columns));
  static constexpr int last_inner = interior.second / tile.columns > first_inner ? interior.second / tile.columns : first_inner;
  /// Pieces of work that a row is cut into, each for `tile.rows` channels; piece p begins at column `p * tile_columns`.
  static constexpr int tiles_per_row = Small ? tiles : 1;
  static constexpr int tile_columns = Small ? tile.columns : Gather::width;
  static constexpr index items_per_block = index{Gather::channels} / tile.rows * Gather::height * tiles_per_row;

  template <int Columns, int Start, class Begin, class End>
  TYPENET_HD TYPENET_INLINE static void run_tile(const scalar* source, const scalar* weights, int channel, int row, int start,
                                                 const Begin& begin, const End& end) {
    Pack sum[tile.rows][Columns];
    TYPENET_UNROLL
    for (int r = 0; r < tile.rows; ++r) TYPENET_UNROLL
    for (int j = 0; j < Columns; ++j) sum[r][j] = begin(channel + r, row, start + j);
    gather_tile<G, Gather, Pack, Lanes, tile.rows, Columns, Start>(source, weights, channel, row, start, sum);
    TYPENET_UNROLL
    for (int r = 0; r < tile.rows; ++r) TYPENET_UNROLL
    for (int j = 0; j < Columns; ++j) end(((channel + r) * Gather::height + row) * Gather::width + start + j, sum[r][j]);
  }

  template <int First, int... T, class Begin, class End>
  TYPENET_HD TYPENET_INLINE static void run_edges(std::integer_sequence<int, T...>, [[maybe_unused]] const scalar* source,
                                                  [[maybe_unused]] const scalar* weights, [[maybe_unused]] int channel,
                                                  [[maybe_unused]] int row, [[maybe_unused]] int only, [[maybe_unused]] const Begin& begin,
                                                  [[maybe_unused]] const End& end) {
    ((!Small || only == First + T
          ? run_tile<((First + T + 1) * tile.columns <= Gather::width ? tile.columns : Gather::width - (First + T) * tile.columns),
                     (First + T) * tile.columns>(source, weights, channel, row, (First + T) * tile.columns, begin, end)
          : void()),
     ...);
  }

  /// Work item `item` of one block.
  template <class Begin, class End>
  TYPENET_HD TYPENET_INLINE static void run(index item, const scalar* source, const scalar* weights, const Begin& begin, const End& end) {
    const int line = static_cast<int>(item / tiles_per_row);
    run(line / Gather::height * tile.rows, line % Gather::height, static_cast<int>(item % tiles_per_row), source, weights, begin, end);
  }
  /// A piece of a row, for `tile.rows` channels from `channel` on.
  template <class Begin, class End>
  TYPENET_HD TYPENET_INLINE static void run(int channel, int row, int only, const scalar* source, const scalar* weights, const Begin& begin,
                                            const End& end) {
    using before = std::make_integer_sequence<int, (first_inner < tiles ? first_inner : tiles)>;
    run_edges<0>(before{}, source, weights, channel, row, only, begin, end);
    if constexpr (Small) {
      if (only >= first_inner && only < last_inner)
        run_tile<tile.columns, any_column>(source, weights, channel, row, only * tile.columns, begin, end);
    } else {
      for (int t = first_inner; t < last_inner; ++t)
        run_tile<tile.columns, any_column>(source, weights, channel, row, t * tile.columns, begin, end);
    }
    if constexpr (last_inner < tiles && first_inner < tiles)
      run_edges<last_inner>(std::make_integer_sequence<int, tiles - last_inner>{}, source, weights, channel, row, only, begin, end);
  }
};

}  // namespace typenet::detail
