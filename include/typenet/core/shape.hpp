// SPDX-License-Identifier: MIT
/// @file
/// shape: the shape of one sample, `shape{features}` or `shape{channels, height, width}`.
#pragma once

#include <typenet/core/config.hpp>

namespace typenet {

/// The extents of one sample, without the batch. The rank is 1 for a vector of features, and 3 for an image of channels, height and width.
///
/// A shape can be a template argument, so its members are public; only the constructors write them. The extents are separate members, since
/// nvcc cannot spell a template argument that holds an array.
struct shape {
  int rank = 0;                          ///< 0 (no shape), 1 or 3
  int first = 0, second = 0, third = 0;  ///< extents by axis; an axis past the rank has 1, or 0 in `shape{}`

  constexpr shape() = default;
  constexpr explicit shape(int features) : rank{1}, first{features}, second{1}, third{1} {}
  constexpr shape(int channels, int height, int width) : rank{3}, first{channels}, second{height}, third{width} {}
  /// Sets the members. nvcc spells template arguments as this constructor call.
  constexpr shape(int axes, int extent0, int extent1, int extent2) : rank{axes}, first{extent0}, second{extent1}, third{extent2} {}

  /// The channels of an image, or the features of a vector.
  [[nodiscard]] constexpr int channels() const { return first; }
  /// The rows of an image; 1 for a vector.
  [[nodiscard]] constexpr int height() const { return second; }
  /// The columns of an image; 1 for a vector.
  [[nodiscard]] constexpr int width() const { return third; }
  /// The numbers of one channel: height * width.
  [[nodiscard]] constexpr int area() const { return second * third; }
  /// The numbers of one sample; 0 for `shape{}`.
  [[nodiscard]] constexpr int size() const { return rank == 0 ? 0 : first * second * third; }
  /// The extent of an axis: 0, 1 or 2.
  [[nodiscard]] constexpr int operator[](int axis) const { return axis == 0 ? first : axis == 1 ? second : third; }

  friend constexpr bool operator==(const shape&, const shape&) = default;

  /// Writes the extents to a stream as one text: "6x28x28", "10"; nothing for `shape{}`.
  /// @tparam Stream any stream that takes a C string, so this header includes no `ostream`
  template <class Stream>
  friend auto operator<<(Stream& stream, const shape& s) -> decltype(stream << "") {
    char text[36];  // three extents of at most eleven characters, two separators and the end
    char* start = text + 35;
    *start = '\0';
    for (int axis = s.rank - 1; axis >= 0; --axis) {
      const int extent = s[axis];
      unsigned rest = extent < 0 ? 0U - static_cast<unsigned>(extent) : static_cast<unsigned>(extent);
      do {
        *--start = static_cast<char>('0' + rest % 10);
        rest /= 10;
      } while (rest > 0);
      if (extent < 0) *--start = '-';
      if (axis > 0) *--start = 'x';
    }
    return stream << static_cast<const char*>(start);
  }
};

}  // namespace typenet
