// SPDX-License-Identifier: MIT
/// @file
/// The forward pass of a chain (kernels/chain.hpp): the producer tile by tile, and normalization, activation and pool in registers.
#pragma once

#include <typenet/core/config.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/kernels/chain/layout.hpp>
#include <typenet/kernels/chain/statistics.hpp>
#include <typenet/simd/lane_view.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet::detail {

/// The kernels of the forward pass. Pooling windows are addressed by channel, row and column of the chain's output.
/// @tparam Stages a `chain_stages`
template <class Stages, shape In, class Exec>
struct chain_forward {
  using layout = chain_layout<Stages, In, Exec>;
  using statistics = chain_statistics<Stages, In, Exec>;
  using activation = typename Stages::activation;
  using pack = typename Exec::pack;
  static constexpr int lanes = Exec::lanes;

  /// Runs the producer. In a training step with a normalization, each tile's sums and pool candidates follow at once.
  /// @tparam AtOnce true where the item that computes rows of values also normalizes, activates and pools them
  template <bool AtOnce, class Data>
  TYPENET_HD static void produce(Exec& exec, const Data& data) {
    using partition = typename layout::partition;
    using tiles = typename partition::tiles;
    constexpr index items = index{layout::channels} / tiles::channels * partition::tiles_of_plane;
    const index batch = exec.batch();
    const bool training = exec.training();
    const Data producer = layout::of_producer(data);
    exec.for_each(exec.blocks() * items, [=] TYPENET_HD(index item) {
      const index block = item / items;
      const int tile = static_cast<int>(item % items) % partition::tiles_of_plane;
      const int channel = static_cast<int>(item % items) / partition::tiles_of_plane * tiles::channels;
      const int band = tile / tiles::tiles_per_row;
      for (int r = 0; r < partition::rows; ++r)
        tiles::run(producer, block, channel, band * partition::rows + r, tile % tiles::tiles_per_row);
      if (Stages::has_norm && training)
        for (int c = channel; c < channel + tiles::channels; ++c) {
          statistics::sum_tile(data, c, block, tile, batch);
          if constexpr (Stages::keeps_candidates && !Exec::many_workers) select_pool_candidates(data, block, c, tile);
        }
      if (AtOnce)
        for (int c = channel; c < channel + tiles::channels; ++c)
          for (int row = band * partition::rows / layout::kernel_height; row < (band + 1) * partition::rows / layout::kernel_height; ++row)
            normalize_activate_pool(data, block, c, row, training);
    });
  }

  /// Sums over each plane of the chain's input, for a chain without a producer.
  template <class Data>
  TYPENET_HD static void sum_input(Exec& exec, const Data& data) {
    const index batch = exec.batch();
    constexpr index channels = layout::channels;
    exec.for_each(exec.blocks() * channels,
                  [=] TYPENET_HD(index item) { statistics::sum_tile(data, static_cast<int>(item % channels), item / channels, 0, batch); });
  }

  /// Normalizes, activates and pools all values.
  template <class Data>
  TYPENET_HD static void apply(Exec& exec, const Data& data) {
    const bool training = exec.training();
    layout::for_each_row(
        exec, [=] TYPENET_HD(index block, index channel, int row) { normalize_activate_pool(data, block, channel, row, training); });
  }

  /// Stores the candidate of each pooling window of one row. It is the largest value where the channel's scale is positive, and the
  /// smallest where it is negative. With the scale zero all outputs are equal, and the first value is taken.
  template <class Data>
  TYPENET_HD TYPENET_INLINE static void select_pool_candidates(const Data& data, index block, index channel, int row) {
    const auto* const from = lane::block<pack>(data.saved, block) + channel * layout::values_area * lanes;
    auto* const to = layout::pool_candidates(data, block, channel, row);
    const auto select = [&](const auto& better) TYPENET_LAMBDA_INLINE {
      for (int column = 0; column < layout::out_width; ++column) {
        pack candidate = lane::load<pack>(from + layout::element(row, column, 0) * lanes);
        TYPENET_UNROLL
        for (int i = 1; i < layout::kernel_area; ++i)
          candidate = better(candidate, lane::load<pack>(from + layout::element(row, column, i) * lanes));
        lane::store(to + index{column} * lanes, candidate);
      }
    };
    const int direction = Stages::norm::scale_sign(layout::of_norm(data), channel);
    if (direction > 0)
      select([](const pack& a, const pack& b) TYPENET_LAMBDA_INLINE { return lane::max(a, b); });
    else if (direction < 0)
      select([](const pack& a, const pack& b) TYPENET_LAMBDA_INLINE { return lane::min(a, b); });
    else
      select([](const pack& a, const pack&) TYPENET_LAMBDA_INLINE { return a; });
  }

  /// Writes one row of one channel of the output.
  template <class Data>
  TYPENET_HD TYPENET_INLINE static void normalize_activate_pool(const Data& data, index block, index channel, int row, bool training) {
    const auto* const from = lane::block<pack>(layout::values(data), block) + channel * layout::values_area * lanes;
    auto* const to = lane::block<pack>(data.output, block) + (channel * layout::out_height + row) * layout::out_width * lanes;
    const auto normalize = layout::normalizer(data, channel, training);
    if constexpr (Stages::keeps_candidates) {
      if (training) {
        // A small work item computes less than a pooling window: the candidates are selected only now.
        if constexpr (Exec::many_workers) select_pool_candidates(data, block, channel, row);
        const auto* const candidate = layout::pool_candidates(data, block, channel, row);
        for (int column = 0; column < layout::out_width; ++column)
          lane::store(to + index{column} * lanes, activation::apply(normalize(lane::load<pack>(candidate + index{column} * lanes))));
        return;
      }
    }
    for (int column = 0; column < layout::out_width; ++column) {
      pack y[layout::kernel_area];
      TYPENET_UNROLL
      for (int i = 0; i < layout::kernel_area; ++i)
        y[i] = activation::apply(normalize(lane::load<pack>(from + layout::element(row, column, i) * lanes)));
      lane::store(to + index{column} * lanes, Stages::pool::combine(y));
    }
  }
};

}  // namespace typenet::detail
