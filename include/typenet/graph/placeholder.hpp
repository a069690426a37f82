// SPDX-License-Identifier: MIT
/// @file
/// Placeholders for the facts of an ill-formed network: its numbers, names, shapes, arrays and tensors. Every comparison with a placeholder
/// is true. So a program reports its mistake once, and not again at each `static_assert` about the network.
#pragma once

#include <cstddef>
#include <string_view>
#include <type_traits>

#include <typenet/core/config.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/layer/tensor_spec.hpp>

/// A namespace of its own: argument-dependent lookup finds the operators below for placeholders alone.
namespace typenet::detail::placeholders {

/// The base of all placeholders.
struct unknown_fact {};

/// A number, an enumerator or a truth value of an ill-formed network. It converts to `T` as `Value`; its negation is true.
template <class T, T Value = static_cast<T>(1)>
struct unknown : unknown_fact {
  // NOLINTNEXTLINE(google-explicit-constructor): stands for a number
  constexpr operator T() const { return Value; }
  constexpr unknown<bool> operator!() const { return {}; }
};

/// The length of an `unknown_array`. It converts to 0, and no index lies below it: loops over the array end at once.
template <class T>
struct unknown_length : unknown<T, T{0}> {};

// Comparisons of a placeholder with anything, on either side.
template <class A, class B>
constexpr unknown<bool> operator==(const A& /*a*/, const B& /*b*/) {
  return {};
}
template <class A, class B>
constexpr unknown<bool> operator!=(const A& /*a*/, const B& /*b*/) {
  return {};
}
template <class A, class B>
constexpr unknown<bool> operator<(const A& /*a*/, const B& /*b*/) {
  return {};
}
template <class A, class B>
constexpr unknown<bool> operator<=(const A& /*a*/, const B& /*b*/) {
  return {};
}
template <class A, class B>
constexpr unknown<bool> operator>(const A& /*a*/, const B& /*b*/) {
  return {};
}
template <class A, class B>
constexpr unknown<bool> operator>=(const A& /*a*/, const B& /*b*/) {
  return {};
}
template <class A, class T>
constexpr bool operator<(const A& /*index*/, const unknown_length<T>& /*length*/) {
  return false;
}

/// An operand of arithmetic: a number, or a placeholder for one.
template <class T>
concept operand = std::is_arithmetic_v<T> || std::is_base_of_v<unknown_fact, T>;

// Arithmetic: its result is unknown too.
template <operand A, operand B>
constexpr unknown<index> operator+(const A& /*a*/, const B& /*b*/) {
  return {};
}
template <operand A, operand B>
constexpr unknown<index> operator-(const A& /*a*/, const B& /*b*/) {
  return {};
}
template <operand A, operand B>
constexpr unknown<index> operator*(const A& /*a*/, const B& /*b*/) {
  return {};
}
template <operand A, operand B>
constexpr unknown<index> operator/(const A& /*a*/, const B& /*b*/) {
  return {};
}
template <operand A, operand B>
constexpr unknown<index> operator%(const A& /*a*/, const B& /*b*/) {
  return {};
}

/// Writes a question mark to a stream.
template <class Stream, class T>
  requires std::is_base_of_v<unknown_fact, T>
constexpr auto operator<<(Stream& stream, const T& /*fact*/) -> decltype(stream << "?") {
  return stream << "?";
}

/// The name of a tensor of an ill-formed network. As text it is empty.
struct unknown_name : unknown_fact {
  [[nodiscard]] static constexpr unknown_name view() { return {}; }
  // NOLINTNEXTLINE(google-explicit-constructor): a name is text
  constexpr operator std::string_view() const { return {}; }
};

/// A shape of an ill-formed network. It converts to `shape{1}`.
struct unknown_shape : unknown_fact {
  unknown<int> rank{};
  [[nodiscard]] static constexpr unknown<int> channels() { return {}; }
  [[nodiscard]] static constexpr unknown<int> height() { return {}; }
  [[nodiscard]] static constexpr unknown<int> width() { return {}; }
  [[nodiscard]] static constexpr unknown<int> area() { return {}; }
  [[nodiscard]] static constexpr unknown<int> size() { return {}; }
  [[nodiscard]] constexpr unknown<int> operator[](int /*axis*/) const { return {}; }
  // NOLINTNEXTLINE(google-explicit-constructor): stands for a shape
  constexpr operator shape() const { return shape{1}; }
};

/// An array of an ill-formed network: empty to a loop, with an element at every index.
template <class Element>
struct unknown_array : unknown_fact {
  [[nodiscard]] static constexpr unknown_length<std::size_t> size() { return {}; }
  [[nodiscard]] static constexpr unknown<bool> empty() { return {}; }
  [[nodiscard]] static constexpr const Element* begin() { return nullptr; }
  [[nodiscard]] static constexpr const Element* end() { return nullptr; }
  [[nodiscard]] static constexpr Element front() { return {}; }
  [[nodiscard]] static constexpr Element back() { return {}; }
  [[nodiscard]] constexpr Element operator[](std::size_t /*index*/) const { return {}; }
};

/// The specification of a parameter or buffer of an ill-formed network.
struct unknown_spec : unknown_fact {
  unknown_name name{};
  unknown<parameter_role, parameter_role::weight> role{};
  unknown<int> rank{};
  unknown_array<unknown<int>> extents{};
  unknown<int> fan_in{}, fan_out{};
  unknown<int> initial{};
  unknown<bool> integer{};
  [[nodiscard]] static constexpr unknown<index> size() { return {}; }
};

/// A parameter or buffer of an ill-formed network. It converts to `Info`, whose members it hides.
/// @tparam Info `parameter_info` or `buffer_info`
template <class Info>
struct unknown_tensor : Info {
  unknown_name name{};
  unknown_spec spec{};
  unknown<index> offset{};
  [[nodiscard]] static constexpr unknown<index> size() { return {}; }
};

/// The memory plan of an ill-formed network.
struct unknown_memory : unknown_fact {
  unknown<index> activations{}, gradients{};
};

}  // namespace typenet::detail::placeholders
