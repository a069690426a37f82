// SPDX-License-Identifier: MIT
/// @file
/// What every backend knows of the batch under way.
#pragma once

#include <cstdint>

#include <typenet/core/config.hpp>
#include <typenet/core/random.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet {

/// What random draws are keyed by, besides the sample. It lies in the backend's memory, so that a step recorded once can be repeated
/// in another epoch.
struct batch_keys {
  typenet::seed seed{};
  std::uint32_t epoch = 0;
};

/// The batch under way: how many samples, which, and for what.
class batch_state {
 public:
  /// @param keys what random draws are keyed by; used while training only
  /// @param samples the number of each sample, one per lane; likewise
  TYPENET_HD constexpr batch_state(index batch, bool training, const batch_keys* keys = nullptr, const std::uint32_t* samples = nullptr)
      : batch_{batch}, whole_{batch}, keys_{keys}, samples_{samples}, training_{training} {}

  /// One group of `lanes` samples, to be worked on by itself.
  [[nodiscard]] TYPENET_HD constexpr batch_state group(index which, int lanes) const {
    batch_state part = *this;
    const index left = batch_ - which * lanes;
    part.batch_ = left < lanes ? left : lanes;
    if (samples_ != nullptr) part.samples_ = samples_ + which * lanes;
    return part;
  }

  /// Samples in the batch; lanes beyond it hold copies of the last and count for nothing.
  [[nodiscard]] TYPENET_HD constexpr index batch() const { return batch_; }
  /// The same, where these are one group of a larger batch: samples in all of it.
  [[nodiscard]] TYPENET_HD constexpr index whole_batch() const { return whole_; }
  [[nodiscard]] TYPENET_HD constexpr bool training() const { return training_; }
  [[nodiscard]] TYPENET_HD constexpr const batch_keys* keys() const { return keys_; }
  [[nodiscard]] TYPENET_HD constexpr const std::uint32_t* samples() const { return samples_; }

 private:
  index batch_;
  index whole_;
  const batch_keys* keys_;
  const std::uint32_t* samples_;
  bool training_;
};

namespace detail {

/// Copies samples from rows into the lanes of one group; the last sample fills the lanes that none is left for, so that what is
/// computed there is as finite as the rest.
template <class Pack, int Lanes, class Scalar>
void load_lanes(const Scalar* rows, index stride, int count, int size, Scalar* group) {
  const Scalar* row[Lanes];
  for (int l = 0; l < Lanes; ++l) row[l] = rows + (l < count ? l : count - 1) * stride;
  lane::to_lanes<Pack, Lanes>(row, size, group);
}

}  // namespace detail
}  // namespace typenet
