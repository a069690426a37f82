// SPDX-License-Identifier: MIT
/// @file
/// code_table: fixed codes of +1 and −1, the centers of euclidean_rbf.
#pragma once

#include <cstddef>
#include <string_view>

#include <typenet/core/bit_words.hpp>

namespace typenet {

/// A table of +1 and −1 with one code in each row; usable as a template argument.
template <int Rows, int Columns>
struct code_table {
  static_assert(Rows > 0 && Columns > 0);
  using words = detail::bit_words<(Rows * Columns + 63) / 64>;
  /// `[row][column]`, set where a code has +1.
  words bits{};

  static constexpr int rows = Rows;
  static constexpr int columns = Columns;

  constexpr code_table() = default;
  /// Makes a table from rows of bits: `{{{1, 0}, {0, 1}}}` has the codes (+1, −1) and (−1, +1).
  constexpr explicit code_table(const bool (&on)[Rows][Columns]) {
    for (int r = 0; r < Rows; ++r)
      for (int c = 0; c < Columns; ++c) set(r, c, on[r][c]);
  }
  /// Makes a table from its member. nvcc writes template arguments in this form.
  constexpr explicit code_table(const words& of) : bits{of} {}

  /// One element of one code: +1 or −1.
  [[nodiscard]] constexpr int at(int row, int column) const { return bits.get(row * Columns + column) ? 1 : -1; }
  /// Sets one element of one code to +1, or to −1 where not `plus`.
  constexpr void set(int row, int column, bool plus = true) { bits.set(row * Columns + column, plus); }
  friend constexpr bool operator==(const code_table&, const code_table&) = default;
};

/// The codes of bitmaps that are drawn side by side, with one column of text between neighbors: `#` is +1, any other character −1. A code
/// lists its bitmap row by row.
/// @tparam Rows number of bitmaps
/// @tparam Width columns of one bitmap
/// @param drawing `Height` lines of text
template <int Rows, int Width, std::size_t Height>
constexpr code_table<Rows, Width* static_cast<int>(Height)> drawn_codes(const std::string_view (&drawing)[Height]) {
  code_table<Rows, Width* static_cast<int>(Height)> codes{};
  for (int r = 0; r < Rows; ++r)
    for (int y = 0; y < static_cast<int>(Height); ++y)
      for (int x = 0; x < Width; ++x) codes.set(r, y * Width + x, drawing[y][static_cast<std::size_t>(r * (Width + 1) + x)] == '#');
  return codes;
}

namespace detail {

/// True for instances of `code_table`.
template <class T>
inline constexpr bool is_code_table = false;
template <int Rows, int Columns>
inline constexpr bool is_code_table<code_table<Rows, Columns>> = true;

}  // namespace detail
}  // namespace typenet
