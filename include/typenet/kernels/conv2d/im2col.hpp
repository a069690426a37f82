// SPDX-License-Identifier: MIT
/// @file
/// Convolution of one sample with whatever steps, border and biases, with neighbouring taps in the lanes.
///
/// What each result sees is copied out first, its patch: for every input channel the taps side by side, filled up to whole registers. A
/// result is then the inner product of its patch and its windows, the windows' gradient a sum of patches, and the input's gradient the
/// patches' gradients put back where they came from.
#pragma once

#include <typenet/core/ceil_div.hpp>
#include <typenet/core/config.hpp>
#include <typenet/kernels/conv2d/geometry.hpp>
#include <typenet/simd/execution.hpp>
#include <typenet/simd/lane_view.hpp>
#include <typenet/simd/loops.hpp>
#include <typenet/simd/pack.hpp>
#include <typenet/simd/register_tile.hpp>

namespace typenet::detail {

/// Numbers of a sample's patches, filled up to registers of any width.
template <class Geometry>
constexpr index patches_size(const Geometry& g) {
  constexpr int widest = 32;
  return index{g.out_height} * g.out_width * g.in_channels * ceil_div(g.taps(), widest) * widest;
}

/// A convolution's passes.
/// @tparam PerUnit whether each result has a bias of its own
template <auto G, class Links, bool Bias, bool PerUnit, one_sample_execution Exec>
struct conv_im2col {
  using scalar = typename Exec::scalar;
  using vector = typename Exec::vector;
  static constexpr int width = lane::width<vector>;
  static constexpr int taps = G.taps();
  static constexpr int rows = static_cast<int>(ceil_div(taps, width));
  static constexpr int rest = taps - (rows - 1) * width;
  /// Of one channel in a patch, and of a patch.
  static constexpr int channel_size = rows * width;
  static constexpr index patch_size = index{G.in_channels} * channel_size;
  static constexpr int positions = G.out_height * G.out_width;
  /// Results of a channel that are computed together.
  static constexpr int together = static_cast<int>(ceil_div(positions, ceil_div(positions, lane::registers<vector> >= 16 ? 8 : 4)));
  static constexpr index in_area = index{G.in_height} * G.in_width;

  template <class Data>
  TYPENET_HD static void forward(Exec& exec, const Data& data) {
    copy_out(exec, data);
    exec.for_each(exec.blocks() * G.out_channels, [&](index item) {
      const index sample = item / G.out_channels;
      const int o = static_cast<int>(item % G.out_channels);
      scalar* const to = lane::block<scalar>(data.output, sample) + index{o} * positions;
      for (int p = 0; p < positions; p += together) {
        const int first = p + together <= positions ? p : positions - together;
        vector sum[together];
        TYPENET_UNROLL
        for (int j = 0; j < together; ++j) sum[j] = 0;
        for (int k = 0; k < Links::inputs_of(o); ++k) {
          const scalar* const kernel = data.parameters[0] + index{Links::input_kernel(o, k)} * taps;
          const scalar* const patch = patch_of(data, sample, first) + index{Links::input(o, k)} * channel_size;
          TYPENET_UNROLL
          for (int v = 0; v < rows; ++v) {
            const vector w = load_taps(kernel, v);
            TYPENET_UNROLL
            for (int j = 0; j < together; ++j)
              sum[j] = lane::fma(w, lane::load_unaligned<vector>(patch + j * patch_size + v * width), sum[j]);
          }
        }
        TYPENET_UNROLL
        for (int j = 0; j < together; ++j)
          if (first + j >= p)
            to[first + j] =
                lane::sum(sum[j]) + (Bias ? data.parameters[Bias ? 1 : 0][PerUnit ? o * positions + first + j : o] : scalar{0});
      }
    });
  }

