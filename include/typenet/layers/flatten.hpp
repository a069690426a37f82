// SPDX-License-Identifier: MIT
/// @file
/// flatten: an image as a vector.
#pragma once

#include <typenet/layer/layer.hpp>

namespace typenet {

/// Turns channels x height x width into features, channel by channel; costs nothing. @see torch.nn.Flatten
struct flatten : layer_defaults {
  static constexpr bool only_reshapes = true;
  static constexpr bool backward_reads_input = false;

  template <shape In>
  static constexpr auto check() {
    return accepted{};
  }
  static constexpr shape output(shape in) { return shape{in.size()}; }
};

}  // namespace typenet
