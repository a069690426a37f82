// SPDX-License-Identifier: MIT
/// @file
/// Convolution of one sample, of stride and dilation 1, with neighbouring columns in the lanes.
///
/// A plane with its padding is one long row: at position p = row * pitch + column a result is the sum of source[p + ky * pitch + kx] times
/// weight[ky][kx], so that registers need not end where rows do. The pitch is that of the padded input; positions in a row beyond the
/// result's width (one less than the kernel's of them) are computed and not used. Zeros there, in the output's gradient, make the sums of
/// the weights' gradient such long rows as well; and the same gaps are the padding with which the input's gradient is a convolution.
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

namespace typenet::detail {

/// Sizes of the padded copies of the input and of the output's gradient.
template <class Geometry>
struct padded_layout {
  Geometry g;

  [[nodiscard]] constexpr bool unit_steps() const {
    return g.stride.height == 1 && g.stride.width == 1 && g.dilation.height == 1 && g.dilation.width == 1;
  }
  /// Whether every output sees all of the input.
  [[nodiscard]] constexpr bool sees_all() const {
    return g.groups == 1 && g.padding.height == 0 && g.padding.width == 0 && g.kernel.height == g.in_height && g.kernel.width == g.in_width;
  }
  [[nodiscard]] constexpr bool padded() const { return g.padding.height > 0 || g.padding.width > 0; }
  [[nodiscard]] constexpr int pitch() const { return g.in_width + 2 * g.padding.width; }
  [[nodiscard]] constexpr int plane() const { return (g.in_height + 2 * g.padding.height) * pitch(); }
  /// Zeros beyond what registers read past a plane's end.
  [[nodiscard]] constexpr int tail() const { return g.kernel.width + 16; }
  [[nodiscard]] constexpr int gradient_plane() const { return (g.out_height + 2 * (g.kernel.height - 1)) * pitch() + tail(); }
  /// Where a plane of the gradient begins within its padding.
  [[nodiscard]] constexpr int gradient_start() const { return (g.kernel.height - 1) * pitch() + g.kernel.width - 1; }
  /// Numbers of a padded input, and of both copies.
  [[nodiscard]] constexpr index input_size() const { return index{g.in_channels} * plane() + tail(); }
  [[nodiscard]] constexpr index size() const { return input_size() + index{g.out_channels} * gradient_plane(); }
  /// Where the numbers after `samples` such copies begin: aligned, if the first copy is.
  [[nodiscard]] constexpr index end(index samples) const { return ceil_div(samples * size(), 16) * 16; }
};

/// Results from the padded input.
template <auto G, class Links>
struct direct_forward {
  static constexpr padded_layout<std::remove_const_t<decltype(G)>> layout{G};
  static constexpr int channels = G.out_channels, height = G.out_height, width = G.out_width;
  static constexpr int rows_together = Links::rows_together;
  static constexpr int weight_step = Links::output_step * G.taps();
  static constexpr int plane = layout.plane(), start = 0;
  TYPENET_HD static constexpr int sources(int channel) { return Links::inputs_of(channel); }
  TYPENET_HD static constexpr int source(int channel, int k) { return Links::input(channel, k); }
  TYPENET_HD static constexpr int kernel(int channel, int k) { return Links::input_kernel(channel, k); }
  TYPENET_HD static constexpr int tap(int ky, int kx) { return ky * G.kernel.width + kx; }
};

/// The input's gradient from the padded gradient of the output, taps mirrored.
template <auto G, class Links>
struct direct_backward {
  static constexpr padded_layout<std::remove_const_t<decltype(G)>> layout{G};
  static constexpr int channels = G.in_channels, height = G.in_height, width = G.in_width;
  static constexpr int rows_together = Links::columns_together;
  static constexpr int weight_step = Links::input_step * G.taps();
  static constexpr int plane = layout.gradient_plane(), start = G.padding.height * layout.pitch() + G.padding.width;
  TYPENET_HD static constexpr int sources(int channel) { return Links::outputs_of(channel); }
  TYPENET_HD static constexpr int source(int channel, int k) { return Links::output(channel, k); }
  TYPENET_HD static constexpr int kernel(int channel, int k) { return Links::output_kernel(channel, k); }
  TYPENET_HD static constexpr int tap(int ky, int kx) { return (G.kernel.height - 1 - ky) * G.kernel.width + G.kernel.width - 1 - kx; }
};

/// A convolution in either direction. A work item is a few rows of results of some channels: computed as one long row, then cut.
template <auto G, class Direction, one_sample_execution Exec>
struct long_rows {
  using scalar = typename Exec::scalar;
  using vector = typename Exec::vector;
  static constexpr int lanes = lane::width<vector>;
  static constexpr int pitch = Direction::layout.pitch();
  /// Rows of results together, so many that their long rows stay in the nearest cache.
  static constexpr int most_rows = pitch < 512 ? 512 / pitch : 1;
  static constexpr int pieces = static_cast<int>(ceil_div(Direction::height, most_rows));
  static constexpr int piece_rows = static_cast<int>(ceil_div(Direction::height, pieces));
  static constexpr int registers = static_cast<int>(ceil_div((piece_rows - 1) * pitch + Direction::width, lanes));
  static constexpr register_tile tile = choose_tile(Direction::rows_together, registers, 1, 1, lane::registers<vector>);
  static constexpr index items = index{Direction::channels} / tile.rows * pieces;

