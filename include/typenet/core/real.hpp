// SPDX-License-Identifier: MIT
/// @file
/// A real number as a template argument: `dropout<0.1>`.
#pragma once

#include <concepts>
#include <cstdint>

namespace typenet {

/// Decimal digits and a power of ten, so that it works where compilers lack floating-point template arguments
/// (clang before 18) and reads well in their messages: 0.1 is `real{1, -1}`.
/// The members are public because a template argument's must be.
struct real {
  std::int64_t digits = 0;
  int exponent = 0;

  /// @pre value has at most 15 significant decimal digits and lies within 1e-15 … 1e15 or is zero
  // NOLINTNEXTLINE(google-explicit-constructor): the conversion is what makes `dropout<0.1>` work
  constexpr real(double value) {
    double scaled = value;
    double power = 1;
    int places = 0;
    while (places < 17 && scaled != static_cast<double>(static_cast<std::int64_t>(scaled))) {
      ++places;
      power *= 10;
      scaled = value * power;
      // value * 10^n may miss an integer by one rounding.
      const auto nearest = static_cast<double>(static_cast<std::int64_t>(scaled + (scaled < 0 ? -0.5 : 0.5)));
      if (nearest / power == value) scaled = nearest;
    }
    digits = static_cast<std::int64_t>(scaled);
    exponent = -places;
  }

  /// A whole number: clang makes no `double` of one on the way to a template argument.
  template <std::integral Whole>
  // NOLINTNEXTLINE(google-explicit-constructor): as above
  constexpr real(Whole value) : digits{value} {}

  /// The members as such: nvcc writes template arguments out this way.
  constexpr real(std::int64_t significand, int power_of_ten) : digits{significand}, exponent{power_of_ten} {}

  [[nodiscard]] constexpr double value() const {
    double power = 1;
    for (int i = exponent; i < 0; ++i) power *= 10;
    return static_cast<double>(digits) / power;
  }

  friend constexpr bool operator==(const real&, const real&) = default;
};

}  // namespace typenet
