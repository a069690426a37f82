// SPDX-License-Identifier: MIT
/// @file
/// The statistics of a chain's values (kernels/chain.hpp): sums over each tile while it is in the cache, then over the batch.
#pragma once

#include <typenet/core/config.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/kernels/chain/layout.hpp>
#include <typenet/simd/lane_view.hpp>
#include <typenet/simd/loops.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet::detail {

/// The two halves of the statistics.
///
/// A tile's sums are Σ (x − r) and Σ (x − r)², where r is the tile's first number in each lane. The sums over the batch refer to one number
/// for each channel: the first number of the first sample. Subtracting a number near the mean keeps the sums of squares accurate.
template <class Stages, shape In, class Exec>
struct chain_statistics {
  using layout = chain_layout<Stages, In, Exec>;
  using partition = typename layout::partition;
  using pack = typename Exec::pack;
  using scalar = typename Exec::scalar;
  static constexpr int lanes = Exec::lanes;

  /// Writes the sums of one tile of a channel, lane by lane.
  template <class Data>
  TYPENET_HD TYPENET_INLINE static void sum_tile(const Data& data, int channel, index block, int tile, index batch) {
    if constexpr (Stages::has_norm) {
      const auto* const x = lane::block<pack>(layout::values(data), block) + index{channel} * layout::values_area * lanes;
      const pack reference = lane::load<pack>(x + index{partition::first(tile)} * lanes);
      pack sum[2] = {0, 0};
      Stages::norm::template add_deviations<pack, lanes>(x, lane::valid_lanes<pack>(block, batch), reference, partition::first(tile),
                                                         partition::last(tile), sum);
      auto* const to = layout::sums(data, channel, block, tile, partition::tiles_of_plane);
      lane::store(to, sum[0]);
      lane::store(to + lanes, sum[1]);
    }
  }

  /// Adds up the tiles' sums, and writes the statistics of the batch.
  template <class Data>
  TYPENET_HD static void reduce(Exec& exec, const Data& data) {
    const index blocks = exec.blocks();
    const index batch = exec.batch();
    const Data norm = layout::of_norm(data);
    exec.template reduce<2>(
        layout::channels, blocks * partition::tiles_of_plane,
        [=] TYPENET_HD(index channel, index first, index last, pack(&total)[2]) {
          const pack reference = lane::block<pack>(norm.input, 0)[channel * layout::values_area * lanes];
          lane::for_each_run(first, last, partition::tiles_of_plane, [&](index block, index begin, index end) {
            const auto* const x = lane::block<pack>(norm.input, block) + channel * layout::values_area * lanes;
            const int valid = lane::valid_lanes<pack>(block, batch);
            for (index tile = begin; tile < end; ++tile) {
              const int at = partition::first(static_cast<int>(tile));
              const pack n = static_cast<scalar>(partition::last(static_cast<int>(tile)) - at);
              const auto* const from = layout::sums(data, channel, block, tile, partition::tiles_of_plane);
              const pack sum = lane::load<pack>(from);
              // Deviations e from the tile's reference become deviations e + d from the channel's reference:
              // Σ (e + d) = Σ e + n d, and Σ (e + d)² = Σ e² + d (2 Σ e + n d).
              const pack distance = lane::keep_lanes(lane::load<pack>(x + index{at} * lanes) - reference, valid);
              total[0] = total[0] + lane::fma(n, distance, sum);
              const pack twice = lane::fma(n, distance, sum + sum);
              total[1] = total[1] + lane::fma(distance, twice, lane::load<pack>(from + lanes));
            }
          });
        },
        [=] TYPENET_HD(index channel, const scalar(&sum)[2]) {
          Stages::norm::template write_statistics<layout::values_shape, pack, lanes>(norm, channel, batch, sum);
        });
  }
};

}  // namespace typenet::detail