  /// Work item `item` of one sample, whose planes begin at `source`. `first(channel)` is what sums start from.
  template <bool Accumulate, class First>
  TYPENET_HD TYPENET_INLINE static void run(index item, const scalar* source, const scalar* weights, scalar* to, const First& first) {
    const int channel = static_cast<int>(item / pieces) * tile.rows;
    // The last piece reaches back into its neighbour rather than be short, and leaves to that what is its own.
    const int wanted = static_cast<int>(item % pieces) * piece_rows;
    const int top = wanted + piece_rows <= Direction::height ? wanted : Direction::height - piece_rows;
    // Registers read whole: the last numbers are never used.
    alignas(64) scalar sums[tile.rows][(registers + 1) * lanes];
    const scalar* const begin = source + Direction::start + top * pitch;
    for (int v = 0; v < registers; v += tile.columns) {
      const int at = (v + tile.columns <= registers ? v : registers - tile.columns) * lanes;
      vector sum[tile.rows][tile.columns];
      TYPENET_UNROLL
      for (int r = 0; r < tile.rows; ++r) {
        const vector initial = first(channel + r);
        TYPENET_UNROLL
        for (int c = 0; c < tile.columns; ++c) sum[r][c] = initial;
      }
      add_taps(channel, begin + at, weights, sum);
      TYPENET_UNROLL
      for (int r = 0; r < tile.rows; ++r) TYPENET_UNROLL
      for (int c = 0; c < tile.columns; ++c) lane::store(sums[r] + at + c * lanes, sum[r][c]);
    }
    for (int r = 0; r < tile.rows; ++r)
      for (int y = wanted - top; y < piece_rows; ++y) {
        const scalar* const from = sums[r] + y * pitch;
        scalar* const line = to + (index{channel + r} * Direction::height + top + y) * Direction::width;
        TYPENET_UNROLL
        for (int x = 0; x < Direction::width; x += lanes)
          lane::store_or_add_first<Accumulate>(line + x, lane::load_unaligned<vector>(from + x), Direction::width - x);
      }
  }

 private:
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

/// Padded copies in scratch memory, of the input and of the output's gradient, sample by sample.
template <auto G, one_sample_execution Exec>
struct padded_copies {
  using scalar = typename Exec::scalar;
  using vector = typename Exec::vector;
  static constexpr int lanes = lane::width<vector>;
  static constexpr padded_layout<std::remove_const_t<decltype(G)>> layout{G};
  static constexpr int pitch = layout.pitch();