  template <class Data>
  TYPENET_HD static void backward_parameters(Exec& exec, const Data& data) {
    copy_out(exec, data);
    const index samples = exec.blocks();
    exec.for_each(G.out_channels, [&](index o) {
      const auto gradient_of = [&](index sample) { return lane::block<scalar>(data.output_gradient, sample) + o * positions; };
      for (int k = 0; k < Links::inputs_of(static_cast<int>(o)); ++k) {
        vector sum[rows];
        TYPENET_UNROLL
        for (int v = 0; v < rows; ++v) sum[v] = 0;
        for (index sample = 0; sample < samples; ++sample) {
          const scalar* const gradient = gradient_of(sample);
          const scalar* patch = patch_of(data, sample, 0) + index{Links::input(static_cast<int>(o), k)} * channel_size;
          for (int p = 0; p < positions; ++p, patch += patch_size) {
            const vector g = gradient[p];
            TYPENET_UNROLL
            for (int v = 0; v < rows; ++v) sum[v] = lane::fma(g, lane::load_unaligned<vector>(patch + v * width), sum[v]);
          }
        }
        scalar* const to = data.gradients[0] + index{Links::input_kernel(static_cast<int>(o), k)} * taps;
        TYPENET_UNROLL
        for (int v = 0; v < rows; ++v) lane::store_or_add_first<false>(to + v * width, sum[v], v + 1 < rows ? width : rest);
      }
      if constexpr (Bias) {
        scalar* const to = data.gradients[1] + (PerUnit ? o * positions : o);
        for (int p = 0; p < (PerUnit ? positions : 1); ++p) to[p] = 0;
        for (index sample = 0; sample < samples; ++sample)
          for (int p = 0; p < positions; ++p) to[PerUnit ? p : 0] += gradient_of(sample)[p];
      }
    });
  }

  /// @pre `backward_parameters` has run: the patches are written over
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
        vector sum[rows];
        TYPENET_UNROLL
        for (int v = 0; v < rows; ++v) sum[v] = 0;
        for (int k = 0; k < Links::outputs_of(i); ++k) {
          const vector g = gradient[Links::output(i, k) * positions + p];
          const scalar* const kernel = data.parameters[0] + index{Links::output_kernel(i, k)} * taps;
          TYPENET_UNROLL
          for (int v = 0; v < rows; ++v) sum[v] = lane::fma(g, load_taps(kernel, v), sum[v]);
        }
        scalar* const patch = patch_of(data, sample, p) + index{i} * channel_size;
        TYPENET_UNROLL
        for (int v = 0; v < rows; ++v) lane::store_or_add_first<false>(patch + v * width, sum[v], width);
        for_each_line(p, [&](int tap, int count, index at) {
          for (int x = 0; x < count; ++x) to[at + index{x} * G.dilation.width] += patch[tap + x];
        });
      }
    });
  }

 private:
  template <class Data>
  TYPENET_HD static scalar* patch_of(const Data& data, index sample, int position) {
    return data.scratch + sample * patches_size(G) + position * patch_size;
  }
  /// A kernel's taps, zeros beyond the last.
  TYPENET_HD TYPENET_INLINE static vector load_taps(const scalar* kernel, int v) {
    const vector some = lane::load_unaligned<vector>(kernel + v * width);
    return v + 1 < rows || rest == width ? some : lane::select(lane::first_lanes<vector>(rest), some, 0);
  }
  /// Calls `use(tap, count, element)` for each line of a kernel that meets the input: `count` taps from `tap` on, the first of which sees
  /// that element of a plane.
  template <class Use>
  TYPENET_HD TYPENET_INLINE static void for_each_line(int position, const Use& use) {
    const int top = position / G.out_width * G.stride.height - G.padding.height;
    const int left = position % G.out_width * G.stride.width - G.padding.width;
    const auto lines =
        taps_inside(position / G.out_width, G.stride.height, G.padding.height, G.dilation.height, G.kernel.height, G.in_height);
    const auto inside = taps_inside(position % G.out_width, G.stride.width, G.padding.width, G.dilation.width, G.kernel.width, G.in_width);
    if (inside.last <= inside.first) return;
    for (int ky = lines.first; ky < lines.last; ++ky)
      use(ky * G.kernel.width + inside.first, inside.last - inside.first,
          index{top + ky * G.dilation.height} * G.in_width + left + inside.first * G.dilation.width);
  }

  template <class Data>
  TYPENET_HD static void copy_out(Exec& exec, const Data& data) {
    exec.for_each(exec.blocks() * positions, [&](index item) {
      const index sample = item / positions;
      const int position = static_cast<int>(item % positions);
      scalar* const patch = patch_of(data, sample, position);
      constexpr auto border = static_cast<scalar>(G.padding_value.value());
      const vector beyond = border;
      for (index e = 0; e < patch_size; e += width) lane::store_or_add_first<false>(patch + e, beyond, width);
      const scalar* const input = lane::block<scalar>(data.input, sample);
      for (int i = 0; i < G.in_channels; ++i) {
        const scalar* const plane = input + i * in_area;
        scalar* const to = patch + i * channel_size;
        for_each_line(position, [&](int tap, int count, index at) {
          for (int x = 0; x < count; ++x) to[tap + x] = plane[at + index{x} * G.dilation.width];
        });
      }
    });
  }
};

}  // namespace typenet::detail
