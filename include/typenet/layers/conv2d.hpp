// SPDX-License-Identifier: MIT
/// @file
/// conv2d: two-dimensional convolution.
#pragma once

#include <utility>

#include <typenet/kernels/conv2d/channels.hpp>
#include <typenet/kernels/conv2d/direct.hpp>
#include <typenet/kernels/conv2d/im2col.hpp>
#include <typenet/kernels/linear_one_sample.hpp>
#include <typenet/layer/layer.hpp>
#include <typenet/layer/options.hpp>
#include <typenet/simd/register_tile.hpp>

namespace typenet {

namespace detail {

/// Everything about a convolution that its kernels need, fixed by the layer and its input.
struct conv_geometry {
  int in_channels, in_height, in_width;
  int out_channels, out_height, out_width;
  kernel_size kernel, stride, padding, dilation;
  int groups;
  /// What the padding counts as.
  real border;

  [[nodiscard]] constexpr int group_inputs() const { return in_channels / groups; }
  [[nodiscard]] constexpr int group_outputs() const { return out_channels / groups; }
  [[nodiscard]] constexpr int taps() const { return kernel.height * kernel.width; }
  /// Whether there is a padding that is not zero.
  [[nodiscard]] constexpr bool bordered() const { return border.digits != 0 && (padding.height > 0 || padding.width > 0); }
};

/// What the padding adds to a result: its value, times the weights whose taps fall outside the input.
template <conv_geometry G, class Links, class Scalar>
TYPENET_HD Scalar border_sum(const Scalar* weights, int channel, int row, int column) {
  const tap_range rows = taps_inside(row, G.stride.height, G.padding.height, G.dilation.height, G.kernel.height, G.in_height);
  const tap_range columns = taps_inside(column, G.stride.width, G.padding.width, G.dilation.width, G.kernel.width, G.in_width);
  if (rows.first == 0 && rows.last == G.kernel.height && columns.first == 0 && columns.last == G.kernel.width) return 0;
  Scalar sum = 0;
  for (int k = 0; k < Links::inputs_of(channel); ++k) {
    const Scalar* const window = weights + index{Links::input_window(channel, k)} * G.taps();
    for (int ky = 0; ky < G.kernel.height; ++ky)
      for (int kx = 0; kx < G.kernel.width; ++kx)
        if (ky < rows.first || ky >= rows.last || kx < columns.first || kx >= columns.last) sum += window[ky * G.kernel.width + kx];
  }
  constexpr auto value = static_cast<Scalar>(G.border.value());
  return value * sum;
}

/// Where the weights of each (output, input) pair begin, in units of one window: all pairs of a group.
template <conv_geometry G>
struct dense_links {
  static constexpr int rows_together = G.group_outputs();
  static constexpr int columns_together = G.group_inputs();
  /// Inputs that output o reads, the k-th of them, and its window among all.
  TYPENET_HD static constexpr int inputs_of(int /*o*/) { return G.group_inputs(); }
  TYPENET_HD static constexpr int input(int o, int k) { return o / G.group_outputs() * G.group_inputs() + k; }
  TYPENET_HD static constexpr int input_window(int o, int k) { return o * G.group_inputs() + k; }
  /// Outputs that input i feeds, the k-th of them, and its window among all.
  TYPENET_HD static constexpr int outputs_of(int /*i*/) { return G.group_outputs(); }
  TYPENET_HD static constexpr int output(int i, int k) { return i / G.group_inputs() * G.group_outputs() + k; }
  TYPENET_HD static constexpr int output_window(int i, int k) { return output(i, k) * G.group_inputs() + i % G.group_inputs(); }
  /// Distance, in windows, between one input's windows for neighbouring outputs, and one output's for neighbouring inputs.
  static constexpr int output_step = G.group_inputs();
  static constexpr int input_step = 1;
  static constexpr int windows = G.out_channels * G.group_inputs();
};

/// The same for a connection table: windows are stored output by output, inputs ascending, none for absent links.
template <auto Table>
struct table_links {
  static constexpr int windows = Table.links();
  static constexpr int rows_together = 1;
  static constexpr int columns_together = 1;
  static constexpr int output_step = 0;
  static constexpr int input_step = 0;

