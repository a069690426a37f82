// SPDX-License-Identifier: MIT
/// @file
/// A value of a network for a whole batch, as kernels see it.
#pragma once

#include <typenet/core/config.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet {

/// Samples side by side in the storage of the CPU backend; figures of memory assume it where no number of lanes is given.
inline constexpr int default_lanes = 16;

/// One value of the network for a batch. Layout: `[group][channel][row][column][lane]`, batch-innermost; a group holds `Lanes` samples, one
/// in each lane. Element e of a group lies `e * Lanes` scalars after the group's start.
/// @tparam Scalar `float` or `double`, `const` where the value is only read
/// @tparam Lanes samples side by side in storage
template <class Scalar, int Lanes>
struct lane_view {
  Scalar* base = nullptr;  ///< group 0, aligned to the pack
  index stride = 0;        ///< distance from one group to the next, in scalars

  friend constexpr bool operator==(const lane_view&, const lane_view&) = default;

  /// The start of block `b`. A block is the part of a group that one pack covers; a group holds `Lanes / width<Pack>` of them.
  template <class Pack>
  [[nodiscard]] TYPENET_HD TYPENET_INLINE Scalar* block(index b) const {
    constexpr int per_group = Lanes / lane::width<Pack>;
    if constexpr (per_group == 1) {
      return base + b * stride;
    } else {
      return base + (b / per_group) * stride + (b % per_group) * lane::width<Pack>;
    }
  }
};

namespace lane {

/// The start of block `b` of a view: `view.block<Pack>(b)`, without the word `template` that a dependent view would need.
template <class Pack, class Scalar, int Lanes>
TYPENET_HD TYPENET_INLINE Scalar* block(const lane_view<Scalar, Lanes>& view, index b) {
  return view.template block<Pack>(b);
}

}  // namespace lane
}  // namespace typenet
