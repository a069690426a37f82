// SPDX-License-Identifier: MIT
/// @file
/// sample_order: the random order of an epoch's samples.
#pragma once

#include <cstdint>

#include <typenet/core/config.hpp>
#include <typenet/core/random.hpp>

namespace typenet::detail {

/// A random order of the samples of a data set, in a backend's memory.
template <class Backend>
class sample_order {
 public:
  template <class T>
  using memory = typename Backend::template memory<T>;

  /// Makes a permutation of the numbers below `total`, a function of seed, epoch and purpose alone. It sorts the numbers by random keys, so
  /// that the result depends neither on the number of threads nor on the backend.
  /// @returns `[place]`: the number of the sample there
  const std::uint32_t* shuffle(typename Backend::stream& stream, seed s, std::uint32_t epoch, index total, random_stream purpose) {
    if (numbers_.size() != total) {
      numbers_ = memory<std::uint32_t>{total};
      keys_ = memory<std::uint64_t>{total};
    }
    std::uint32_t* const numbers = numbers_.data();
    std::uint64_t* const keys = keys_.data();
    const counter_rng rng{s, purpose};
    stream.for_each(total, [=] TYPENET_HD(index i) {
      const auto words = rng(epoch, static_cast<std::uint32_t>(i), 0);
      numbers[i] = static_cast<std::uint32_t>(i);
      keys[i] = std::uint64_t{words[0]} << 32 | words[1];
    });
    stream.sort_by_key(keys, numbers, total);
    return numbers;
  }

  /// `[place]`: the number of the sample there.
  [[nodiscard]] const memory<std::uint32_t>& numbers() const { return numbers_; }

 private:
  memory<std::uint32_t> numbers_;
  memory<std::uint64_t> keys_;
};

}  // namespace typenet::detail
