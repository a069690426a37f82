// SPDX-License-Identifier: MIT
/// @file
/// conv_direct: convolution of one sample with stride 1 and dilation 1, with neighboring columns in the lanes.
///
/// A padded plane is read as one long row. With position p = row * pitch + column, where pitch is the width of the padded input,
///
///     result[p] = Σ source[p + ky * pitch + kx] * weight[ky][kx]
///
/// so vectors run on from one row into the next, and need not end where rows end. The last columns of each row, one less than the kernel is
/// wide, are computed and dropped.
///
/// The output's gradient is stored with this pitch too. Zeros fill the dropped columns, and `kernel height - 1` rows above and below. They
/// serve two purposes. The weights' gradient is a sum over long rows, to which the dropped columns add zeros. And the input's gradient is a
/// convolution of this kind with mirrored taps, for which the zeros are the padding.
#pragma once

#include <type_traits>

#include <typenet/core/ceil_div.hpp>
#include <typenet/core/config.hpp>
#include <typenet/kernels/conv2d/geometry.hpp>
#include <typenet/simd/execution.hpp>
#include <typenet/simd/lane_view.hpp>
#include <typenet/simd/loops.hpp>
#include <typenet/simd/pack.hpp>
#include <typenet/simd/register_tile.hpp>
#include <typenet/simd/tile_start.hpp>

namespace typenet::detail {

/// The sizes of the padded copies of one sample, in scalars. A copy of the input, `[channel][padded row][padded column]`, is followed by a
/// copy of the output's gradient, `[channel][padded row][padded column]`; both have the pitch of the padded input.
template <class Geometry>
struct padded_layout {
  Geometry g;

