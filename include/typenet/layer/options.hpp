// SPDX-License-Identifier: MIT
/// @file
/// The options of layers, written as tags in any order: `conv2d<32, 3, padding<1>, stride<2>>`.
#pragma once

#include <cstdint>
#include <type_traits>

#include <typenet/core/diagnostics.hpp>
#include <typenet/core/real.hpp>

namespace typenet {

/// Height and width of a window.
struct kernel_size {
  int height;
  int width;
  friend constexpr bool operator==(kernel_size, kernel_size) = default;
};

/// A window that is not square: `conv2d<6, kernel<3, 5>>`.
template <int Height, int Width>
inline constexpr kernel_size kernel{Height, Width};

namespace detail {

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

}  // namespace detail

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

/// Which of the 6 maps of S2 (rows) feed which of the 16 of C3 (columns) in LeNet-5 (LeCun et al. 1998, table I).
inline constexpr connection_table<6, 16> lenet5_c3{{{1, 0, 0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 1, 1},
                                                    {1, 1, 0, 0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 1},
                                                    {1, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0, 1, 0, 1, 1, 1},
                                                    {0, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 0, 1, 0, 1, 1},
                                                    {0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 1, 1, 0, 1},
                                                    {0, 0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 1, 1, 1}}};

/// Which 8 of the 12 maps of H1 (rows) feed each of the 12 of H2 (columns) in the network of 1989, in A. Karpathy's reading of LeCun et al.
/// 1989, which says no more than that each sees eight.
inline constexpr connection_table<12, 12> lenet1989_h2{{{1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1},
                                                        {1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1},
                                                        {1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1},
                                                        {1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1},
                                                        {1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0},
                                                        {1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0},
                                                        {1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0},
                                                        {1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0},
                                                        {0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1},
                                                        {0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1},
                                                        {0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1},
                                                        {0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1}}};

namespace option_kind {
struct stride;
struct padding;
struct padding_value;
struct dilation;
struct groups;
struct bias;
struct connections;
}  // namespace option_kind

/// Step between neighbouring windows. @see torch.nn.Conv2d
template <int Height, int Width = Height>
struct stride {
  using kind = option_kind::stride;
  static constexpr kernel_size value{Height, Width};
};
/// Rows and columns added on each side: zeros for a convolution and an average, nothing for a maximum.
template <int Height, int Width = Height>
struct padding {
  using kind = option_kind::padding;
  static constexpr kernel_size value{Height, Width};
};
/// What a convolution's padding counts as; zero unless said: `padding<2>, padding_value<-1>`. @see torch.nn.functional.pad
template <real Value>
struct padding_value {
  using kind = option_kind::padding_value;
  static constexpr real value = Value;
};
/// Step between neighbouring taps of one window.
template <int Height, int Width = Height>
struct dilation {
  using kind = option_kind::dilation;
  static constexpr kernel_size value{Height, Width};
};
/// Splits input and output channels into this many independent convolutions.
template <int Count>
struct groups {
  using kind = option_kind::groups;
  static constexpr int value = Count;
};
/// Other biases than one for each output channel.
enum class bias_kind { per_unit };
inline constexpr bias_kind per_unit = bias_kind::per_unit;
/// Whether a bias is added; one for each channel is by default. `bias<per_unit>`: one for each element of a convolution's output.
template <auto Kind>
struct bias {
  using kind = option_kind::bias;
  static constexpr auto value = Kind;
};
/// A convolution in which each output channel reads only the inputs that a `connection_table` names, and pays only for those.
template <auto Table>
struct connections {
  using kind = option_kind::connections;
  static constexpr auto value = Table;
};

namespace detail {

template <class T>
concept option = requires { typename T::kind; };

/// The tag of one kind among a layer's options, or a default.
template <class Kind, class Default, class... Options>
struct find_option {
  using type = Default;
};
template <class Kind, class Default, option First, class... Rest>
struct find_option<Kind, Default, First, Rest...>
    : std::conditional_t<std::is_same_v<typename First::kind, Kind>, std::type_identity<First>, find_option<Kind, Default, Rest...>> {};
template <class Kind, class Default, class First, class... Rest>
struct find_option<Kind, Default, First, Rest...> : find_option<Kind, Default, Rest...> {};

template <class Kind, class Default, class... Options>
using find_option_t = typename find_option<Kind, Default, Options...>::type;

template <class... Kinds>
struct option_kinds {};

template <class T>
struct kind_of {
  using type = void;
};
template <option T>
struct kind_of<T> {
  using type = typename T::kind;
};

/// `accepted`, or what is wrong with a layer's options: one it does not know, or one given twice.
template <class Known, class... Options>
struct find_option_problem {
  using type = accepted;
};
template <class... Kinds, class First, class... Rest>
struct find_option_problem<option_kinds<Kinds...>, First, Rest...> {
  using kind = typename kind_of<First>::type;
  static constexpr auto find() {
    if constexpr (!(std::is_same_v<Kinds, kind> || ...))
      return needs::no_unknown_option<First>{};
    else if constexpr ((std::is_same_v<typename kind_of<Rest>::type, kind> || ...))
      return needs::no_repeated_option<First>{};
    else
      return typename find_option_problem<option_kinds<Kinds...>, Rest...>::type{};
  }
  using type = decltype(find());
};
template <class Known, class... Options>
using option_problem = typename find_option_problem<Known, Options...>::type;

/// A window given as `3` or `kernel<3, 5>`; of no size if it is anything else.
template <class T>
constexpr kernel_size to_kernel_size(T side) {
  if constexpr (std::is_same_v<T, kernel_size>)
    return side;
  else if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>)
    return {static_cast<int>(side), static_cast<int>(side)};
  else
    return {0, 0};
}

/// What a layer's options say of its bias.
enum class bias_use { none, per_channel, per_unit, unheard_of };
template <class... Options>
constexpr bias_use bias_of() {
  constexpr auto kind = find_option_t<option_kind::bias, bias<true>, Options...>::value;
  if constexpr (std::is_same_v<decltype(kind), const bool>)
    return kind ? bias_use::per_channel : bias_use::none;
  else
    return std::is_same_v<decltype(kind), const bias_kind> ? bias_use::per_unit : bias_use::unheard_of;
}

template <class T>
inline constexpr bool is_connection_table = false;
template <int Inputs, int Outputs>
inline constexpr bool is_connection_table<const connection_table<Inputs, Outputs>> = true;

}  // namespace detail
}  // namespace typenet
