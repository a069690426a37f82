// SPDX-License-Identifier: MIT
/// @file
/// The parameters of normalizations: a scale and a shift for each channel.
#pragma once

#include <array>

#include <typenet/layer/tensor_spec.hpp>

namespace typenet::detail {

/// The specs of `weight` (γ) [channels] and `bias` (β) [channels].
constexpr std::array<parameter_spec, 2> scale_and_shift(int channels) {
  return {parameter_spec{"weight", parameter_role::scale, 1, {channels, 1, 1, 1}, 1, 1},
          parameter_spec{"bias", parameter_role::shift, 1, {channels, 1, 1, 1}, 1, 1}};
}

}  // namespace typenet::detail
