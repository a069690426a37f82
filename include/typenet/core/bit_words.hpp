// SPDX-License-Identifier: MIT
/// @file
/// A set of bits that can be part of a template argument.
#pragma once

#include <cstdint>

namespace typenet::detail {

/// Bits as words that are members, not an array: nvcc cannot write arrays in template arguments out again.
template <int Words>
struct bit_words {
  std::uint64_t word = 0;
  bit_words<Words - 1> rest{};

  [[nodiscard]] constexpr bool get(int bit) const { return bit < 64 ? (word >> bit & 1) != 0 : rest.get(bit - 64); }
  constexpr void set(int bit, bool value) {
    if (bit >= 64)
      rest.set(bit - 64, value);
    else
      word = (word & ~(std::uint64_t{1} << bit)) | std::uint64_t{value} << bit;
  }
  friend constexpr bool operator==(const bit_words&, const bit_words&) = default;
};
template <>
struct bit_words<0> {
  [[nodiscard]] static constexpr bool get(int) { return false; }
  constexpr void set(int, bool) {}
  friend constexpr bool operator==(const bit_words&, const bit_words&) = default;
};

}  // namespace typenet::detail
