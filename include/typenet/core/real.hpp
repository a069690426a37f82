// SPDX-License-Identifier: MIT
/// @file
/// real: a real number as a template argument, as in `dropout<0.1>`.
#pragma once

#include <concepts>
#include <cstdint>

namespace typenet {

/// A decimal number, `digits` * 10^`exponent`: 0.1 is `real{1, -1}`. It is a valid template argument for compilers without floating-point
/// template arguments, such as clang before 18, and their messages show its decimal digits. The members are public, as the language demands
/// of the type of a template argument.
struct real {
  std::int64_t digits = 0;
  int exponent = 0;

  /// Converts a floating-point number: zero, or one of at most 15 significant decimal digits and a magnitude between 1e-15 and 1e15.
  /// Another number becomes one for which `is_number()` is false.
  // NOLINTNEXTLINE(google-explicit-constructor): the conversion is what makes `dropout<0.1>` work
  constexpr real(double value) {
    double scaled = value;
    double power = 1;
    int places = 0;
    while (places < 17 && scaled != static_cast<double>(static_cast<std::int64_t>(scaled))) {
      ++places;
      power *= 10;
      scaled = value * power;
      // value * 10^n may differ from an integer by one rounding error.
      const auto nearest = static_cast<double>(static_cast<std::int64_t>(scaled + (scaled < 0 ? -0.5 : 0.5)));
      if (nearest / power == value) scaled = nearest;
    }
    digits = static_cast<std::int64_t>(scaled);
    exponent = -places;
    if (this->value() != value) *this = real{0, -1};
  }

  /// Converts an integer. clang does not convert an integer to `double` for a template argument.
  template <std::integral Whole>
  // NOLINTNEXTLINE(google-explicit-constructor): as above
  constexpr real(Whole value) : digits{value} {}

  /// Sets the members. nvcc spells template arguments as this constructor call.
  constexpr real(std::int64_t significand, int power_of_ten) : digits{significand}, exponent{power_of_ten} {}

  /// False where the number converted has too many digits or another magnitude.
  [[nodiscard]] constexpr bool is_number() const { return digits != 0 || exponent == 0; }
  /// The number as a `double`.
  [[nodiscard]] constexpr double value() const {
    double power = 1;
    for (int i = exponent; i < 0; ++i) power *= 10;
    return static_cast<double>(digits) / power;
  }

  friend constexpr bool operator==(const real&, const real&) = default;
};

}  // namespace typenet
