// SPDX-License-Identifier: MIT
/// @file
/// linear: every output is a weighted sum of every input.
#pragma once

#include <typenet/kernels/linear_one_sample.hpp>
#include <typenet/layer/layer.hpp>
#include <typenet/simd/loops.hpp>
#include <typenet/simd/lane_view.hpp>
#include <typenet/simd/execution.hpp>
#include <typenet/core/ceil_div.hpp>
#include <typenet/layer/options.hpp>
#include <typenet/simd/register_tile.hpp>

namespace typenet {

/// y = W x + b for a vector of features.
/// Parameters: `weight` [Features, inputs], `bias` [Features]. Options: `bias<false>`.
/// @see torch.nn.Linear
template <int Features, class... Options>
struct linear : layer_defaults {
 private:
  static constexpr detail::bias_use bias_in_use = detail::bias_of<Options...>();
  static constexpr bool has_bias = bias_in_use == detail::bias_use::per_channel;

  /// Features of one sample lie side by side here, padded to whole packs: the weight gradient's lanes are features.
  static constexpr int lanes_of_features(int features, int lanes) { return static_cast<int>(detail::ceil_div(features, lanes)) * lanes; }
  /// Widest storage that any backend's lanes need.
  static constexpr int widest = 32;

 public:
  static constexpr second_order curvature = second_order::gauss_newton_linear;
  static constexpr index scratch_size(shape in, index samples) { return samples * lanes_of_features(in.size(), widest); }
  static constexpr index one_sample_scratch_size(shape, index) { return 0; }

  template <shape In>
  static constexpr auto check() {
    using problem = detail::option_problem<detail::option_kinds<option_kind::bias>, Options...>;
    if constexpr (!std::is_same_v<problem, accepted>)
      return problem{};
    else if constexpr (Features < 1)
      return needs::positive_sizes{};
    else if constexpr (bias_in_use == detail::bias_use::per_unit || bias_in_use == detail::bias_use::unheard_of)
      return needs::a_bias_of_true_or_false{};
    else if constexpr (In.rank != 1)
      return needs::a_vector{};
    else
      return accepted{};
  }
  static constexpr shape output(shape) { return shape{Features}; }

  static constexpr auto parameters(shape in) {
    const int inputs = in.size();
    const parameter_spec weight{"weight", parameter_role::weight, 2, {Features, inputs, 1, 1}, inputs, Features};
    if constexpr (has_bias)
      return std::array<parameter_spec, 2>{weight, parameter_spec{"bias", parameter_role::bias, 1, {Features, 1, 1, 1}, inputs, Features}};
    else
      return std::array<parameter_spec, 1>{weight};
  }
  static constexpr index macs(shape in) { return index{Features} * in.size(); }
  static constexpr index connections(shape in) { return macs(in) + (has_bias ? Features : 0); }

  template <shape In, class Exec, class Data>
  TYPENET_HD static void forward(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    using scalar = typename Exec::scalar;
    constexpr int inputs = In.size();
    constexpr int rows = outputs_together<Exec>(Features);
    constexpr index tiles = detail::ceil_div(Features, rows);
    exec.for_each(exec.blocks() * tiles, [=] TYPENET_HD(index item) {
      const index block = item / tiles;
      // The last tile reaches back into its neighbour rather than be short, and leaves to that what is its own.
      const int wanted = static_cast<int>(item % tiles) * rows;
      const int first = wanted + rows <= Features ? wanted : Features - rows;
      const scalar* x = lane::block<pack>(data.input, block);
      const scalar* w = data.parameters[0] + index{first} * inputs;
      pack sum[rows];
      TYPENET_UNROLL
      for (int r = 0; r < rows; ++r) sum[r] = has_bias ? data.parameters[has_bias ? 1 : 0][first + r] : scalar{0};
      for (int i = 0; i < inputs; ++i) {
        const pack xi = lane::load<pack>(x + index{i} * Exec::lanes);
        TYPENET_UNROLL
        for (int r = 0; r < rows; ++r) sum[r] = lane::fma(xi, w[r * inputs + i], sum[r]);
      }
      scalar* y = lane::block<pack>(data.output, block) + index{first} * Exec::lanes;
      TYPENET_UNROLL
      for (int r = 0; r < rows; ++r)
        if (first + r >= wanted) lane::store(y + index{r} * Exec::lanes, sum[r]);
    });
  }

