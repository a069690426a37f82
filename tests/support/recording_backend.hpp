// SPDX-License-Identifier: MIT
// A device on the host: `scalar_backend` whose memory the program reaches by copies alone, and whose stream records a repeated task. A
// recording keeps every address that the task had. Freed memory is filled with NaN and never used again, so that an address which is no
// longer valid shows in the results.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <typenet/backends/recorded_task.hpp>
#include <typenet/core/error.hpp>

#include "scalar_backend.hpp"

namespace testing {

/// What the device on the host did, and how much memory it has.
struct recording_device {
  static inline typenet::index recorded = 0;  ///< tasks that were recorded
  static inline typenet::index replayed = 0;  ///< times that a recording ran
  static inline typenet::index copies = 0;    ///< copies that the program has made to the device
  static inline std::size_t copied = 0;       ///< bytes that the program has copied to the device, in arrays of at least `large` bytes
  static inline std::size_t large = 0;
  static inline std::size_t used = 0;  ///< bytes
  static inline std::size_t size = std::numeric_limits<std::size_t>::max();

  static void reset() {
    recorded = replayed = copies = 0;
    copied = large = 0;
    size = std::numeric_limits<std::size_t>::max();
  }
};

/// Memory of the device on the host.
template <class T>
class recording_memory {
 public:
  recording_memory() = default;
  explicit recording_memory(typenet::index size) : size_{size} {
    if (bytes() > recording_device::size - std::min(recording_device::size, recording_device::used))
      throw typenet::device_memory_error("out of memory: " + std::to_string(bytes()) + " bytes were asked for");
    if (size > 0) data_ = std::make_unique<T[]>(static_cast<std::size_t>(size));
    recording_device::used += bytes();
  }
  recording_memory(const recording_memory& other) : recording_memory{other.size_} { std::copy_n(other.data(), size_, data()); }
  recording_memory(recording_memory&& other) noexcept : size_{std::exchange(other.size_, 0)}, data_{std::move(other.data_)} {}
  recording_memory& operator=(recording_memory other) noexcept {
    std::swap(size_, other.size_);
    std::swap(data_, other.data_);
    return *this;
  }
  ~recording_memory() {
    static std::vector<std::unique_ptr<T[]>> freed;
    recording_device::used -= bytes();
    if (data_ == nullptr) return;
    std::memset(static_cast<void*>(data_.get()), 0xFF, bytes());
    freed.push_back(std::move(data_));
  }

  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  typenet::index size() const { return size_; }
  void copy_from(std::span<const T> from, typenet::index first = 0) {
    ++recording_device::copies;
    if (from.size_bytes() >= recording_device::large) recording_device::copied += from.size_bytes();
    std::copy(from.begin(), from.end(), data() + first);
  }
  void copy_to(std::span<T> to, typenet::index first = 0) const { std::copy_n(data() + first, to.size(), to.begin()); }

 private:
  std::size_t bytes() const { return static_cast<std::size_t>(size_) * sizeof(T); }

  typenet::index size_ = 0;
  std::unique_ptr<T[]> data_;
};

/// @tparam Scalar `float` or `double`
/// @tparam Records false: a repeated task is run, and nothing is recorded
template <class Scalar, bool Records = true>
struct recording_backend {
  using base = scalar_backend<Scalar>;
  using scalar = Scalar;
  using pack = Scalar;
  static constexpr int lanes = base::lanes;
  static constexpr bool fuses_layers = true;
  static constexpr bool host_memory = false;
  static constexpr typenet::index inference_samples = base::inference_samples;
  using execution = typename base::execution;

  template <class T>
  using memory = recording_memory<T>;
  using array = memory<Scalar>;

  struct recording {
    typenet::detail::recorded_task task;
    std::function<void()> replay;
  };

  class stream : public base::stream {
   public:
    template <class Task>
    void repeat(recording& record, int threads, const typenet::batch_state& state, const Task& task, typenet::index times) const {
      const auto run = [*this, threads, state, task] { stream::run(threads, state, task); };
      if constexpr (Records) {
        record.task.repeat(
            state, task, times, run,
            [&] {
              record.replay = run;
              ++recording_device::recorded;
            },
            [&] {
              record.replay();
              ++recording_device::replayed;
            });
      } else {
        for (typenet::index t = 0; t < times; ++t) run();
      }
    }
  };

  using layout_converter = host_layout_converter<Scalar, lanes, stream>;

  static int max_threads() { return 1; }
};

}  // namespace testing