  /// True for stride 1 and dilation 1.
  [[nodiscard]] constexpr bool is_unit_stride() const {
    return g.stride.height == 1 && g.stride.width == 1 && g.dilation.height == 1 && g.dilation.width == 1;
  }
  /// True where every output reads the whole input.
  [[nodiscard]] constexpr bool covers_input() const {
    return g.groups == 1 && g.padding.height == 0 && g.padding.width == 0 && g.kernel.height == g.in_height && g.kernel.width == g.in_width;
  }
  /// True where the input has padding; otherwise the forward pass reads the input itself.
  [[nodiscard]] constexpr bool padded() const { return g.padding.height > 0 || g.padding.width > 0; }
  /// Distance from one row to the next.
  [[nodiscard]] constexpr int pitch() const { return g.in_width + 2 * g.padding.width; }
  /// Size of a padded plane of the input.
  [[nodiscard]] constexpr int plane() const { return (g.in_height + 2 * g.padding.height) * pitch(); }
  /// Zeros after the last plane, which the last vectors read.
  [[nodiscard]] constexpr int tail() const { return g.kernel.width + 16; }
  /// Size of a padded plane of the output's gradient, its tail included.
  [[nodiscard]] constexpr int gradient_plane() const { return (g.out_height + 2 * (g.kernel.height - 1)) * pitch() + tail(); }
  /// The place of the first number of a plane of the output's gradient within its padded plane.
  [[nodiscard]] constexpr int gradient_start() const { return (g.kernel.height - 1) * pitch() + g.kernel.width - 1; }
  /// Size of the copy of the input, and of both copies.
  [[nodiscard]] constexpr index input_size() const { return index{g.in_channels} * plane() + tail(); }
  [[nodiscard]] constexpr index size() const { return input_size() + index{g.out_channels} * gradient_plane(); }
  /// Size of the copies of `samples` samples, rounded up to 16 scalars: what follows them is aligned if they are.
  [[nodiscard]] constexpr index end(index samples) const { return ceil_div(samples * size(), 16) * 16; }
};

/// The forward direction: results are the output, the source is the padded input.
///
/// A direction has:
/// - `channels`, `height`, `width`: extents of the results
/// - `row_limit`: channels that may share a register tile; its rows divide it
/// - `weight_step`: distance between the kernels of neighboring channels of a tile, in scalars
/// - `plane`: size of a source plane; `start`: place in it that result (0, 0) reads through tap (0, 0)
/// - `sources(channel)`, `source(channel, k)`, `kernel(channel, k)`: the number of source channels; the k-th of them; its kernel
/// - `tap(ky, kx)`: the weight for source offset (ky, kx), counted in the kernel
template <auto G, class Links>
struct direct_forward {
  static constexpr padded_layout<std::remove_const_t<decltype(G)>> layout{G};
  static constexpr int channels = G.out_channels, height = G.out_height, width = G.out_width;
  static constexpr int row_limit = Links::shared_outputs;
  static constexpr int weight_step = Links::output_step * G.taps();
  static constexpr int plane = layout.plane(), start = 0;
  TYPENET_HD static constexpr int sources(int channel) { return Links::inputs_of(channel); }
  TYPENET_HD static constexpr int source(int channel, int k) { return Links::input(channel, k); }
  TYPENET_HD static constexpr int kernel(int channel, int k) { return Links::input_kernel(channel, k); }
  TYPENET_HD static constexpr int tap(int ky, int kx) { return ky * G.kernel.width + kx; }
};

/// The backward direction: results are the input's gradient, the source is the padded gradient of the output, and the taps are mirrored.
template <auto G, class Links>
struct direct_backward {
  static constexpr padded_layout<std::remove_const_t<decltype(G)>> layout{G};
  static constexpr int channels = G.in_channels, height = G.in_height, width = G.in_width;
  static constexpr int row_limit = Links::shared_inputs;
  static constexpr int weight_step = Links::input_step * G.taps();
  static constexpr int plane = layout.gradient_plane(), start = G.padding.height * layout.pitch() + G.padding.width;
  TYPENET_HD static constexpr int sources(int channel) { return Links::outputs_of(channel); }
  TYPENET_HD static constexpr int source(int channel, int k) { return Links::output(channel, k); }
  TYPENET_HD static constexpr int kernel(int channel, int k) { return Links::output_kernel(channel, k); }
  TYPENET_HD static constexpr int tap(int ky, int kx) { return (G.kernel.height - 1 - ky) * G.kernel.width + G.kernel.width - 1 - kx; }
};

/// A convolution in either direction. A work item computes a *band*, a few rows of results, of `tile.rows` channels as one long row, and
/// then stores the rows one by one without the dropped columns.
/// @tparam Direction `direct_forward` or `direct_backward`
template <auto G, class Direction, one_sample_execution Exec>
struct conv_bands {
  using scalar = typename Exec::scalar;
  using vector = typename Exec::vector;
  static constexpr int lanes = lane::width<vector>;
  static constexpr int pitch = Direction::layout.pitch();
  /// Rows of a band, so few that its long rows stay in the nearest cache.
  static constexpr int max_band_rows = pitch < 512 ? 512 / pitch : 1;
  static constexpr int bands = static_cast<int>(ceil_div(Direction::height, max_band_rows));
  static constexpr int band_rows = static_cast<int>(ceil_div(Direction::height, bands));
  /// Vectors of a band's long row.
  static constexpr int vectors = static_cast<int>(ceil_div((band_rows - 1) * pitch + Direction::width, lanes));
  /// Channels × vectors that are accumulated at one time.
  static constexpr register_tile tile = choose_tile(Direction::row_limit, vectors, 1, 1, lane::registers<vector>);
  static constexpr int vector_tiles = static_cast<int>(ceil_div(vectors, tile.columns));
  static constexpr index items = index{Direction::channels} / tile.rows * bands;

