// SPDX-License-Identifier: MIT
/// @file
/// normalize: grey levels as numbers of a given mean and standard deviation.
#pragma once

#include <cmath>
#include <string>

#include <typenet/core/error.hpp>
#include <typenet/data/transforms/transform.hpp>

namespace typenet {

/// Maps a grey level v, 0 to 255, to (v / 255 - mean) / standard_deviation. A last transform; without one a data set reads v / 255.
/// @see torchvision.transforms.Normalize
struct normalize {
  static constexpr auto kind = transform_kind::last;
  float mean = 0;                ///< finite
  float standard_deviation = 1;  ///< finite, above 0

  /// @param level a grey level divided by 255
  [[nodiscard]] float apply(float level) const { return (level - mean) / standard_deviation; }
  /// @throws argument_error if a parameter is not finite, or the standard deviation not above 0
  void check() const {
    if (!(std::isfinite(mean) && std::isfinite(standard_deviation) && standard_deviation > 0))
      throw argument_error{"normalize: needs a finite mean and a standard deviation above 0, got " + std::to_string(mean) + " and " +
                           std::to_string(standard_deviation)};
  }
};

}  // namespace typenet
