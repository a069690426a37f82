// SPDX-License-Identifier: MIT
/// @file
/// same_value: the comparison of values of any type.
#pragma once

#include <concepts>
#include <cstring>
#include <type_traits>

namespace typenet::detail {

/// Whether two values are equal. It compares by `==` where the type has it, otherwise by bytes. Bytes between members count: equal values
/// may then seem to differ, but different values never seem equal.
template <class T>
  requires std::is_trivially_copyable_v<T>
[[nodiscard]] bool same_value(const T& a, const T& b) {
  if constexpr (std::is_empty_v<T>)
    return true;
  else if constexpr (std::equality_comparable<T>)
    return a == b;
  else
    return std::memcmp(&a, &b, sizeof(T)) == 0;
}

/// A value whose `==` is `same_value`, so that a type with such a member can have its `==` by default.
template <class T>
struct comparable {
  T value;
  friend bool operator==(const comparable& a, const comparable& b) { return same_value(a.value, b.value); }
};

}  // namespace typenet::detail
