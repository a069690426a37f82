// SPDX-License-Identifier: MIT
/// @file
/// What every backend knows of the batch under way.
#pragma once

#include <cstdint>

#include <typenet/config.hpp>
#include <typenet/random.hpp>

namespace typenet {

/// The batch under way: how many samples, which, and for what.
class batch_state {
 public:
  /// @param samples the number of each sample, one per lane; what random draws are keyed by
  constexpr batch_state(index batch, bool training, seed s = {}, std::uint32_t epoch = 0, const std::uint32_t* samples = nullptr)
      : batch_{batch}, samples_{samples}, seed_{s}, epoch_{epoch}, training_{training} {}

  /// Samples in the batch; lanes beyond it hold copies of the last and count for nothing.
  [[nodiscard]] TYPENET_HD constexpr index batch() const { return batch_; }
  [[nodiscard]] TYPENET_HD constexpr bool training() const { return training_; }
  [[nodiscard]] TYPENET_HD constexpr typenet::seed seed() const { return seed_; }
  [[nodiscard]] TYPENET_HD constexpr std::uint32_t epoch() const { return epoch_; }
  [[nodiscard]] TYPENET_HD constexpr const std::uint32_t* samples() const { return samples_; }

 private:
  index batch_;
  const std::uint32_t* samples_;
  typenet::seed seed_;
  std::uint32_t epoch_;
  bool training_;
};

}  // namespace typenet
