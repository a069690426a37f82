// SPDX-License-Identifier: MIT
/// @file
/// A layer's type as text, the same whichever compiler reads it.
#pragma once

#include <type_traits>

#include <typenet/core/diagnostics.hpp>
#include <typenet/core/real.hpp>

namespace typenet::detail {

/// What stands before the template arguments.
template <class T>
constexpr sentence template_name() {
  const sentence whole = type_name<T>();
  return sentence{whole.view().substr(0, whole.view().find('<'))};
}

/// Compilers print most types alike once tidied up.
template <class T>
struct spelled {
  static constexpr sentence text() { return type_name<T>(); }
};

/// Some print real numbers that are the template's defaults, and some do not; here they are left out.
template <template <real...> class T, real... Numbers>
struct spelled<T<Numbers...>> {
  static constexpr sentence text() {
    sentence s = template_name<T<Numbers...>>();
    s.add("<");
    int left = written;
    ((left-- > 0 ? s.add(left + 1 < written ? ", " : "").add_decimal(Numbers.digits, Numbers.exponent) : s), ...);
    return s.add(">");
  }

 private:
  /// Whether the first ones alone name the same type.
  template <real... First>
  static constexpr bool suffice() {
    if constexpr (requires { typename T<First...>; })
      return std::is_same_v<T<First...>, T<Numbers...>>;
    else
      return false;
  }
  template <real First, real... Rest>
  static constexpr bool first_suffices() {
    return suffice<First>();
  }
  static constexpr int written = suffice<>() ? 0 : first_suffices<Numbers...>() ? 1 : static_cast<int>(sizeof...(Numbers));
};

template <template <int, real...> class T, int Size, real... Numbers>
struct spelled<T<Size, Numbers...>> {
  static constexpr sentence text() {
    sentence s = template_name<T<Size, Numbers...>>();
    s.add("<").add(Size);
    if constexpr (!defaults()) (s.add(", ").add_decimal(Numbers.digits, Numbers.exponent), ...);
    return s.add(">");
  }

 private:
  static constexpr bool defaults() {
    if constexpr (requires { typename T<Size>; })
      return std::is_same_v<T<Size>, T<Size, Numbers...>>;
    else
      return false;
  }
};

/// `conv2d<6, 5>`, `dropout<0.1>`, `batch_norm<>`.
template <class T>
constexpr sentence type_text() {
  return spelled<T>::text();
}

}  // namespace typenet::detail
