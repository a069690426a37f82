// SPDX-License-Identifier: MIT
/// @file
/// prefetcher: reads the next batches while a batch trains.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <exception>
#include <semaphore>
#include <thread>

#include <typenet/core/config.hpp>
#include <typenet/train/batch_loader.hpp>

namespace typenet::detail {

/// Samples that have been read: `count` samples in `steps` batches.
template <class Backend>
struct sample_chunk {
  sample_memory<Backend>* memory;
  index count, steps;
};

/// Reads batches on a thread of its own into two buffers, one batch ahead of the training.
template <class Backend, class Data>
class prefetcher {
 public:
  /// The most batches of a chunk.
  static constexpr index most_steps(index /*padded*/, int /*inputs*/) { return 1; }

  /// @param wanted the samples of the epoch; they start to be read at once
  /// @param staging the two buffers, each of one batch
  prefetcher(const Data& data, uploaded_arrays<Backend>& arrays, typename Backend::stream& stream, const batch_request& wanted,
             const typename Backend::template memory<std::uint32_t>&, std::array<sample_memory<Backend>, 2>& staging)
      : reader_{data, arrays}, stream_{&stream}, wanted_{wanted}, staging_{&staging}, thread_{[this] { work(); }} {}
  prefetcher(const prefetcher&) = delete;
  prefetcher& operator=(const prefetcher&) = delete;
  ~prefetcher() {
    stop_.store(true);
    free_.release();
    thread_.join();
  }

  /// Waits for the next batch.
  /// @throws whatever reading the data set threw
  sample_chunk<Backend> next() {
    filled_.acquire();
    if (failed_.load(std::memory_order_acquire)) std::rethrow_exception(failure_);
    const std::size_t which = static_cast<std::size_t>(taken_++ % 2);
    return {&(*staging_)[which], counts_[which], 1};
  }
  /// Returns the buffer of the batch that has trained.
  void release() { free_.release(); }

 private:
  /// Reads batch after batch on the thread.
  void work() {
    try {
      int which = 0;
      batch_request now = wanted_;
      for (index done = 0; done < wanted_.count; done += now.count) {
        free_.acquire();
        if (stop_.load()) return;
        now.first = wanted_.first + done;
        now.count = std::min<index>(wanted_.batch, wanted_.count - done);
        const std::size_t slot = static_cast<std::size_t>(which++ % 2);
        reader_.read(*stream_, now, (*staging_)[slot]);
        counts_[slot] = now.count;
        filled_.release();
      }
    } catch (...) {
      failure_ = std::current_exception();
      failed_.store(true, std::memory_order_release);
      filled_.release();
    }
  }

  sample_reader<Backend, Data> reader_;
  typename Backend::stream* stream_;
  batch_request wanted_;
  std::array<sample_memory<Backend>, 2>* staging_;
  std::array<index, 2> counts_{};
  std::counting_semaphore<4> filled_{0};  // buffers that have been read, or a failure
  std::counting_semaphore<4> free_{2};    // buffers to read into
  std::atomic<bool> stop_{false};
  std::exception_ptr failure_;
  std::atomic<bool> failed_{false};
  index taken_ = 0;
  std::thread thread_;
};

/// On a device: reads chunks of many batches, in the order of the device's stream.
template <class Backend, class Data>
  requires(!Backend::host_memory)
class prefetcher<Backend, Data> {
 public:
  static constexpr index most_steps(index padded, int inputs) {
    // Long chunks let a device run for long without the program; 32 MiB are little of its memory.
    constexpr index bytes = index{32} << 20;
    return std::clamp<index>(bytes / (padded * inputs * static_cast<index>(sizeof(typename Backend::scalar))), 1, 256);
  }

  prefetcher(const Data& data, uploaded_arrays<Backend>& arrays, typename Backend::stream& stream, const batch_request& wanted,
             const typename Backend::template memory<std::uint32_t>& order, std::array<sample_memory<Backend>, 2>& staging)
      : reader_{data, arrays},
        stream_{&stream},
        wanted_{wanted},
        chunk_{staging.data()},
        steps_{most_steps(wanted.padded, Data::sample_shape.size())} {
    reader_.set_order(order);
  }

  /// Reads the next chunk. A batch that is not full is a chunk of its own.
  sample_chunk<Backend> next() {
    batch_request now = wanted_;
    now.first = wanted_.first + done_;
    const index left = wanted_.count - done_;
    now.count = left < wanted_.batch ? left : std::min(steps_, left / wanted_.batch) * wanted_.batch;
    done_ += now.count;
    reader_.read(*stream_, now, *chunk_);
    return {chunk_, now.count, (now.count + wanted_.batch - 1) / wanted_.batch};
  }
  void release() {}

 private:
  sample_reader<Backend, Data> reader_;
  typename Backend::stream* stream_;
  batch_request wanted_;
  sample_memory<Backend>* chunk_;
  index steps_;
  index done_ = 0;
};

}  // namespace typenet::detail
