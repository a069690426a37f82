// SPDX-License-Identifier: MIT
/// @file
/// The batch under way, as every execution knows it.
#pragma once

#include <cstdint>

#include <typenet/core/config.hpp>
#include <typenet/core/random.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet {

/// The key of a batch's random draws, apart from the number of the sample. It lies in the backend's memory: a step that is recorded once
/// can then be repeated in another epoch.
struct batch_keys {
  typenet::seed seed{};
  std::uint32_t epoch = 0;
};

/// The batch under way: how many samples, which samples, and whether they are for training.
class batch_state {
 public:
  /// @param batch samples in the batch
  /// @param training true in a training step, false in inference
  /// @param keys the key of random draws, one; may be null in inference
  /// @param samples `[lane of the batch]`: the number of each sample in the data set, aligned to the pack; may be null in inference
  TYPENET_HD constexpr batch_state(index batch, bool training, const batch_keys* keys = nullptr, const std::uint32_t* samples = nullptr)
      : batch_{batch}, whole_{batch}, keys_{keys}, samples_{samples}, training_{training} {}

  /// The state of lane group `which` by itself, a group being `lanes` samples.
  [[nodiscard]] TYPENET_HD constexpr batch_state group(index which, int lanes) const {
    batch_state part = *this;
    const index left = batch_ - which * lanes;
    part.batch_ = left < lanes ? left : lanes;
    if (samples_ != nullptr) part.samples_ = samples_ + which * lanes;
    return part;
  }

  /// Samples in the batch. Lanes past them hold copies of the last sample and do not count.
  [[nodiscard]] TYPENET_HD constexpr index batch() const { return batch_; }
  /// Samples in the whole batch that this batch is a group of; `batch()` where it is no group.
  [[nodiscard]] TYPENET_HD constexpr index whole_batch() const { return whole_; }
  /// True in a training step, false in inference.
  [[nodiscard]] TYPENET_HD constexpr bool training() const { return training_; }
  /// The key of random draws; may be null in inference.
  [[nodiscard]] TYPENET_HD constexpr const batch_keys* keys() const { return keys_; }
  /// The number of each lane's sample, `[lane of the batch]`; may be null in inference.
  [[nodiscard]] TYPENET_HD constexpr const std::uint32_t* samples() const { return samples_; }

  /// Whether two states name the same batch, the same keys and the same numbers of samples, by their addresses.
  friend constexpr bool operator==(const batch_state&, const batch_state&) = default;

 private:
  index batch_;
  index whole_;
  const batch_keys* keys_;
  const std::uint32_t* samples_;
  bool training_;
};

namespace detail {

/// Copies up to `Lanes` samples from rows into the lanes of one group. Copies of the last sample fill the remaining lanes: what is computed
/// there stays finite.
/// @param rows sample s begins at `rows + s * stride`, with `size` numbers
/// @param stride distance from one row to the next, in scalars
/// @param count samples, from 1 to `Lanes`
/// @param group `[element][lane]`, aligned to the pack
template <class Pack, int Lanes, class Scalar>
void load_lanes(const Scalar* rows, index stride, int count, int size, Scalar* group) {
  const Scalar* row[Lanes];
  for (int l = 0; l < Lanes; ++l) row[l] = rows + (l < count ? l : count - 1) * stride;
  lane::to_lanes<Pack, Lanes>(row, size, group);
}

}  // namespace detail
}  // namespace typenet
