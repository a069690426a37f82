// SPDX-License-Identifier: MIT
/// @file
/// conv_im2col: convolution of one sample with any stride, dilation, padding value and bias, with neighboring taps in the lanes.
///
/// The inputs that each output position reads are first copied to scratch memory, as a *patch* (im2col). A patch is
/// `[input channel][tap]`; the taps of a channel are padded to whole vectors. Taps that fall outside the input hold the padding value.
/// - The output at a position is the inner product of its patch and the kernels, plus the bias.
/// - The weights' gradient is the sum over positions of the output's gradient times the patch.
/// - The input's gradient is the sum of the patches' gradients, each number added to the input that it was copied from (col2im).
#pragma once

#include <typenet/core/ceil_div.hpp>
#include <typenet/core/config.hpp>
#include <typenet/kernels/conv2d/geometry.hpp>
#include <typenet/simd/execution.hpp>
#include <typenet/simd/lane_view.hpp>
#include <typenet/simd/loops.hpp>
#include <typenet/simd/pack.hpp>
#include <typenet/simd/tile_start.hpp>

namespace typenet::detail {

/// Scalars of one sample's patches, with the taps of a channel padded to vectors of any width up to 32.
template <class Geometry>
constexpr index im2col_size(const Geometry& g) {
  constexpr int widest = 32;
  return index{g.out_height} * g.out_width * g.in_channels * ceil_div(g.taps(), widest) * widest;
}

/// The passes of one convolution. Layouts as in `conv_one_sample`.
/// @tparam Bias true where a bias is added
/// @tparam PerUnit true where each output position of each channel has its own bias
template <auto G, class Links, bool Bias, bool PerUnit, one_sample_execution Exec>
struct conv_im2col {
  using scalar = typename Exec::scalar;
  using vector = typename Exec::vector;
  static constexpr int width = lane::width<vector>;
  static constexpr int taps = G.taps();
  /// Vectors that the taps of a kernel fill, and the taps in the last of them.
  static constexpr int vectors = static_cast<int>(ceil_div(taps, width));
  static constexpr int last_count = taps - (vectors - 1) * width;
  /// Scalars of one channel in a patch, and of a patch.
  static constexpr int channel_size = vectors * width;
  static constexpr index patch_size = index{G.in_channels} * channel_size;
  /// Positions of an output channel, counted in reading order.
  static constexpr int positions = G.out_height * G.out_width;
  /// Positions of a tile: their accumulators stay in registers at one time.
  static constexpr int tile = static_cast<int>(ceil_div(positions, ceil_div(positions, lane::registers<vector> >= 16 ? 8 : 4)));
  static constexpr int tiles = static_cast<int>(ceil_div(positions, tile));
  static constexpr index in_area = index{G.in_height} * G.in_width;

  /// Writes the output.
  template <class Data>
  TYPENET_HD static void forward(Exec& exec, const Data& data) {
    gather_patches(exec, data);
    exec.for_each(exec.blocks() * G.out_channels, [&](index item) {
      const index sample = item / G.out_channels;
      const int o = static_cast<int>(item % G.out_channels);
      scalar* const to = lane::block<scalar>(data.output, sample) + index{o} * positions;
      for (int t = 0; t < tiles; ++t) {
        const tile_start at = clamped_tile(t, tile, positions);
        const int first = at.first;
        vector sum[tile];
        TYPENET_UNROLL
        for (int j = 0; j < tile; ++j) sum[j] = 0;
        for (int k = 0; k < Links::inputs_of(o); ++k) {
          const scalar* const kernel = data.parameters[0] + index{Links::input_kernel(o, k)} * taps;
          const scalar* const patch = patch_of(data, sample, first) + index{Links::input(o, k)} * channel_size;
          TYPENET_UNROLL
          for (int v = 0; v < vectors; ++v) {
            const vector w = load_taps(kernel, v);
            TYPENET_UNROLL
            for (int j = 0; j < tile; ++j) sum[j] = lane::fma(w, lane::load_unaligned<vector>(patch + j * patch_size + v * width), sum[j]);
          }
        }
        TYPENET_UNROLL
        for (int j = 0; j < tile; ++j)
          if (at.owns(j))
            to[first + j] = lane::sum(sum[j]) + (Bias ? data.parameters[Bias ? 1 : 0][PerUnit ? o * positions + first + j : o] : scalar{0});
      }
    });
  }

  /// Writes the gradients of the weights and of the bias. A work item owns one output channel and sums all samples in order.
  template <class Data>
  TYPENET_HD static void backward_parameters(Exec& exec, const Data& data) {
    gather_patches(exec, data);
    const index samples = exec.blocks();
    exec.for_each(G.out_channels, [&](index o) {
      const auto gradient_of = [&](index sample) { return lane::block<scalar>(data.output_gradient, sample) + o * positions; };
      for (int k = 0; k < Links::inputs_of(static_cast<int>(o)); ++k) {
        vector sum[vectors];
        TYPENET_UNROLL
        for (int v = 0; v < vectors; ++v) sum[v] = 0;
        for (index sample = 0; sample < samples; ++sample) {
          const scalar* const gradient = gradient_of(sample);
          const scalar* patch = patch_of(data, sample, 0) + index{Links::input(static_cast<int>(o), k)} * channel_size;
          for (int p = 0; p < positions; ++p, patch += patch_size) {
            const vector g = gradient[p];
            TYPENET_UNROLL
            for (int v = 0; v < vectors; ++v) sum[v] = lane::fma(g, lane::load_unaligned<vector>(patch + v * width), sum[v]);
          }
        }
        scalar* const to = data.gradients[0] + index{Links::input_kernel(static_cast<int>(o), k)} * taps;
        TYPENET_UNROLL
        for (int v = 0; v < vectors; ++v) lane::store_or_add_first<false>(to + v * width, sum[v], v + 1 < vectors ? width : last_count);
      }
      if constexpr (Bias) {
        scalar* const to = data.gradients[1] + (PerUnit ? o * positions : o);
        for (int p = 0; p < (PerUnit ? positions : 1); ++p) to[p] = 0;
        for (index sample = 0; sample < samples; ++sample)
          for (int p = 0; p < positions; ++p) to[PerUnit ? p : 0] += gradient_of(sample)[p];
      }
    });
  }

