// SPDX-License-Identifier: MIT
/// @file
/// flatten: an image to a vector.
#pragma once

#include <typenet/core/diagnostics.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/layer/layer.hpp>

namespace typenet {

/// Channels x height x width to one vector of features, channel by channel. Nothing is executed.
/// @see torch.nn.Flatten
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