  template <class Data>
  TYPENET_HD static scalar* padded_input(const Data& data, index sample) {
    return data.scratch + sample * layout.size();
  }
  template <class Data>
  TYPENET_HD static scalar* padded_gradient(const Data& data, index sample) {
    return padded_input(data, sample) + layout.input_size();
  }

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
  /// A plane amid zeros, `size` numbers in all.
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

/// A convolution's passes.
/// @tparam Tiles cuts the weights among work items, as `weight_gradient_plan` does
template <auto G, class Links, bool Bias, class Tiles, one_sample_execution Exec>
struct conv_direct {
  using scalar = typename Exec::scalar;
  using vector = typename Exec::vector;
  static constexpr int lanes = lane::width<vector>;
  static constexpr padded_layout<std::remove_const_t<decltype(G)>> layout{G};
  static constexpr int pitch = layout.pitch();
  using copies = padded_copies<G, Exec>;

  template <class Data>
  TYPENET_HD static void forward(Exec& exec, const Data& data) {
    using results = long_rows<G, direct_forward<G, Links>, Exec>;
    if (layout.padded()) copies::pad_input(exec, data);
    exec.for_each(exec.blocks() * results::items, [&](index item) {
      const index sample = item / results::items;
      const scalar* const source = layout.padded() ? copies::padded_input(data, sample) : lane::block<scalar>(data.input, sample);
      results::template run<false>(item % results::items, source, data.parameters[0], lane::block<scalar>(data.output, sample),
                                   [&](int o) { return Bias ? data.parameters[Bias ? 1 : 0][o] : scalar{0}; });
    });
  }

  /// The copies of input and gradient; then a work item owns some kernels of weights, and sums all samples.
  template <class Data>
  TYPENET_HD static void backward_parameters(Exec& exec, const Data& data) {
    constexpr int registers = static_cast<int>(ceil_div((G.out_height - 1) * pitch + G.out_width, lanes));
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
          for (int v = 0; v < registers; ++v) sum = sum + lane::load_unaligned<vector>(gradient + v * lanes);
        }
        data.gradients[Bias ? 1 : 0][o] = lane::sum(sum);
        return;
      }
      const auto part = Tiles::part_of(item);
      scalar total[Tiles::count];
      scalar* to = total;
      for (int t = 0; t < Tiles::tap_rows; ++t) {
        vector sum[rows][columns][taps];
        TYPENET_UNROLL
        for (int r = 0; r < rows; ++r) TYPENET_UNROLL
        for (int c = 0; c < columns; ++c) TYPENET_UNROLL
        for (int kx = 0; kx < taps; ++kx) sum[r][c][kx] = 0;
        for (index sample = 0; sample < samples; ++sample) {
          const scalar* x =
              copies::padded_input(data, sample) + index{Links::input(part.output, part.k)} * layout.plane() + (part.first_ky + t) * pitch;
          const scalar* gradient =
              copies::padded_gradient(data, sample) + index{part.output} * layout.gradient_plane() + layout.gradient_start();
          for (int v = 0; v < registers; ++v, x += lanes, gradient += lanes) {
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

  /// @pre `backward_parameters` has run: it pads the gradient
  template <bool Accumulate, class Data>
  TYPENET_HD static void backward_input(Exec& exec, const Data& data) {
    using results = long_rows<G, direct_backward<G, Links>, Exec>;
    exec.for_each(exec.blocks() * results::items, [&](index item) {
      const index sample = item / results::items;
      results::template run<Accumulate>(item % results::items, copies::padded_gradient(data, sample), data.parameters[0],
                                        lane::block<scalar>(data.input_gradient, sample), [](int) { return scalar{0}; });
    });
  }
};

}  // namespace typenet::detail