  template <shape In, bool Accumulate, class Exec, class Data>
  TYPENET_HD static void backward_input(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    using scalar = typename Exec::scalar;
    constexpr int inputs = In.size();
    constexpr int rows = outputs_together<Exec>(inputs);
    constexpr index tiles = detail::ceil_div(inputs, rows);
    exec.for_each(exec.blocks() * tiles, [=] TYPENET_HD(index item) {
      const index block = item / tiles;
      const int wanted = static_cast<int>(item % tiles) * rows;
      const int first = wanted + rows <= inputs ? wanted : inputs - rows;
      const scalar* g = lane::block<pack>(data.output_gradient, block);
      const scalar* w = data.parameters[0] + first;
      pack sum[rows];
      TYPENET_UNROLL
      for (int r = 0; r < rows; ++r) sum[r] = 0;
      for (int o = 0; o < Features; ++o) {
        const pack go = lane::load<pack>(g + index{o} * Exec::lanes);
        TYPENET_UNROLL
        for (int r = 0; r < rows; ++r) sum[r] = lane::fma(go, w[index{o} * inputs + r], sum[r]);
      }
      scalar* to = lane::block<pack>(data.input_gradient, block) + index{first} * Exec::lanes;
      TYPENET_UNROLL
      for (int r = 0; r < rows; ++r)
        if (first + r >= wanted) lane::store_or_add<Accumulate>(to + index{r} * Exec::lanes, sum[r]);
    });
  }

  /// With features in the lanes: the input is transposed once, and each work item then owns a tile of outputs x packs of
  /// inputs, so no sum over lanes is ever needed.
  template <shape In, class Exec, class Data>
  TYPENET_HD static void backward_parameters(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    using scalar = typename Exec::scalar;
    constexpr int inputs = In.size();
    constexpr int lanes = Exec::lanes;
    constexpr int width = lane::width<pack>;
    constexpr int row = lanes_of_features(inputs, lanes);
    constexpr index feature_blocks = row / lanes;
    const index groups = detail::ceil_div(exec.batch(), lanes);
    scalar* rows_of_samples = data.scratch;
    exec.for_each(groups * feature_blocks, [=] TYPENET_HD(index item) {
      const index group = item / feature_blocks;
      const int first = static_cast<int>(item % feature_blocks) * lanes;
      const scalar* from = data.input.base + group * data.input.stride + index{first} * lanes;
      scalar* to = rows_of_samples + group * lanes * row + first;
      lane::to_rows<pack, lanes>(from, to, row, inputs - first);
    });

    constexpr detail::register_tile tile = detail::choose_tile(Features, row / width, 1, 1, lane::registers<pack>);
    // Numbers, since a device would be handed a structure to read at run time.
    constexpr int tile_rows = tile.rows, tile_columns = tile.columns;
    constexpr index column_tiles = detail::ceil_div(row / width, tile_columns);
    constexpr index row_tiles = Features / tile_rows;
    const index batch = exec.batch();
    const index blocks = exec.blocks();
    exec.for_each(row_tiles * column_tiles + (has_bias ? Features : 0), [=] TYPENET_HD(index item) {
      if (has_bias && item >= row_tiles * column_tiles) {
        const index o = item - row_tiles * column_tiles;
        pack sum = 0;
        for (index b = 0; b < blocks; ++b) sum = sum + lane::load<pack>(lane::block<pack>(data.output_gradient, b) + o * lanes);
        const scalar total = lane::sum(sum);
        if (lane::is_leader<pack>()) data.gradients[has_bias ? 1 : 0][o] = total;
        return;
      }
      const int first_row = static_cast<int>(item / column_tiles) * tile_rows;
      const int wanted = static_cast<int>(item % column_tiles) * tile_columns;
      const int first_column = wanted + tile_columns <= row / width ? wanted : row / width - tile_columns;
      pack sum[tile_rows][tile_columns];
      TYPENET_UNROLL
      for (int r = 0; r < tile_rows; ++r) TYPENET_UNROLL
      for (int c = 0; c < tile_columns; ++c) sum[r][c] = 0;
      const scalar* x = rows_of_samples + index{first_column} * width;
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
        const int column = (first_column + c) * width;
        scalar* to = data.gradients[0] + index{first_row + r} * inputs + column;
        if (first_column + c >= wanted && column + width <= inputs)
          lane::store_unaligned(to, sum[r][c]);
        else if (first_column + c >= wanted && column < inputs)
          lane::store_first(to, sum[r][c], inputs % width);
      }
    });
  }

  // One sample: its features are in the lanes throughout.
  template <shape In, one_sample_execution Exec, class Data>
  TYPENET_HD static void forward(Exec& exec, const Data& data) {
    detail::linear_one_sample<In.size(), Features, has_bias, Exec>::forward(exec, data);
  }
  template <shape In, bool Accumulate, one_sample_execution Exec, class Data>
  TYPENET_HD static void backward_input(Exec& exec, const Data& data) {
    detail::linear_one_sample<In.size(), Features, has_bias, Exec>::template backward_input<Accumulate>(exec, data);
  }
  template <shape In, one_sample_execution Exec, class Data>
  TYPENET_HD static void backward_parameters(Exec& exec, const Data& data) {
    detail::linear_one_sample<In.size(), Features, has_bias, Exec>::backward_parameters(exec, data);
  }

 private:
  /// Results that a work item sums at once, all in registers.
  template <class Exec>
  static constexpr int outputs_together(int results) {
    if (Exec::many_workers) return results < 4 ? results : 4;
    return detail::choose_tile(1, results, 1, 1, lane::registers<typename Exec::pack>).columns;
  }
};

}  // namespace typenet