  /// Runs work item `item`, below `items`, of one sample.
  /// @tparam Accumulate adds to `to` where true
  /// @param source `[channel][padded row][padded column]`, planes of `Direction::plane` scalars
  /// @param weights `[kernel][kernel row][kernel column]`
  /// @param to `[channel][row][column]`
  /// @param initial `initial(channel)` is the number that a result's sum begins with
  template <bool Accumulate, class Initial>
  TYPENET_HD TYPENET_INLINE static void run(index item, const scalar* source, const scalar* weights, scalar* to, const Initial& initial) {
    const int channel = static_cast<int>(item / bands) * tile.rows;
    // The last band overlaps the one before rather than be short, and stores only its own rows.
    const tile_start band = clamped_tile(item % bands, band_rows, Direction::height);
    const int top = band.first;
    // One vector more than is stored: loads of whole vectors may run past the last row.
    alignas(64) scalar sums[tile.rows][(vectors + 1) * lanes];
    const scalar* const begin = source + Direction::start + top * pitch;
    for (int t = 0; t < vector_tiles; ++t) {
      const int at = clamped_tile(t, tile.columns, vectors).first * lanes;
      vector sum[tile.rows][tile.columns];
      TYPENET_UNROLL
      for (int r = 0; r < tile.rows; ++r) {
        const vector value = initial(channel + r);
        TYPENET_UNROLL
        for (int c = 0; c < tile.columns; ++c) sum[r][c] = value;
      }
      add_taps(channel, begin + at, weights, sum);
      TYPENET_UNROLL
      for (int r = 0; r < tile.rows; ++r) TYPENET_UNROLL
      for (int c = 0; c < tile.columns; ++c) lane::store(sums[r] + at + c * lanes, sum[r][c]);
    }
    for (int r = 0; r < tile.rows; ++r)
      for (int y = band.wanted - top; y < band_rows; ++y) {
        const scalar* const from = sums[r] + y * pitch;
        scalar* const line = to + (index{channel + r} * Direction::height + top + y) * Direction::width;
        TYPENET_UNROLL
        for (int x = 0; x < Direction::width; x += lanes)
          lane::store_or_add_first<Accumulate>(line + x, lane::load_unaligned<vector>(from + x), Direction::width - x);
      }
  }

 private:
  /// Adds all source channels and taps to a register tile of sums.
  /// @param source the tile's first position in source channel 0
  /// @param sum accumulators, `[channel][vector]`
  TYPENET_HD TYPENET_INLINE static void add_taps(int channel, const scalar* source, const scalar* weights,
                                                 vector (&sum)[tile.rows][tile.columns]) {
    const int count = Direction::sources(channel);
    for (int k = 0; k < count; ++k) {
      const scalar* const plane = source + index{Direction::source(channel, k)} * Direction::plane;
      const scalar* const kernel = weights + index{Direction::kernel(channel, k)} * G.taps();
      for (int ky = 0; ky < G.kernel.height; ++ky) {
        const scalar* const line = plane + ky * pitch;
        for (int kx = 0; kx < G.kernel.width; ++kx) {
          const scalar* at = line + kx;
          const scalar* weight = kernel + Direction::tap(ky, kx);
          TYPENET_FORGET(at);
          TYPENET_FORGET(weight);
          vector x[tile.columns];
          TYPENET_UNROLL
          for (int c = 0; c < tile.columns; ++c) x[c] = lane::load_unaligned<vector>(at + c * lanes);
          TYPENET_UNROLL
          for (int r = 0; r < tile.rows; ++r) {
            const vector w = weight[r * Direction::weight_step];
            TYPENET_UNROLL
            for (int c = 0; c < tile.columns; ++c) sum[r][c] = lane::fma(x[c], w, sum[r][c]);
          }
        }
      }
    }
  }
};

/// Padded copies of the input and of the output's gradient in scratch memory, `[sample]`, each sample as `padded_layout` says.
template <auto G, one_sample_execution Exec>
struct padded_copies {
  using scalar = typename Exec::scalar;
  using vector = typename Exec::vector;
  static constexpr int lanes = lane::width<vector>;
  static constexpr padded_layout<std::remove_const_t<decltype(G)>> layout{G};
  static constexpr int pitch = layout.pitch();