  struct lookup {
    int first_window[Table.outputs + 1] = {};
    int input_at[Table.links() + 1] = {};
    int first_of_input[Table.inputs + 1] = {};
    int output_at[Table.links() + 1] = {};
    int window_at[Table.links() + 1] = {};
  };
  static constexpr lookup make() {
    lookup t{};
    int n = 0;
    for (int o = 0; o < Table.outputs; ++o) {
      t.first_window[o] = n;
      for (int i = 0; i < Table.inputs; ++i)
        if (Table.on(i, o)) t.input_at[n++] = i;
    }
    t.first_window[Table.outputs] = n;
    n = 0;
    for (int i = 0; i < Table.inputs; ++i) {
      t.first_of_input[i] = n;
      for (int o = 0; o < Table.outputs; ++o) {
        if (!Table.on(i, o)) continue;
        t.output_at[n] = o;
        for (int w = t.first_window[o]; w < t.first_window[o + 1]; ++w)
          if (t.input_at[w] == i) t.window_at[n] = w;
        ++n;
      }
    }
    t.first_of_input[Table.inputs] = n;
    return t;
  }
  // Device code sees no constant of the class, and a constant of the function is one more copy on a processor's stack.
#if defined(__CUDA_ARCH__)
#define TYPENET_LOOKUP(t) constexpr lookup t = make()
#else
  static constexpr lookup stored = make();
#define TYPENET_LOOKUP(t) constexpr const lookup& t = stored
#endif
  TYPENET_HD static constexpr int inputs_of(int o) {
    TYPENET_LOOKUP(t);
    return t.first_window[o + 1] - t.first_window[o];
  }
  TYPENET_HD static constexpr int input(int o, int k) {
    TYPENET_LOOKUP(t);
    return t.input_at[t.first_window[o] + k];
  }
  TYPENET_HD static constexpr int input_window(int o, int k) {
    TYPENET_LOOKUP(t);
    return t.first_window[o] + k;
  }
  TYPENET_HD static constexpr int outputs_of(int i) {
    TYPENET_LOOKUP(t);
    return t.first_of_input[i + 1] - t.first_of_input[i];
  }
  TYPENET_HD static constexpr int output(int i, int k) {
    TYPENET_LOOKUP(t);
    return t.output_at[t.first_of_input[i] + k];
  }
  TYPENET_HD static constexpr int output_window(int i, int k) {
    TYPENET_LOOKUP(t);
    return t.window_at[t.first_of_input[i] + k];
  }
#undef TYPENET_LOOKUP
};

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
  TYPENET_HD static constexpr int window(int channel, int k) { return Links::input_window(channel, k); }
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
  TYPENET_HD static constexpr int window(int channel, int k) { return Links::output_window(channel, k); }
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
    const scalar* window = weights + index{Gather::window(channel, k)} * G.taps();
    for (int ky = 0; ky < G.kernel.height; ++ky) {
      const int source_row = Gather::source_row(row, ky);
      if (source_row < 0) continue;
      const scalar* line = plane + index{source_row} * Gather::source_width * Lanes;
      const scalar* taps = window + ky * G.kernel.width;
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
            sum[r][j] = lane::fma<Pack>(x, lane::broadcast<Pack>(taps[r * Gather::weight_step * G.taps() + kx]), sum[r][j]);
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
  /// Pieces of work that a row is cut into, each for `tile.rows` channels; piece p begins at column `p * piece_columns`.
  static constexpr int pieces_of_row = Small ? tiles : 1;
  static constexpr int piece_columns = Small ? tile.columns : Gather::width;
  static constexpr index items_per_block = index{Gather::channels} / tile.rows * Gather::height * pieces_of_row;

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
    const int line = static_cast<int>(item / pieces_of_row);
    run(line / Gather::height * tile.rows, line % Gather::height, static_cast<int>(item % pieces_of_row), source, weights, begin, end);
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

/// Gradient of the weights: one work item owns `rows` outputs x `columns` inputs x some rows of taps and sums all samples.
template <conv_geometry G, class Links, class Pack, int Lanes, bool Small>
struct weight_gradient_plan {
  using scalar = lane::scalar_t<Pack>;
  static constexpr register_tile tile =
      choose_tile(Links::rows_together, Links::columns_together, 1, G.kernel.width, lane::registers<Pack>, true);
  static constexpr int windows_per_item = tile.rows * tile.columns;
  static constexpr index tiles = index{Links::windows} / windows_per_item;
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
        if (outside && !G.bordered()) continue;
        const Pack x = outside ? border() : lane::load<Pack>(line + (c * in_area + source_column) * Lanes);
        TYPENET_UNROLL
        for (int r = 0; r < tile.rows; ++r) sum.of[r][c][kx] = lane::fma<Pack>(g[r], x, sum.of[r][c][kx]);
      }
    }
  }

