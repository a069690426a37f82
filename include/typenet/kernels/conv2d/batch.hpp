// SPDX-License-Identifier: MIT
/// @file
/// conv_batch: the passes of a convolution over a batch, with samples in the lanes. gather.hpp computes the output and the input's
/// gradient, weight_gradient.hpp the gradient of the weights.
#pragma once

#include <typenet/core/ceil_div.hpp>
#include <typenet/core/config.hpp>
#include <typenet/kernels/conv2d/gather.hpp>
#include <typenet/kernels/conv2d/geometry.hpp>
#include <typenet/kernels/conv2d/weight_gradient.hpp>
#include <typenet/layer/options.hpp>
#include <typenet/simd/lane_view.hpp>
#include <typenet/simd/loops.hpp>
#include <typenet/simd/pack.hpp>
#include <typenet/simd/register_tile.hpp>

namespace typenet::detail {

/// An upper bound of the work items that a row of results is cut into, for any execution. Buffers are sized by it.
/// @param shared_outputs output channels that may share a register tile
/// @param columns columns of the output
constexpr int max_conv_tiles_per_row(int shared_outputs, int columns) {
  return static_cast<int>(ceil_div(columns, choose_tile(shared_outputs, columns, 1, 1, lane::fewest_registers).columns));
}

/// The passes of one convolution.
///
/// Layouts: input `[group][input channel][row][column][lane]`, output `[group][output channel][row][column][lane]`,
/// `parameters[0]` and `gradients[0]` (weights) `[kernel][kernel row][kernel column]` in the order of `Links`; `parameters[1]` and
/// `gradients[1]` (bias) `[output channel]`, or `[output channel][row][column]` for `bias<per_unit>`. Parameters have no lanes.
/// @tparam Links `dense_links` or `table_links` (links.hpp)
template <conv_geometry G, class Links, bias_use Bias>
struct conv_batch {
  static constexpr bool has_bias = Bias != bias_use::none;
  static constexpr bool bias_per_unit = Bias == bias_use::per_unit;
  static constexpr bool bias_per_channel = Bias == bias_use::per_channel;
  static constexpr int out_area = G.out_height * G.out_width;

  /// The forward pass tile by tile, as the concept `producer_layer` asks for.
  template <class Exec>
  struct tiles {
    using plan = gather_plan<G, forward_gather<G, Links>, typename Exec::pack, Exec::lanes, Exec::many_workers>;
    /// Channels and columns of one tile, which lies in one row. The last tile of a row may have fewer columns.
    static constexpr int channels = plan::tile.rows, columns = plan::tile_columns;
    static constexpr int tiles_per_row = plan::tiles_per_row;

    /// Computes one tile of `data.output`: `channels` channels from `channel` on, in `row`, columns from `tile * columns` on.
    template <class Data>
    TYPENET_HD TYPENET_INLINE static void run(const Data& data, index block, int channel, int row, int tile) {
      using pack = typename Exec::pack;
      using scalar = typename Exec::scalar;
      scalar* to = lane::block<pack>(data.output, block);
      plan::run(
          channel, row, tile, lane::block<pack>(data.input, block), data.parameters[0],
          [&](int o, [[maybe_unused]] int y, [[maybe_unused]] int x) TYPENET_LAMBDA_INLINE {
            scalar initial =
                has_bias ? data.parameters[has_bias ? 1 : 0][bias_per_unit ? (o * G.out_height + y) * G.out_width + x : o] : scalar{0};
            if constexpr (G.has_padding_value()) initial += padding_sum<G, Links>(data.parameters[0], o, y, x);
            return pack(initial);
          },
          [&](int element, const pack& value) { lane::store(to + index{element} * Exec::lanes, value); });
    }
  };
  /// Writes the output.
  template <class Exec, class Data>
  TYPENET_HD static void forward(Exec& exec, const Data& data) {
    using all = tiles<Exec>;
    constexpr index items = index{G.out_channels} / all::channels * G.out_height * all::tiles_per_row;
    exec.for_each(exec.blocks() * items, [=] TYPENET_HD(index item) {
      const int line = static_cast<int>(item % items / all::tiles_per_row);
      all::run(data, item / items, line / G.out_height * all::channels, line % G.out_height, static_cast<int>(item % all::tiles_per_row));
    });
  }

