// SPDX-License-Identifier: MIT
/// @file
/// relu: the rectified linear unit.
#pragma once

#include <typenet/core/config.hpp>
#include <typenet/layer/elementwise.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet {

/// max(x, 0). The slope at 0 is 0.
/// @see torch.nn.ReLU
struct relu : elementwise<relu, differentiates_from::output> {
  static constexpr bool is_monotonic = true;

  template <class Pack>
  TYPENET_HD TYPENET_INLINE static Pack apply(const Pack& x) {
    return lane::max(x, 0);
  }
  template <class Pack>
  TYPENET_HD TYPENET_INLINE static Pack derivative(const Pack& y) {
    return lane::select(lane::greater(y, 0), Pack(1), Pack(0));
  }
  template <class Pack>
  TYPENET_HD TYPENET_INLINE static Pack pass_back(const Pack& y, const Pack& gradient) {
    return lane::select(lane::greater(y, 0), gradient, 0);
  }
};

}  // namespace typenet