  /// The copies of one sample, `[channel][padded row][padded column]`.
  template <class Data>
  TYPENET_HD static scalar* padded_input(const Data& data, index sample) {
    return data.scratch + sample * layout.size();
  }
  template <class Data>
  TYPENET_HD static scalar* padded_gradient(const Data& data, index sample) {
    return padded_input(data, sample) + layout.input_size();
  }

  /// Writes the copies of the input of all samples.
  template <class Data>
  TYPENET_HD static void pad_input(Exec& exec, const Data& data) {
    exec.for_each(exec.blocks() * G.in_channels, [&](index item) {
      const index sample = item / G.in_channels, channel = item % G.in_channels;
      const bool last = channel + 1 == G.in_channels;
      pad<G.in_height, G.in_width>(lane::block<scalar>(data.input, sample) + channel * G.in_height * G.in_width,
                                   padded_input(data, sample) + channel * layout.plane(), layout.plane() + (last ? layout.tail() : 0),
                                   G.padding.height * pitch + G.padding.width);
    });
  }
  /// Writes the copies of the output's gradient of all samples.
  template <class Data>
  TYPENET_HD static void pad_gradient(Exec& exec, const Data& data) {
    exec.for_each(exec.blocks() * G.out_channels, [&](index item) {
      const index sample = item / G.out_channels, channel = item % G.out_channels;
      pad<G.out_height, G.out_width>(lane::block<scalar>(data.output_gradient, sample) + channel * G.out_height * G.out_width,
                                     padded_gradient(data, sample) + channel * layout.gradient_plane(), layout.gradient_plane(),
                                     layout.gradient_start());
    });
  }

 private:
  /// Copies a plane and surrounds it with zeros.
  /// @param from `[row][column]`, `Height` × `Width`
  /// @param to `size` scalars, rows `pitch` apart; the plane begins at `start`
  template <int Height, int Width>
  TYPENET_HD static void pad(const scalar* from, scalar* to, index size, index start) {
    for (index e = 0; e < size; ++e) to[e] = 0;
    for (int y = 0; y < Height; ++y) {
      TYPENET_UNROLL
      for (int x = 0; x < Width; x += lanes)
        lane::store_or_add_first<false>(to + start + y * pitch + x, lane::load_unaligned<vector>(from + index{y} * Width + x), Width - x);
    }
  }
};

/// The passes of one convolution. Layouts as in `conv_one_sample`.
/// @tparam Bias true where a bias for each output channel is added
/// @tparam Tiles the tiles of weights that work items own, a `weight_gradient_plan`
template <auto G, class Links, bool Bias, class Tiles, one_sample_execution Exec>
struct conv_direct {
  using scalar = typename Exec::scalar;
  using vector = typename Exec::vector;
  static constexpr int lanes = lane::width<vector>;
  static constexpr padded_layout<std::remove_const_t<decltype(G)>> layout{G};
  static constexpr int pitch = layout.pitch();
  using copies = padded_copies<G, Exec>;

  /// Writes the output.
  template <class Data>
  TYPENET_HD static void forward(Exec& exec, const Data& data) {
    using results = conv_bands<G, direct_forward<G, Links>, Exec>;
    if (layout.padded()) copies::pad_input(exec, data);
    exec.for_each(exec.blocks() * results::items, [&](index item) {
      const index sample = item / results::items;
      const scalar* const source = layout.padded() ? copies::padded_input(data, sample) : lane::block<scalar>(data.input, sample);
      results::template run<false>(item % results::items, source, data.parameters[0], lane::block<scalar>(data.output, sample),
                                   [&](int o) { return Bias ? data.parameters[Bias ? 1 : 0][o] : scalar{0}; });
    });
  }

