// SPDX-License-Identifier: MIT
/// @file
/// What stands for the facts of an ill-formed network. Every comparison with it is true, so that one mistake is reported once.
#pragma once

#include <cstddef>
#include <string_view>

#include <typenet/core/config.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/layer/tensor_spec.hpp>

namespace typenet::detail {

/// A number of an ill-formed network. As a number it is `Value`.
template <int Value = 0>
struct unknown {
  // NOLINTNEXTLINE(google-explicit-constructor): stands for a number
  constexpr operator index() const { return Value; }

  template <class Other>
  friend constexpr bool operator==(unknown, const Other&) { return true; }
  template <class Other>
  friend constexpr bool operator!=(unknown, const Other&) { return true; }
  template <class Other>
  friend constexpr bool operator<(unknown, const Other&) { return true; }
  template <class Other>
  friend constexpr bool operator<=(unknown, const Other&) { return true; }
  template <class Other>
  friend constexpr bool operator>(unknown, const Other&) { return true; }
  template <class Other>
  friend constexpr bool operator>=(unknown, const Other&) { return true; }
};
using unknown_number = unknown<0>;
using unknown_extent = unknown<1>;

/// A name of an ill-formed network, equal to any other.
struct unknown_name {
  [[nodiscard]] static constexpr std::string_view view() { return {}; }
  // NOLINTNEXTLINE(google-explicit-constructor): a name is text
  constexpr operator std::string_view() const { return {}; }
  template <class Other>
  friend constexpr bool operator==(unknown_name, const Other&) { return true; }
  template <class Other>
  friend constexpr bool operator!=(unknown_name, const Other&) { return true; }
};

/// A shape of an ill-formed network. As a shape it is `shape{1}`.
struct unknown_shape {
  unknown_extent rank{};
  [[nodiscard]] static constexpr unknown_extent channels() { return {}; }
  [[nodiscard]] static constexpr unknown_extent height() { return {}; }
  [[nodiscard]] static constexpr unknown_extent width() { return {}; }
  [[nodiscard]] static constexpr unknown_extent area() { return {}; }
  [[nodiscard]] static constexpr unknown_extent size() { return {}; }
  [[nodiscard]] constexpr unknown_extent operator[](int /*axis*/) const { return {}; }
  // NOLINTNEXTLINE(google-explicit-constructor): stands for a shape
  constexpr operator shape() const { return shape{1}; }
  template <class Other>
  friend constexpr bool operator==(const unknown_shape&, const Other&) { return true; }
  template <class Other>
  friend constexpr bool operator!=(const unknown_shape&, const Other&) { return true; }
};

/// An array of an ill-formed network: empty to a loop, with an element at every index.
template <class Element>
struct unknown_array {
  [[nodiscard]] static constexpr unknown_number size() { return {}; }
  [[nodiscard]] static constexpr const Element* begin() { return nullptr; }
  [[nodiscard]] static constexpr const Element* end() { return nullptr; }
  [[nodiscard]] constexpr Element operator[](std::size_t /*index*/) const { return {}; }
};

/// The spec of a parameter or buffer of an ill-formed network.
struct unknown_spec {
  unknown_name name{};
  unknown_number rank{};
  unknown_array<unknown_number> extents{};
  unknown_number fan_in{}, fan_out{};
  [[nodiscard]] static constexpr unknown_number size() { return {}; }
};

/// A parameter or buffer of an ill-formed network. Its members hide those of `Info`, which it still converts to.
template <class Info>
struct unknown_tensor : Info {
  unknown_name name{};
  unknown_spec spec{};
  unknown_number offset{};
  [[nodiscard]] static constexpr unknown_number size() { return {}; }
};

}  // namespace typenet::detail
