// SPDX-License-Identifier: MIT
/// @file
/// connection_table: the input channels that each output channel of a convolution reads.
#pragma once

#include <typenet/core/bit_words.hpp>

namespace typenet {

/// A table of bits with a row for each input channel and a column for each output channel; usable as a template argument. A bit is set
/// where the output reads the input.
template <int Inputs, int Outputs>
struct connection_table {
  using words = detail::bit_words<(Inputs * Outputs + 63) / 64>;
  /// `[input][output]`.
  words bits{};

  static constexpr int inputs = Inputs;
  static constexpr int outputs = Outputs;

  constexpr connection_table() = default;
  /// Makes a table from rows of bits: in `{{{1, 0}, {0, 1}, {1, 0}}}`, output 0 reads inputs 0 and 2, and output 1 reads input 1.
  constexpr explicit connection_table(const bool (&on)[Inputs][Outputs]) {
    for (int i = 0; i < Inputs; ++i)
      for (int o = 0; o < Outputs; ++o) connect(i, o, on[i][o]);
  }
  /// Makes a table from its member. nvcc writes template arguments in this form.
  constexpr explicit connection_table(const words& of) : bits{of} {}

  /// True where an output channel reads an input channel.
  [[nodiscard]] constexpr bool on(int input, int output) const { return bits.get(input * Outputs + output); }
  /// Connects an input channel with an output channel, or disconnects them where not `whether`.
  constexpr void connect(int input, int output, bool whether = true) { bits.set(input * Outputs + output, whether); }

  /// Number of connected (input, output) pairs.
  [[nodiscard]] constexpr int links() const {
    int n = 0;
    for (int o = 0; o < Outputs; ++o) n += links_to(o);
    return n;
  }
  /// Number of input channels that one output channel reads.
  [[nodiscard]] constexpr int links_to(int output) const {
    int n = 0;
    for (int i = 0; i < Inputs; ++i) n += on(i, output) ? 1 : 0;
    return n;
  }
  friend constexpr bool operator==(const connection_table&, const connection_table&) = default;
};

namespace detail {

/// True for constant instances of `connection_table`.
template <class T>
inline constexpr bool is_connection_table = false;
template <int Inputs, int Outputs>
inline constexpr bool is_connection_table<const connection_table<Inputs, Outputs>> = true;

}  // namespace detail
}  // namespace typenet