  /// Copies input and output gradient, and writes the gradients of the weights and of the bias. A work item owns a tile of weights, or one
  /// bias, and sums all samples in order: for each tap row the accumulators stay in registers, and the lanes are summed last.
  template <class Data>
  TYPENET_HD static void backward_parameters(Exec& exec, const Data& data) {
    constexpr int vectors = static_cast<int>(ceil_div((G.out_height - 1) * pitch + G.out_width, lanes));
    constexpr int rows = Tiles::tile.rows, columns = Tiles::tile.columns, taps = G.kernel.width;
    copies::pad_input(exec, data);
    copies::pad_gradient(exec, data);
    const index samples = exec.blocks();
    exec.for_each(Tiles::items + (Bias ? G.out_channels : 0), [&](index item) {
      if (Bias && item >= Tiles::items) {
        const index o = item - Tiles::items;
        vector sum = 0;
        for (index sample = 0; sample < samples; ++sample) {
          const scalar* const gradient = copies::padded_gradient(data, sample) + o * layout.gradient_plane() + layout.gradient_start();
          for (int v = 0; v < vectors; ++v) sum = sum + lane::load_unaligned<vector>(gradient + v * lanes);
        }
        data.gradients[Bias ? 1 : 0][o] = lane::sum(sum);
        return;
      }
      const auto owned = Tiles::tile_of(item);
      scalar total[Tiles::count];
      scalar* to = total;
      for (int t = 0; t < Tiles::tap_rows; ++t) {
        vector sum[rows][columns][taps];
        TYPENET_UNROLL
        for (int r = 0; r < rows; ++r) TYPENET_UNROLL
        for (int c = 0; c < columns; ++c) TYPENET_UNROLL
        for (int kx = 0; kx < taps; ++kx) sum[r][c][kx] = 0;
        for (index sample = 0; sample < samples; ++sample) {
          const scalar* x = copies::padded_input(data, sample) + index{Links::input(owned.output, owned.k)} * layout.plane() +
                            (owned.first_ky + t) * pitch;
          const scalar* gradient =
              copies::padded_gradient(data, sample) + index{owned.output} * layout.gradient_plane() + layout.gradient_start();
          for (int v = 0; v < vectors; ++v, x += lanes, gradient += lanes) {
            vector g[rows];
            TYPENET_UNROLL
            for (int r = 0; r < rows; ++r) g[r] = lane::load_unaligned<vector>(gradient + r * layout.gradient_plane());
            TYPENET_UNROLL
            for (int c = 0; c < columns; ++c) TYPENET_UNROLL
            for (int kx = 0; kx < taps; ++kx) {
              const vector xs = lane::load_unaligned<vector>(x + c * layout.plane() + kx);
              TYPENET_UNROLL
              for (int r = 0; r < rows; ++r) sum[r][c][kx] = lane::fma(g[r], xs, sum[r][c][kx]);
            }
          }
        }
        TYPENET_UNROLL
        for (int r = 0; r < rows; ++r) TYPENET_UNROLL
        for (int c = 0; c < columns; ++c) TYPENET_UNROLL
        for (int kx = 0; kx < taps; ++kx) *to++ = lane::sum(sum[r][c][kx]);
      }
      Tiles::write(item, total, data.gradients[0]);
    });
  }

  /// Writes the gradient of the input, or adds to it where `Accumulate`.
  /// @pre `backward_parameters` has run, which copies the output's gradient
  template <bool Accumulate, class Data>
  TYPENET_HD static void backward_input(Exec& exec, const Data& data) {
    using results = conv_bands<G, direct_backward<G, Links>, Exec>;
    exec.for_each(exec.blocks() * results::items, [&](index item) {
      const index sample = item / results::items;
      results::template run<Accumulate>(item % results::items, copies::padded_gradient(data, sample), data.parameters[0],
                                        lane::block<scalar>(data.input_gradient, sample), [](int) { return scalar{0}; });
    });
  }
};

}  // namespace typenet::detail
