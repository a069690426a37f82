// SPDX-License-Identifier: MIT
// The tested header comes first: this shows that it compiles without a stream header.
#include <typenet/core/shape.hpp>

#include <doctest/doctest.h>

#include <iomanip>
#include <sstream>
#include <string>
#include <type_traits>
#include <utility>

namespace tn = typenet;
using tn::shape;

namespace {

static_assert(shape{10}.rank == 1 && shape{10}.size() == 10 && shape{10}.channels() == 10 && shape{10}.area() == 1);
static_assert(shape{3, 4, 5}.rank == 3 && shape{3, 4, 5}.size() == 60 && shape{3, 4, 5}.area() == 20);
static_assert(shape{3, 4, 5}[0] == 3 && shape{3, 4, 5}[1] == 4 && shape{3, 4, 5}[2] == 5);
static_assert(shape{}.rank == 0 && shape{}.size() == 0);
static_assert(shape{3, 1, 1} != shape{3} && shape{3, 4, 5} == shape{3, 3, 4, 5});

/// A user-defined stream type.
struct recorder {
  std::string text;
};
recorder& operator<<(recorder& to, const char* text) {
  to.text += text;
  return to;
}

template <class Stream>
concept writes_shapes = requires(Stream& stream, shape s) { stream << s; };
static_assert(writes_shapes<std::ostream> && writes_shapes<recorder> && !writes_shapes<std::string> && !writes_shapes<int>);
static_assert(std::is_same_v<decltype(std::declval<std::ostringstream&>() << shape{1}), std::ostream&>);

std::string text(shape s) {
  std::ostringstream stream;
  stream << s;
  return stream.str();
}

}  // namespace

TEST_CASE("a shape is written to a stream as its extents") {
  CHECK(text(shape{6, 28, 28}) == "6x28x28");
  CHECK(text(shape{3, 1, 1}) == "3x1x1");
  CHECK(text(shape{10}) == "10");
  CHECK(text(shape{}).empty());
  CHECK(text(shape{2147483647, 0, -2147483647 - 1}) == "2147483647x0x-2147483648");
}

TEST_CASE("a shape is written among other things, and to other streams") {
  std::ostringstream stream;
  stream << "output " << shape{6, 28, 28} << " of " << 2;
  CHECK(stream.str() == "output 6x28x28 of 2");
  stream.str("");
  stream << std::setw(8) << shape{3, 4, 5} << '.';
  CHECK(stream.str() == "   3x4x5.");
  recorder mine;
  mine << shape{1, 32, 32} << " " << shape{10};
  CHECK(mine.text == "1x32x32 10");
}
