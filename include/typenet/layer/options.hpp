// SPDX-License-Identifier: MIT
/// @file
/// The options of layers, written as tags in any order: `conv2d<32, 3, padding<1>, stride<2>>`.
#pragma once

#include <type_traits>

#include <typenet/core/diagnostics.hpp>
#include <typenet/core/real.hpp>
#include <typenet/layer/needs.hpp>

namespace typenet {

/// Height and width of a window, a stride or a padding.
struct kernel_size {
  int height;
  int width;
  friend constexpr bool operator==(kernel_size, kernel_size) = default;
};

/// A window that is not square: `conv2d<6, kernel<3, 5>>`.
template <int Height, int Width>
inline constexpr kernel_size kernel{Height, Width};

namespace option_kind {
struct stride;
struct padding;
struct padding_value;
struct dilation;
struct groups;
struct bias;
struct connections;
}  // namespace option_kind

/// Distance between neighboring windows; 1 for a convolution, the window for a pooling layer, where none is given.
/// @see torch.nn.Conv2d
template <int Height, int Width = Height>
struct stride {
  using kind = option_kind::stride;
  static constexpr kernel_size value{Height, Width};
};
/// Rows and columns that are added on each side of the image, 0 where none are given. They hold zeros, or −∞ for max pooling.
template <int Height, int Width = Height>
struct padding {
  using kind = option_kind::padding;
  static constexpr kernel_size value{Height, Width};
};
/// The value of a convolution's padding, 0 where none is given: `padding<2>, padding_value<-1>`.
/// @see torch.nn.functional.pad
template <real Value>
struct padding_value {
  using kind = option_kind::padding_value;
  static constexpr real value = Value;
};
/// Distance between neighboring taps of one kernel, 1 where none is given.
template <int Height, int Width = Height>
struct dilation {
  using kind = option_kind::dilation;
  static constexpr kernel_size value{Height, Width};
};
/// The number of independent convolutions into which input and output channels are split, 1 where none is given.
template <int Count>
struct groups {
  using kind = option_kind::groups;
  static constexpr int value = Count;
};
/// The kinds of bias besides one number for each output channel.
enum class bias_kind {
  per_unit  ///< one number for each element of the output
};
inline constexpr bias_kind per_unit = bias_kind::per_unit;
/// The bias of a layer. `bias<true>`, the default: one number for each output channel. `bias<false>`: none. `bias<per_unit>`: one for each
/// element of a convolution's output.
template <auto Kind>
struct bias {
  using kind = option_kind::bias;
  static constexpr auto value = Kind;
};
/// The input channels that each output channel of a convolution reads, as a `connection_table`. Other weights are neither stored nor
/// computed.
template <auto Table>
struct connections {
  using kind = option_kind::connections;
  static constexpr auto value = Table;
};

namespace detail {

/// A tag among the template arguments of a layer; `kind` says which option it sets.
template <class T>
concept option = requires { typename T::kind; };

/// `type` is the first tag of one kind among a layer's options, or `Default` where there is none.
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

/// The kinds of options that a layer has.
template <class... Kinds>
struct option_kinds {};

/// `type` is the kind of an option, or void for any other type.
template <class T>
struct kind_of {
  using type = void;
};
template <option T>
struct kind_of<T> {
  using type = typename T::kind;
};

/// `type` is `accepted`, or says what is wrong with a layer's options: an unknown one, or one given twice.
/// @tparam Known the `option_kinds` of the layer
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

/// The window that is written as `3` or `kernel<3, 5>`; 0 x 0 for any other argument.
template <class T>
constexpr kernel_size to_kernel_size(T side) {
  if constexpr (std::is_same_v<T, kernel_size>)
    return side;
  else if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>)
    return {static_cast<int>(side), static_cast<int>(side)};
  else
    return {0, 0};
}

/// The bias that a layer's options ask for; `unheard_of` where the argument of `bias` is of another type.
enum class bias_use { none, per_channel, per_unit, unheard_of };
template <class... Options>
constexpr bias_use bias_of() {
  constexpr auto kind = find_option_t<option_kind::bias, bias<true>, Options...>::value;
  if constexpr (std::is_same_v<decltype(kind), const bool>)
    return kind ? bias_use::per_channel : bias_use::none;
  else
    return std::is_same_v<decltype(kind), const bias_kind> ? bias_use::per_unit : bias_use::unheard_of;
}

}  // namespace detail
}  // namespace typenet
