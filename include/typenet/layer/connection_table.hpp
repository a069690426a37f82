// SPDX-License-Identifier: MIT
/// @file
/// connection_table: which input channels each output channel of a convolution reads.
#pragma once

#include <typenet/core/bit_words.hpp>

namespace typenet {

/// Which input channels each output channel of a convolution reads: a row for each input, a column for each output.
template <int Inputs, int Outputs>
struct connection_table {
  using words = detail::bit_words<(Inputs * Outputs + 63) / 64>;
  words bits{};

  static constexpr int inputs = Inputs;
  static constexpr int outputs = Outputs;

  constexpr connection_table() = default;
  /// `{{{1, 0}, {0, 1}, {1, 0}}}`: three inputs, of which the second feeds the second output and the others the first.
  constexpr explicit connection_table(const bool (&on)[Inputs][Outputs]) {
    for (int i = 0; i < Inputs; ++i)
      for (int o = 0; o < Outputs; ++o) connect(i, o, on[i][o]);
  }
  /// The member as such, as nvcc writes it out.
  constexpr explicit connection_table(const words& of) : bits{of} {}

  /// Whether an input channel feeds an output channel.
  [[nodiscard]] constexpr bool on(int input, int output) const { return bits.get(input * Outputs + output); }
  constexpr void connect(int input, int output, bool whether = true) { bits.set(input * Outputs + output, whether); }

  /// Connected (input, output) pairs.
  [[nodiscard]] constexpr int links() const {
    int n = 0;
    for (int o = 0; o < Outputs; ++o) n += links_to(o);
    return n;
  }
  /// Input channels that one output channel reads.
  [[nodiscard]] constexpr int links_to(int output) const {
    int n = 0;
    for (int i = 0; i < Inputs; ++i) n += on(i, output) ? 1 : 0;
    return n;
  }
  friend constexpr bool operator==(const connection_table&, const connection_table&) = default;
};

namespace detail {

template <class T>
inline constexpr bool is_connection_table = false;
template <int Inputs, int Outputs>
inline constexpr bool is_connection_table<const connection_table<Inputs, Outputs>> = true;

}  // namespace detail
}  // namespace typenet