  /// Writes the gradient of the input, or adds to it where `Accumulate`. The patches' gradients take the place of the patches.
  /// @pre `backward_parameters` has run
  template <bool Accumulate, class Data>
  TYPENET_HD static void backward_input(Exec& exec, const Data& data) {
    exec.for_each(exec.blocks() * G.in_channels, [&](index item) {
      const index sample = item / G.in_channels;
      const int i = static_cast<int>(item % G.in_channels);
      const scalar* const gradient = lane::block<scalar>(data.output_gradient, sample);
      scalar* const to = lane::block<scalar>(data.input_gradient, sample) + i * in_area;
      if constexpr (!Accumulate)
        for (index e = 0; e < in_area; ++e) to[e] = 0;
      for (int p = 0; p < positions; ++p) {
        vector sum[vectors];
        TYPENET_UNROLL
        for (int v = 0; v < vectors; ++v) sum[v] = 0;
        for (int k = 0; k < Links::outputs_of(i); ++k) {
          const vector g = gradient[Links::output(i, k) * positions + p];
          const scalar* const kernel = data.parameters[0] + index{Links::output_kernel(i, k)} * taps;
          TYPENET_UNROLL
          for (int v = 0; v < vectors; ++v) sum[v] = lane::fma(g, load_taps(kernel, v), sum[v]);
        }
        scalar* const patch = patch_of(data, sample, p) + index{i} * channel_size;
        TYPENET_UNROLL
        for (int v = 0; v < vectors; ++v) lane::store_or_add_first<false>(patch + v * width, sum[v], width);
        for_each_tap_row(p, [&](int tap, int count, index at) {
          if constexpr (taps_are_neighbors)
            lane::store_or_add_first<true>(to + at, lane::load_unaligned<vector>(patch + tap), count);
          else
            for (int x = 0; x < count; ++x) to[at + index{x} * G.dilation.width] += patch[tap + x];
        });
      }
    });
  }

 private:
  /// True where one vector holds a tap row, whose elements are neighbors in the input.
  static constexpr bool taps_are_neighbors = G.dilation.width == 1 && G.kernel.width <= width;

  /// The patch of an output position, `[input channel][tap]`, a channel being `channel_size` scalars.
  template <class Data>
  TYPENET_HD static scalar* patch_of(const Data& data, index sample, int position) {
    return data.scratch + sample * im2col_size(G) + position * patch_size;
  }
  /// Vector `v` of the taps of a kernel, with zeros after the last tap.
  TYPENET_HD TYPENET_INLINE static vector load_taps(const scalar* kernel, int v) {
    const vector loaded = lane::load_unaligned<vector>(kernel + v * width);
    return v + 1 < vectors || last_count == width ? loaded : lane::select(lane::first_lanes<vector>(last_count), loaded, 0);
  }
  /// Calls `use(tap, count, element)` for each tap row that meets the input at an output position.
  /// @param use `tap` is the first tap of the row that falls inside the input, counted in the kernel; `count` taps do. The first of them
  /// reads `element`, counted in the input plane
  template <class Use>
  TYPENET_HD TYPENET_INLINE static void for_each_tap_row(int position, const Use& use) {
    const int top = position / G.out_width * G.stride.height - G.padding.height;
    const int left = position % G.out_width * G.stride.width - G.padding.width;
    const auto tap_rows =
        taps_inside(position / G.out_width, G.stride.height, G.padding.height, G.dilation.height, G.kernel.height, G.in_height);
    const auto tap_columns =
        taps_inside(position % G.out_width, G.stride.width, G.padding.width, G.dilation.width, G.kernel.width, G.in_width);
    if (tap_columns.last <= tap_columns.first) return;
    for (int ky = tap_rows.first; ky < tap_rows.last; ++ky)
      use(ky * G.kernel.width + tap_columns.first, tap_columns.last - tap_columns.first,
          index{top + ky * G.dilation.height} * G.in_width + left + tap_columns.first * G.dilation.width);
  }

  /// Writes the patches of all positions of all samples.
  template <class Data>
  TYPENET_HD static void gather_patches(Exec& exec, const Data& data) {
    exec.for_each(exec.blocks() * positions, [&](index item) {
      const index sample = item / positions;
      const int position = static_cast<int>(item % positions);
      scalar* const patch = patch_of(data, sample, position);
      constexpr auto padding_value = static_cast<scalar>(G.padding_value.value());
      const vector padding = padding_value;
      for (index e = 0; e < patch_size; e += width) lane::store_or_add_first<false>(patch + e, padding, width);
      const scalar* const input = lane::block<scalar>(data.input, sample);
      for (int i = 0; i < G.in_channels; ++i) {
        const scalar* const plane = input + i * in_area;
        scalar* const to = patch + i * channel_size;
        for_each_tap_row(position, [&](int tap, int count, index at) {
          if constexpr (taps_are_neighbors)
            lane::store_or_add_first<false>(to + tap, lane::load_unaligned<vector>(plane + at), count);
          else
            for (int x = 0; x < count; ++x) to[tap + x] = plane[at + index{x} * G.dilation.width];
        });
      }
    });
  }
};

}  // namespace typenet::detail
