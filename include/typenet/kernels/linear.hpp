// SPDX-License-Identifier: MIT
/// @file
/// The passes of a linear layer with samples in the lanes. kernels/linear_one_sample.hpp has those with neighboring numbers in the lanes.
#pragma once

#include <typenet/core/ceil_div.hpp>
#include <typenet/core/config.hpp>
#include <typenet/simd/lane_view.hpp>
#include <typenet/simd/loops.hpp>
#include <typenet/simd/pack.hpp>
#include <typenet/simd/register_tile.hpp>
#include <typenet/simd/tile_start.hpp>

namespace typenet::detail {

/// Results of a matrix-vector product that one work item of `Exec` sums at once, all in registers.
template <class Exec>
constexpr int linear_tile_size(int results) {
  if (Exec::many_workers) return results < 4 ? results : 4;
  return choose_tile(1, results, 1, 1, lane::registers<typename Exec::pack>).columns;
}

/// Multiplies a vector of each sample by a matrix: result r is bias r plus the sum over t of `weights[r * ResultStride + t * TermStride]`
/// times term t, added in ascending t. A work item is a tile of results of one block.
/// @param weights the matrix, `Results` x `Terms`; the strides say whether it is transposed
/// @param bias `[result]`; not read without `Bias`
/// @param from view of the terms, `[group][term][lane]`
/// @param to view of the results, `[group][result][lane]`
template <int Results, int Terms, int ResultStride, int TermStride, bool Bias, bool Accumulate, class Exec, class From, class To>
TYPENET_HD void multiply_by_matrix(Exec& exec, const typename Exec::scalar* weights, const typename Exec::scalar* bias, const From& from,
                                   const To& to) {
  using pack = typename Exec::pack;
  using scalar = typename Exec::scalar;
  constexpr int rows = linear_tile_size<Exec>(Results);
  constexpr index tiles = ceil_div(Results, rows);
  exec.for_each(exec.blocks() * tiles, [=] TYPENET_HD(index item) {
    const index block = item / tiles;
    const tile_start tile = clamped_tile(item % tiles, rows, Results);
    const scalar* x = lane::block<pack>(from, block);
    const scalar* w = weights + index{tile.first} * ResultStride;
    pack sum[rows];
    TYPENET_UNROLL
    for (int r = 0; r < rows; ++r) sum[r] = Bias ? bias[tile.first + r] : scalar{0};
    for (int t = 0; t < Terms; ++t) {
      const pack xt = lane::load<pack>(x + index{t} * Exec::lanes);
      TYPENET_UNROLL
      for (int r = 0; r < rows; ++r) sum[r] = lane::fma(xt, w[index{t} * TermStride + r * ResultStride], sum[r]);
    }
    scalar* y = lane::block<pack>(to, block) + index{tile.first} * Exec::lanes;
    TYPENET_UNROLL
    for (int r = 0; r < rows; ++r)
      if (tile.owns(r)) lane::store_or_add<Accumulate>(y + index{r} * Exec::lanes, sum[r]);
  });
}

/// Features of one sample side by side, padded to whole groups of `lanes`: the length of a row of `scratch`.
constexpr int linear_padded_features(int features, int lanes) { return static_cast<int>(ceil_div(features, lanes)) * lanes; }

/// Scalars of scratch memory that `linear_kernel` needs for `samples` samples: enough for every backend, whose lanes are at most 32.
constexpr index linear_scratch_size(int inputs, index samples) { return samples * linear_padded_features(inputs, 32); }

/// y = W x + b and its gradients. W is `[Outputs][Inputs]`, row-major; x and y are `[group][feature][lane]`.
template <int Inputs, int Outputs, bool Bias>
struct linear_kernel {
  template <class Exec, class Data>
  TYPENET_HD static void forward(Exec& exec, const Data& data) {
    multiply_by_matrix<Outputs, Inputs, Inputs, 1, Bias, false>(exec, data.parameters[0], data.parameters[Bias ? 1 : 0], data.input,
                                                                data.output);
  }

