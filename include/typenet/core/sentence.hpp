// SPDX-License-Identifier: MIT
/// @file
/// sentence: text that is built at compile time, for compiler messages and the summary.
#pragma once

#include <cstddef>
#include <string_view>

#include <typenet/core/shape.hpp>

namespace typenet::detail {

/// Text that is built at compile time, of at most 511 characters. Further characters are dropped.
struct sentence {
  char characters[512] = {};
  int length = 0;

  constexpr sentence() = default;
  constexpr explicit sentence(std::string_view text) { add(text); }
  constexpr sentence& add(std::string_view text) {
    for (const char c : text)
      if (length < 511) characters[length++] = c;
    return *this;
  }
  constexpr sentence& add(long long number) {
    if (number < 0) return add("-").add(-number);
    if (number > 9) add(number / 10);
    const char digit[] = {static_cast<char>('0' + number % 10)};
    return add(std::string_view{digit, 1});
  }
  constexpr sentence& add(int number) { return add(static_cast<long long>(number)); }
  constexpr sentence& add(const sentence& other) { return add(other.view()); }
  /// Appends `digits` * 10^`exponent` in decimal notation: "0.1", "2.5", "1e-5".
  constexpr sentence& add_decimal(long long digits, int exponent) {
    if (digits < 0) return add("-").add_decimal(-digits, exponent);
    if (exponent >= 0) return add(digits);
    sentence text;
    text.add(digits);
    const std::string_view all = text.view();
    const int point = text.length + exponent;
    if (point < -3) {
      add(all.substr(0, 1));
      if (text.length > 1) add(".").add(all.substr(1));
      return add("e").add(point - 1);
    }
    if (point <= 0) {
      add("0.");
      for (int i = point; i < 0; ++i) add("0");
      return add(all);
    }
    return add(all.substr(0, static_cast<std::size_t>(point))).add(".").add(all.substr(static_cast<std::size_t>(point)));
  }
  /// Appends the extents of a shape: "6x12x12".
  constexpr sentence& add(shape s) {
    add(s[0]);
    for (int axis = 1; axis < s.rank; ++axis) add("x").add(s[axis]);
    return *this;
  }
  [[nodiscard]] constexpr std::string_view view() const { return {characters, static_cast<std::size_t>(length)}; }
  [[nodiscard]] constexpr const char* data() const { return characters; }
  [[nodiscard]] constexpr std::size_t size() const { return static_cast<std::size_t>(length); }
};

}  // namespace typenet::detail
