// SPDX-License-Identifier: MIT
/// @file
/// The numbers and lane masks that every part of cuda_on_cpu uses.
#pragma once

#include <bit>
#include <cstdint>

namespace cuda_on_cpu {

/// A set of lanes of a warp: bit l stands for lane l.
using lane_mask = std::uint32_t;

inline constexpr int warp_size = 32;
inline constexpr lane_mask all_lanes = ~lane_mask{0};

/// The number of the lowest lane of a set that is not empty.
inline int first_lane(lane_mask lanes) { return std::countr_zero(lanes); }

/// Calls `f(lane)` for each lane of a set, in ascending order.
template <class F>
void for_lanes(lane_mask lanes, F f) {
  if (lanes == all_lanes) {
    for (int lane = 0; lane < warp_size; ++lane) f(lane);
  } else {
    for (; lanes != 0; lanes &= lanes - 1) f(first_lane(lanes));
  }
}

/// Rounds up to a multiple.
constexpr std::uint64_t round_up(std::uint64_t number, std::uint64_t multiple) { return (number + multiple - 1) / multiple * multiple; }

}  // namespace cuda_on_cpu