  /// dx = Wᵀ dy
  template <bool Accumulate, class Exec, class Data>
  TYPENET_HD static void backward_input(Exec& exec, const Data& data) {
    multiply_by_matrix<Inputs, Outputs, 1, Inputs, false, Accumulate>(exec, data.parameters[0], nullptr, data.output_gradient,
                                                                      data.input_gradient);
  }

  /// dW = dy xᵀ and db = dy, summed over the samples in ascending order. Here the lanes hold inputs. First the input is transposed to
  /// `[sample][input]` in `scratch`, its rows padded with zeros. Then each work item sums a tile of outputs x packs of inputs, so no sum
  /// over lanes is needed. Further work items sum one bias each.
  template <class Exec, class Data>
  TYPENET_HD static void backward_parameters(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    using scalar = typename Exec::scalar;
    constexpr int lanes = Exec::lanes;
    constexpr int width = lane::width<pack>;
    constexpr int row = linear_padded_features(Inputs, lanes);
    constexpr index feature_blocks = row / lanes;
    const index groups = ceil_div(exec.batch(), lanes);
    scalar* sample_rows = data.scratch;
    exec.for_each(groups * feature_blocks, [=] TYPENET_HD(index item) {
      const index group = item / feature_blocks;
      const int first = static_cast<int>(item % feature_blocks) * lanes;
      const scalar* from = data.input.base + group * data.input.stride + index{first} * lanes;
      scalar* to = sample_rows + group * lanes * row + first;
      lane::to_rows<pack, lanes>(from, to, row, Inputs - first);
    });

    constexpr register_tile tile = choose_tile(Outputs, row / width, 1, 1, lane::registers<pack>);
    // Numbers, since a device would read a structure at run time.
    constexpr int tile_rows = tile.rows, tile_columns = tile.columns;
    constexpr index column_tiles = ceil_div(row / width, tile_columns);
    constexpr index row_tiles = Outputs / tile_rows;
    const index batch = exec.batch();
    const index blocks = exec.blocks();
    exec.for_each(row_tiles * column_tiles + (Bias ? Outputs : 0), [=] TYPENET_HD(index item) {
      if (Bias && item >= row_tiles * column_tiles) {
        const index o = item - row_tiles * column_tiles;
        pack sum = 0;
        for (index b = 0; b < blocks; ++b) sum = sum + lane::load<pack>(lane::block<pack>(data.output_gradient, b) + o * lanes);
        const scalar total = lane::sum(sum);
        if (lane::is_leader<pack>()) data.gradients[Bias ? 1 : 0][o] = total;
        return;
      }
      const int first_row = static_cast<int>(item / column_tiles) * tile_rows;
      const tile_start column_tile = clamped_tile(item % column_tiles, tile_columns, row / width);
      pack sum[tile_rows][tile_columns];
      TYPENET_UNROLL
      for (int r = 0; r < tile_rows; ++r) TYPENET_UNROLL
      for (int c = 0; c < tile_columns; ++c) sum[r][c] = 0;
      const scalar* x = sample_rows + index{column_tile.first} * width;
      for (index sample = 0; sample < batch; ++sample, x += row) {
        const scalar* g =
            data.output_gradient.base + sample / lanes * data.output_gradient.stride + index{first_row} * lanes + sample % lanes;
        pack xs[tile_columns];
        TYPENET_UNROLL
        for (int c = 0; c < tile_columns; ++c) xs[c] = lane::load<pack>(x + c * width);
        TYPENET_UNROLL
        for (int r = 0; r < tile_rows; ++r) {
          const pack gr = g[index{r} * lanes];
          TYPENET_UNROLL
          for (int c = 0; c < tile_columns; ++c) sum[r][c] = lane::fma(gr, xs[c], sum[r][c]);
        }
      }
      TYPENET_UNROLL
      for (int r = 0; r < tile_rows; ++r) TYPENET_UNROLL
      for (int c = 0; c < tile_columns; ++c) {
        const int column = (column_tile.first + c) * width;
        scalar* to = data.gradients[0] + index{first_row + r} * Inputs + column;
        if (column_tile.owns(c) && column + width <= Inputs)
          lane::store_unaligned(to, sum[r][c]);
        else if (column_tile.owns(c) && column < Inputs)
          lane::store_first(to, sum[r][c], Inputs % width);
      }
    });
  }
};

}  // namespace typenet::detail