  TYPENET_HD TYPENET_INLINE static Pack border() {
    constexpr auto value = static_cast<scalar>(G.border.value());
    return lane::broadcast<Pack>(value);
  }
  /// A row of results that sees nothing but padding through these taps.
  TYPENET_HD TYPENET_INLINE static void beyond(const scalar* gradient, sums& sum) {
    constexpr index out_area = index{G.out_height} * G.out_width;
    for (int r = 0; r < tile.rows; ++r) {
      Pack all = lane::broadcast<Pack>(0);
      for (int x = 0; x < G.out_width; ++x) all = all + lane::load<Pack>(gradient + (r * out_area + x) * Lanes);
      all = all * border();
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
      while (group >= Links::input_window(output, 0) + Links::inputs_of(output)) ++output;
      k = group - Links::input_window(output, 0);
    }
    return {static_cast<int>(item % parts) * tap_rows, output, k};
  }

  /// Adds to the sums of an item what rows [first, last) of all blocks contribute; or, where it is `Fresh`, begins with that.
  template <bool Fresh, class Data>
  TYPENET_HD TYPENET_INLINE static void add(index item, index first, index last, const Data& data, Pack* total) {
    const part p = part_of(item);
    const index first_block = first / rows_of_block;
    lane::for_each_run(first, last, rows_of_block, [&](index block, index begin, index end) {
      const scalar* plane = data.input.template block<Pack>(block) + index{Links::input(p.output, p.k)} * G.in_height * G.in_width * Lanes;
      const scalar* gradients = data.output_gradient.template block<Pack>(block) + index{p.output} * G.out_height * G.out_width * Lanes;
      for (int top = static_cast<int>(begin); top < static_cast<int>(end); top += band) {
        const int bottom = top + band < static_cast<int>(end) ? top + band : static_cast<int>(end);
        for (int t = 0; t < tap_rows; ++t) {
          sums sum;
          if (Fresh && block == first_block && top == static_cast<int>(begin))
            copy(total, sum, [](Pack&, Pack& ours) TYPENET_LAMBDA_INLINE { ours = lane::broadcast<Pack>(0); });
          else
            copy(total + t * (count / tap_rows), sum, [](Pack& theirs, Pack& ours) TYPENET_LAMBDA_INLINE { ours = theirs; });
          for (int row = top; row < bottom; ++row) {
            const int source_row = gather::source_row(row, p.first_ky + t);
            const scalar* gradient = gradients + index{row} * G.out_width * Lanes;
            if (source_row < 0) {
              if constexpr (G.bordered()) beyond(gradient, sum);
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
          scalar* to = gradients + index{Links::input_window(p.output + r, p.k + c)} * G.taps() + (p.first_ky + t) * G.kernel.width;
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

}  // namespace detail

/// Convolution (cross-correlation, as in every framework) of a channels x height x width input.
///
/// Output: `Channels` x ⌊(H + 2·padding − dilation·(kernel − 1) − 1) / stride⌋ + 1, likewise for the width.
/// Parameters: `weight` [Channels, inputs / groups, kernel height, kernel width] and `bias` [Channels]. With
/// `connections<table>` the weight is [links, kernel height, kernel width], output by output, inputs ascending.
///
/// Options: `padding`, `padding_value`, `stride`, `dilation`, `groups`, `bias<false>`, `connections<table>`; `bias<per_unit>`, whose `bias`
/// is [Channels, output height, output width].
/// @tparam Kernel the window: 5, or `kernel<3, 5>`
/// @see torch.nn.Conv2d; the table of connections: LeCun et al. 1998, table I
template <int Channels, auto Kernel, class... Options>
struct conv2d : layer_defaults {
 private:
  static constexpr kernel_size window = detail::to_kernel_size(Kernel);
  static constexpr kernel_size step = detail::find_option_t<option_kind::stride, stride<1>, Options...>::value;
  static constexpr kernel_size border = detail::find_option_t<option_kind::padding, padding<0>, Options...>::value;
  static constexpr kernel_size spread = detail::find_option_t<option_kind::dilation, dilation<1>, Options...>::value;
  static constexpr int group_count = detail::find_option_t<option_kind::groups, groups<1>, Options...>::value;
  static constexpr real border_value = detail::find_option_t<option_kind::padding_value, padding_value<0.0>, Options...>::value;
  static constexpr detail::bias_use bias_in_use = detail::bias_of<Options...>();
  static constexpr bool has_bias = bias_in_use != detail::bias_use::none;
  static constexpr bool per_unit = bias_in_use == detail::bias_use::per_unit;
  static constexpr bool bias_per_channel = bias_in_use == detail::bias_use::per_channel;
  static constexpr index biases(shape in) { return !has_bias ? 0 : per_unit ? output(in).size() : Channels; }
  static constexpr auto table = detail::find_option_t<option_kind::connections, typenet::connections<0>, Options...>::value;
  static constexpr bool has_table = detail::is_connection_table<decltype(table)>;

  static constexpr int reach(int taps, int gap) { return (taps - 1) * gap + 1; }

  static constexpr bool every_output_connected() {
    if constexpr (has_table)
      for (int o = 0; o < table.outputs; ++o)
        if (table.links_to(o) == 0) return false;
    return true;
  }
  static constexpr bool table_fits(int inputs) {
    if constexpr (has_table) return table.inputs == inputs && table.outputs == Channels;
    return inputs > 0;
  }
  static constexpr int windows(shape in) {
    if constexpr (has_table) return table.links();
    return Channels * (in.channels() / group_count);
  }
  static constexpr detail::conv_geometry make_geometry(shape in) {
    const shape out = output(in);
    return {in.channels(), in.height(), in.width(), Channels, out.height(), out.width(),
            window,        step,        border,     spread,   group_count,  border_value};
  }
  template <shape In>
  static constexpr detail::conv_geometry geometry = make_geometry(In);
  template <shape In, bool Table = has_table>
  struct links_of {
    using type = detail::dense_links<geometry<In>>;
  };
  template <shape In>
  struct links_of<In, true> {
    using type = detail::table_links<table>;
  };
  template <shape In>
  using links = typename links_of<In>::type;

  static constexpr detail::conv_row_layout<detail::conv_geometry> row_layout(shape in) { return {make_geometry(in)}; }
  /// Whether neighbouring results see neighbouring numbers, zeros around them, and share a channel's bias.
  static constexpr bool plain(shape in) { return row_layout(in).unit_steps() && !per_unit && !make_geometry(in).bordered(); }
  template <shape In>
  static constexpr bool is_plain = plain(In);
  template <shape In>
  static constexpr bool sees_all = is_plain<In> && !has_table && row_layout(In).sees_all();
  /// How one sample is convolved: neighbouring columns in the lanes, or neighbouring taps; where a window is the whole input, as `linear`
  /// does.
  template <shape In, class Exec, bool All, bool UnitSteps>
  struct rows_of {
    using tiles = detail::weight_gradient_plan<geometry<In>, links<In>, typename Exec::row, lane::width<typename Exec::row>, false>;
    using type = detail::conv_rows<geometry<In>, links<In>, has_bias, tiles, Exec>;
  };
  template <shape In, class Exec>
  struct rows_of<In, Exec, false, false> {
    using type = detail::conv_patches<geometry<In>, links<In>, has_bias, per_unit, Exec>;
  };
  template <shape In, class Exec>
  struct rows_of<In, Exec, true, true> {
    using type = detail::linear_rows<In.size(), Channels, has_bias, Exec>;
  };
  template <shape In, row_execution Exec>
  using rows = typename rows_of<In, Exec, sees_all<In>, is_plain<In>>::type;

 public:
  /// Squares of inputs would have to come with the square of what is beyond them.
  static constexpr second_order curvature = border_value.digits == 0 ? second_order::squares : second_order::unknown;

  template <shape In>
  static constexpr auto check() {
    using problem = detail::option_problem<
        detail::option_kinds<option_kind::stride, option_kind::padding, option_kind::padding_value, option_kind::dilation,
                             option_kind::groups, option_kind::bias, option_kind::connections>,
        Options...>;
    if constexpr (!std::is_same_v<problem, accepted>)
      return problem{};
    else if constexpr (Channels < 1 || window.height < 1 || window.width < 1 || step.height < 1 || step.width < 1 || spread.height < 1 ||
                       spread.width < 1 || group_count < 1)
      return needs::positive_sizes{};
    else if constexpr (border.height < 0 || border.width < 0)
      return needs::non_negative_padding{};
    else if constexpr (bias_in_use == detail::bias_use::unheard_of)
      return needs::a_bias_of_true_false_or_per_unit{};
    else if constexpr (In.rank != 3)
      return needs::an_image{};
    else if constexpr (!has_table && !std::is_void_v<detail::find_option_t<option_kind::connections, void, Options...>>)
      return needs::a_connection_table{};
    else if constexpr (has_table && group_count != 1)
      return needs::groups_or_connections_not_both{};
    else if constexpr (!table_fits(In.channels()))
      return needs::connection_table_of<In.channels(), Channels>{};
    else if constexpr (!every_output_connected())
      return needs::a_connection_for_every_output{};
    else if constexpr (In.channels() % group_count != 0)
      return needs::channels_divisible_by<group_count>{};
    else if constexpr (Channels % group_count != 0)
      return needs::output_channels_divisible_by<group_count>{};
    else if constexpr (In.height() + 2 * border.height < reach(window.height, spread.height) ||
                       In.width() + 2 * border.width < reach(window.width, spread.width))
      return needs::input_at_least<reach(window.height, spread.height), reach(window.width, spread.width)>{};
    else
      return accepted{};
  }

  static constexpr shape output(shape in) {
    return shape{Channels, (in.height() + 2 * border.height - reach(window.height, spread.height)) / step.height + 1,
                 (in.width() + 2 * border.width - reach(window.width, spread.width)) / step.width + 1};
  }

  static constexpr auto parameters(shape in) {
    const int taps = window.height * window.width;
    // Of a table, the mean over the outputs.
    const int fan_in = windows(in) * taps / Channels;
    const int fan_out = windows(in) * taps / in.channels();
    parameter_spec weight{"weight", parameter_role::weight, 4, {Channels, in.channels() / group_count, window.height, window.width}, fan_in,
                          fan_out};
    if constexpr (has_table) weight = {"weight", parameter_role::weight, 3, {windows(in), window.height, window.width, 1}, fan_in, fan_out};
    const shape out = output(in);
    if constexpr (per_unit)
      return std::array<parameter_spec, 2>{
          weight, parameter_spec{"bias", parameter_role::bias, 3, {Channels, out.height(), out.width(), 1}, fan_in, fan_out}};
    else if constexpr (has_bias)
      return std::array<parameter_spec, 2>{weight, parameter_spec{"bias", parameter_role::bias, 1, {Channels, 1, 1, 1}, fan_in, fan_out}};
    else
      return std::array<parameter_spec, 1>{weight};
  }

  static constexpr index row_scratch_size(shape in, index samples) {
    if (!plain(in)) return samples * detail::patches_size(make_geometry(in));
    return !has_table && row_layout(in).sees_all() ? 0 : row_layout(in).end(samples) + (has_table ? 0 : parameters(in)[0].size());
  }

  static constexpr index macs(shape in) { return index{windows(in)} * window.height * window.width * output(in).area(); }
  static constexpr index connections(shape in) { return macs(in) + (has_bias ? output(in).size() : 0); }

  template <shape In>
  static constexpr fusion_role role() {
    return fusion_role::producer;
  }
  /// The forward pass piece by piece.
  template <shape In, class Exec>
  struct pieces {
    using plan = detail::gather_plan<geometry<In>, detail::forward_gather<geometry<In>, links<In>>, typename Exec::pack, Exec::lanes,
                                     Exec::many_workers>;
    /// What a piece holds: some channels in one row, all columns or some (the last piece of a row may have fewer).
    static constexpr int channels = plan::tile.rows, columns = plan::piece_columns;
    static constexpr int in_row = plan::pieces_of_row;

    template <class Data>
    TYPENET_HD TYPENET_INLINE static void run(const Data& data, index block, int channel, int row, int piece) {
      using pack = typename Exec::pack;
      using scalar = typename Exec::scalar;
      scalar* to = data.output.template block<pack>(block);
      plan::run(
          channel, row, piece, data.input.template block<pack>(block), data.parameters[0],
          [&](int o, [[maybe_unused]] int y, [[maybe_unused]] int x) TYPENET_LAMBDA_INLINE {
            scalar first = has_bias
                               ? data.parameters[has_bias ? 1 : 0][per_unit ? (o * output(In).height() + y) * output(In).width() + x : o]
                               : scalar{0};
            if constexpr (geometry<In>.bordered()) first += detail::border_sum<geometry<In>, links<In>>(data.parameters[0], o, y, x);
            return lane::broadcast<pack>(first);
          },
          [&](int element, const pack& value) { lane::store<pack>(to + index{element} * Exec::lanes, value); });
    }
  };
  /// Most pieces of a row, wherever it runs.
  static constexpr int most_pieces_of_row(shape in) {
    const int columns = output(in).width();
    const int together = has_table ? 1 : Channels / group_count;
    return static_cast<int>(detail::ceil_div(columns, detail::choose_tile(together, columns, 1, 1, lane::warp_registers).columns));
  }

  template <shape In, class Exec, class Data>
  TYPENET_HD static void forward(Exec& exec, const Data& data) {
    using all = pieces<In, Exec>;
    constexpr int height = output(In).height();
    constexpr index items = index{Channels} / all::channels * height * all::in_row;
    exec.for_each(exec.blocks() * items, [=] TYPENET_HD(index item) {
      const int line = static_cast<int>(item % items / all::in_row);
      all::run(data, item / items, line / height * all::channels, line % height, static_cast<int>(item % all::in_row));
    });
  }

  template <shape In, bool Accumulate, class Exec, class Data>
  TYPENET_HD static void backward_input(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    using scalar = typename Exec::scalar;
    using plan = detail::gather_plan<geometry<In>, detail::backward_gather<geometry<In>, links<In>>, pack, Exec::lanes, Exec::many_workers>;
    exec.for_each(exec.blocks() * plan::items_per_block, [=] TYPENET_HD(index item) {
      const index block = item / plan::items_per_block;
      scalar* to = data.input_gradient.template block<pack>(block);
      plan::run(
          item % plan::items_per_block, data.output_gradient.template block<pack>(block), data.parameters[0],
          [&](int, int, int) TYPENET_LAMBDA_INLINE { return lane::broadcast<pack>(0); },
          [&](int element, const pack& value) { lane::put<Accumulate, pack>(to + index{element} * Exec::lanes, value); });
    });
  }

  template <shape In, class Exec, class Data>
  TYPENET_HD static void backward_parameters(Exec& exec, const Data& data) {
    sum_gradients<In, false>(exec, data);
  }
  /// @tparam Centered whether the gradients of a channel add up to nothing, as they do before a normalisation: nor then has its bias any
  template <shape In, bool Centered, class Exec, class Data>
  TYPENET_HD static void sum_gradients(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    using scalar = typename Exec::scalar;
    using plan = detail::weight_gradient_plan<geometry<In>, links<In>, pack, Exec::lanes, Exec::many_workers>;
    if constexpr (Exec::many_workers) {
      exec.template reduce<plan::count>(
          plan::items + (bias_per_channel ? Channels : 0), exec.blocks() * plan::rows_of_block,
          [=] TYPENET_HD(index item, index first, index last, pack(&sum)[plan::count]) {
            if (item < plan::items)
              plan::template add<false>(item, first, last, data, sum);
            else if (!Centered)
              add_bias<In, Exec>(data, item - plan::items, first, last, sum[0]);
          },
          [=] TYPENET_HD(index item, const scalar(&total)[plan::count]) {
            if (item < plan::items)
              plan::write(item, total, data.gradients[0]);
            else
              data.gradients[has_bias ? 1 : 0][item - plan::items] = total[0];
          });
    } else {
      exec.for_each(plan::items, [=](index item) {
        pack sum[plan::count];
        plan::template add<true>(item, 0, exec.blocks() * plan::rows_of_block, data, sum);
        scalar total[plan::count];
        lane::sums<pack, plan::count>(sum, total);
        plan::write(item, total, data.gradients[0]);
      });
      if constexpr (bias_per_channel && Centered)
        exec.for_each(Channels, [=](index channel) { data.gradients[1][channel] = 0; });
      else if constexpr (bias_per_channel)
        exec.template reduce<1>(
            Channels, exec.blocks() * plan::rows_of_block,
            [=](index channel, index first, index last, pack(&sum)[1]) { add_bias<In, Exec>(data, channel, first, last, sum[0]); },
            [=](index channel, const scalar(&total)[1]) { data.gradients[1][channel] = total[0]; });
    }
    if constexpr (per_unit)
      exec.template reduce<1>(
          biases(In), exec.blocks(),
          [=] TYPENET_HD(index item, index first, index last, pack(&sum)[1]) {
            for (index block = first; block < last; ++block)
              sum[0] = sum[0] + lane::load<pack>(data.output_gradient.template block<pack>(block) + item * Exec::lanes);
          },
          [=] TYPENET_HD(index item, const scalar(&total)[1]) { data.gradients[1][item] = total[0]; });
  }
  /// Adds a channel's gradients, rows [first, last) of those of all blocks.
  template <shape In, class Exec, class Data>
  TYPENET_HD TYPENET_INLINE static void add_bias(const Data& data, index channel, index first, index last, typename Exec::pack& sum) {
    using pack = typename Exec::pack;
    constexpr shape out = output(In);
    lane::for_each_run(first, last, out.height(), [&](index block, index begin, index end) {
      const auto* const rows =
          data.output_gradient.template block<pack>(block) + (channel * out.area() + begin * out.width()) * Exec::lanes;
      lane::add_run<pack, Exec::lanes>(rows, (end - begin) * out.width(), sum);
    });
  }

  // One sample.
  template <shape In, row_execution Exec, class Data>
  TYPENET_HD static void forward(Exec& exec, const Data& data) {
    using channels = detail::conv_channels<geometry<In>, has_bias, Exec>;
    if constexpr (is_plain<In> && !sees_all<In> && !has_table && channels::suits)
      channels::forward(exec, data);
    else
      rows<In, Exec>::forward(exec, data);
  }
  template <shape In, bool Accumulate, row_execution Exec, class Data>
  TYPENET_HD static void backward_input(Exec& exec, const Data& data) {
    rows<In, Exec>::template backward_input<Accumulate>(exec, data);
  }
  template <shape In, row_execution Exec, class Data>
  TYPENET_HD static void backward_parameters(Exec& exec, const Data& data) {
    rows<In, Exec>::backward_parameters(exec, data);
  }
};

}  // namespace typenet