  /// Writes the gradient of the input, or adds to it where `Accumulate`.
  template <bool Accumulate, class Exec, class Data>
  TYPENET_HD static void backward_input(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    using scalar = typename Exec::scalar;
    using plan = gather_plan<G, backward_gather<G, Links>, pack, Exec::lanes, Exec::many_workers>;
    exec.for_each(exec.blocks() * plan::items_per_block, [=] TYPENET_HD(index item) {
      const index block = item / plan::items_per_block;
      scalar* to = lane::block<pack>(data.input_gradient, block);
      plan::run(
          item % plan::items_per_block, lane::block<pack>(data.output_gradient, block), data.parameters[0],
          [&](int, int, int) TYPENET_LAMBDA_INLINE { return pack(0); },
          [&](int element, const pack& value) { lane::store_or_add<Accumulate>(to + index{element} * Exec::lanes, value); });
    });
  }

  /// Writes the gradients of the weights and of the bias.
  /// @tparam Centered true where the gradients of each channel sum to zero, as they do before a normalization over the batch. The bias then
  /// has the gradient 0
  template <bool Centered, class Exec, class Data>
  TYPENET_HD static void backward_parameters(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    using scalar = typename Exec::scalar;
    using plan = weight_gradient_plan<G, Links, pack, Exec::lanes, Exec::many_workers>;
    if constexpr (Exec::many_workers) {
      exec.template reduce<plan::count>(
          plan::items + (bias_per_channel ? G.out_channels : 0), exec.blocks() * plan::rows_of_block,
          [=] TYPENET_HD(index item, index first, index last, pack(&sum)[plan::count]) {
            if (item < plan::items)
              plan::template add<false>(item, first, last, data, sum);
            else if (!Centered)
              add_bias_gradient<Exec>(data, item - plan::items, first, last, sum[0]);
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
        lane::sums(sum, total);
        plan::write(item, total, data.gradients[0]);
      });
      if constexpr (bias_per_channel && Centered)
        exec.for_each(G.out_channels, [=](index channel) { data.gradients[1][channel] = 0; });
      else if constexpr (bias_per_channel)
        exec.template reduce<1>(
            G.out_channels, exec.blocks() * plan::rows_of_block,
            [=](index channel, index first, index last, pack(&sum)[1]) { add_bias_gradient<Exec>(data, channel, first, last, sum[0]); },
            [=](index channel, const scalar(&total)[1]) { data.gradients[1][channel] = total[0]; });
    }
    if constexpr (bias_per_unit)
      exec.template reduce<1>(
          index{G.out_channels} * out_area, exec.blocks(),
          [=] TYPENET_HD(index item, index first, index last, pack(&sum)[1]) {
            for (index block = first; block < last; ++block)
              sum[0] = sum[0] + lane::load<pack>(lane::block<pack>(data.output_gradient, block) + item * Exec::lanes);
          },
          [=] TYPENET_HD(index item, const scalar(&total)[1]) { data.gradients[1][item] = total[0]; });
  }

  /// Adds the output gradients of one channel to `sum`, lane by lane: the output rows [first, last), counted through all blocks.
  template <class Exec, class Data>
  TYPENET_HD TYPENET_INLINE static void add_bias_gradient(const Data& data, index channel, index first, index last,
                                                          typename Exec::pack& sum) {
    using pack = typename Exec::pack;
    lane::for_each_run(first, last, G.out_height, [&](index block, index begin, index end) {
      const auto* const rows = lane::block<pack>(data.output_gradient, block) + (channel * out_area + begin * G.out_width) * Exec::lanes;
      lane::add_run<Exec::lanes>(rows, (end - begin) * G.out_width, sum);
    });
  }
};

}  // namespace typenet::detail
