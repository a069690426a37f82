// SPDX-License-Identifier: MIT
/// @file
/// bit_words: a set of bits that can be part of a template argument.
#pragma once

#include <cstdint>

namespace typenet::detail {

/// A set of 64 * `Words` bits. Bit `b` is bit `b % 64` of word `b / 64`. The words are members, since nvcc cannot spell a template argument
/// that holds an array.
template <int Words>
struct bit_words {
  std::uint64_t word = 0;       ///< bits 0 to 63
  bit_words<Words - 1> rest{};  ///< bits from 64 on

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
