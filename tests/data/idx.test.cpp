// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <sys/stat.h>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <typenet/core/random.hpp>
#include <typenet/data/idx.hpp>

#include "scratch.hpp"

namespace tn = typenet;
using scratch::bytes;
using scratch::operator+;

namespace {

const scratch::folder& folder() {
  static const scratch::folder made;
  return made;
}

/// Reads the bytes as elements of type T. Returns the error message without the file name, or "" on success.
template <class T = std::uint8_t>
std::string complaint(const bytes& content) {
  const auto path = folder().write("file", content);
  try {
    (void)tn::read_idx<T>(path);
  } catch (const tn::file_error& e) {
    const std::string text = e.what();
    REQUIRE(text.starts_with(path.string() + ": "));
    return text.substr(path.string().size() + 2);
  }
  return "";
}

bytes counting_bytes(std::size_t count) {
  bytes out(count);
  for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<std::uint8_t>(i * 37 + i / 256);
  return out;
}

}  // namespace

TEST_CASE("IDX files of every element type are read, plain and compressed") {
  const auto check = [](auto first, auto second, std::uint8_t type, const bytes& content) {
    using T = decltype(first);
    const bytes file = scratch::idx_header(type, {2}) + content;
    for (const bytes& stored : {file, scratch::gzip(file)}) {
      const tn::idx_array<T> read = tn::read_idx<T>(folder().write("file", stored));
      CHECK(read.extents == std::vector<std::uint32_t>{2});
      REQUIRE(read.values.size() == 2);
      CHECK(read.values[0] == first);
      CHECK(read.values[1] == second);
    }
  };
  check(std::uint8_t{7}, std::uint8_t{255}, 0x08, {7, 255});
  check(std::int8_t{7}, std::int8_t{-1}, 0x09, {7, 255});
  check(std::int16_t{0x0102}, std::int16_t{-2}, 0x0B, {1, 2, 0xff, 0xfe});
  check(std::int32_t{0x01020304}, std::int32_t{-2}, 0x0C, {1, 2, 3, 4, 0xff, 0xff, 0xff, 0xfe});
  check(1.5f, -2.0f, 0x0D, {0x3f, 0xc0, 0, 0, 0xc0, 0, 0, 0});
  check(1.5, -2.0, 0x0E, {0x3f, 0xf8, 0, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0});
}

TEST_CASE("IDX files of any number of dimensions are read") {
  for (const std::vector<std::uint32_t>& extents : {std::vector<std::uint32_t>{5},
                                                    {2, 3},
                                                    {3, 4, 5},
                                                    {2, 3, 2, 3},
                                                    {1, 1, 1, 1, 1, 1, 4},
                                                    {0},
                                                    {3, 0, 5},
                                                    std::vector<std::uint32_t>(255, 1)}) {
    std::size_t count = 1;
    for (const auto extent : extents) count *= extent;
    const bytes payload = counting_bytes(count);
    const bytes file = scratch::idx_header(8, extents) + payload;
    for (const bytes& stored : {file, scratch::gzip(file)}) {
      const auto path = folder().write("file", stored);
      const auto read = tn::read_idx<std::uint8_t>(path);
      CHECK(read.extents == extents);
      CHECK(read.values == payload);
      const tn::idx_header header = tn::read_idx_header(path);
      CHECK(header.type == tn::idx_type::uint8);
      CHECK(header.extents == extents);
    }
  }
}

TEST_CASE("gzip files larger than every buffer, and of several streams, are read") {
  const bytes payload = counting_bytes(3'000'000);
  const bytes file = scratch::idx_header(8, {3000, 1000}) + payload;
  CHECK(tn::read_idx<std::uint8_t>(folder().write("file", scratch::gzip(file))).values == payload);
  CHECK(tn::read_idx<std::uint8_t>(folder().write("file", file)).values == payload);
  const bytes head(file.begin(), file.begin() + 1000), tail(file.begin() + 1000, file.end());
  CHECK(tn::read_idx<std::uint8_t>(folder().write("file", scratch::gzip(head) + scratch::gzip(tail))).values == payload);
}

TEST_CASE("malformed IDX headers are refused with the facts") {
  CHECK(complaint({}) == "expected an IDX file, but it ends after 0 bytes, inside its 4-byte magic number");
  CHECK(complaint({0, 0, 8}) == "expected an IDX file, but it ends after 3 bytes, inside its 4-byte magic number");
  CHECK(complaint({0, 0, 8, 3, 0, 0}) == "expected an IDX file, but it ends after 6 bytes, inside its dimensions");
  CHECK(complaint({'<', 'h', 't', 'm', 'l', '>'}) ==
        "not an IDX file: it starts with 3c 68 74 6d, expected 00 00, an element type (08, 09, 0b, 0c, 0d or 0e) and the number of "
        "dimensions");
  CHECK(complaint({0, 0, 8, 0}) == "its header claims no dimensions, expected at least one");
  for (const int type : {0x00, 0x07, 0x0A, 0x0F, 0xff})
    CHECK(complaint({0, 0, static_cast<std::uint8_t>(type), 1, 0, 0, 0, 0}).starts_with("not an IDX file: it starts with 00 00 "));
  CHECK(complaint<float>(scratch::idx_header(8, {1}) + bytes{1}) == "expected floats, found unsigned bytes");
  CHECK(complaint<std::uint8_t>(scratch::idx_header(0x0C, {1}) + bytes(4)) == "expected unsigned bytes, found 32-bit integers");
}

TEST_CASE("files shorter or longer than their header says are refused with both lengths") {
  bytes file = scratch::idx_header(8, {60000, 28, 28});
  file.resize(1024);
  CHECK(complaint(file) == "expected 47040016 bytes for 60000 images of 28x28, found 1024");
  CHECK(complaint(scratch::gzip(file)) == "expected 47040016 bytes for 60000 images of 28x28, found 1024");
  CHECK(complaint(scratch::idx_header(8, {3}) + bytes(4)) == "expected 11 bytes for 3 values, found 12");
  CHECK(complaint(scratch::gzip(scratch::idx_header(8, {3}) + bytes(4))) == "expected 11 bytes for 3 values, found more");
  CHECK(complaint<double>(scratch::idx_header(0x0E, {2, 3}) + bytes(47)) == "expected 60 bytes for 2x3 values, found 59");
}

TEST_CASE("headers that claim huge extents are refused without allocating for them") {
  constexpr std::uint32_t huge = std::numeric_limits<std::uint32_t>::max();
  for (const bytes& tail : {bytes{}, bytes(100)}) {
    const bytes one = scratch::idx_header(8, {huge, 28, 28}) + tail;
    const std::string length = std::to_string(one.size());
    CHECK(complaint(one) == "expected 3367254359296 bytes for 4294967295 images of 28x28, found " + length);
    CHECK(complaint(scratch::gzip(one)) == "expected 3367254359296 bytes for 4294967295 images of 28x28, found " + length);
    const bytes all = scratch::idx_header(8, {huge, huge, huge}) + tail;
    CHECK(complaint(all) == "its header claims 4294967295 images of 4294967295x4294967295, more than any file can hold");
    CHECK(complaint(scratch::gzip(all)).ends_with("more than any file can hold"));
    // Products of extents that overflow to a small number.
    CHECK(complaint(scratch::idx_header(8, {1u << 31, 1u << 31, 4}) + tail).ends_with("more than any file can hold"));
    CHECK(complaint<double>(scratch::idx_header(0x0E, {1u << 31, 1u << 30}) + tail).ends_with("more than any file can hold"));
    CHECK(complaint(scratch::idx_header(8, std::vector<std::uint32_t>(255, 256)) + tail).ends_with("more than any file can hold"));
  }
  CHECK(complaint(scratch::idx_header(8, {huge, huge, huge, 0})).empty());  // a file with no values
}

TEST_CASE("a file cut anywhere is refused") {
  const bytes file = scratch::idx_header(8, {10, 28, 28}) + counting_bytes(7840);
  const bytes zipped = scratch::gzip(file);
  CHECK(complaint(file).empty());
  CHECK(complaint(zipped).empty());
  tn::random_sequence random{tn::counter_rng{tn::seed{3}, tn::random_stream::user}, 0, 0};
  const auto cut_everywhere = [&](const bytes& whole) {
    const auto cut = [&](std::size_t length) {
      CAPTURE(length);
      CHECK(!complaint(bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length))).empty());
    };
    for (std::size_t length = 0; length < 32; ++length) cut(length);
    for (std::size_t back = 1; back <= 16; ++back) cut(whole.size() - back);  // the checksum and the length in the gzip trailer
    for (int i = 0; i < 200; ++i) cut(random.below(static_cast<std::uint32_t>(whole.size())));
  };
  cut_everywhere(file);
  cut_everywhere(zipped);
  CHECK(complaint(bytes(zipped.begin(), zipped.end() - 1)) == "its gzip data ends early: the file is cut short");
}

TEST_CASE("damage to a compressed file is noticed wherever it is") {
  const bytes file = scratch::idx_header(8, {10, 28, 28}) + counting_bytes(7840);
  const bytes zipped = scratch::gzip(file);
  for (std::size_t at = 10; at < zipped.size(); ++at) {  // starts after the gzip header, which has no checksum
    for (const int flip : {0x01, 0x80}) {
      bytes damaged = zipped;
      damaged[at] = static_cast<std::uint8_t>(damaged[at] ^ flip);
      CAPTURE(at);
      CHECK(!complaint(damaged).empty());
    }
  }
  CHECK(complaint(zipped + bytes{1, 2, 3}).starts_with("its gzip data is damaged: "));  // extra bytes after the stream
  CHECK(complaint(zipped + zipped) == "expected 7856 bytes for 10 images of 28x28, found more");
}

TEST_CASE("a damaged header leads to an exception") {
  const bytes file = scratch::idx_header(8, {10, 4, 4}) + counting_bytes(160);
  for (std::size_t at = 0; at < 16; ++at) {
    for (int value = 0; value < 256; ++value) {
      bytes damaged = file;
      if (damaged[at] == value) continue;
      damaged[at] = static_cast<std::uint8_t>(value);
      CAPTURE(at);
      CAPTURE(value);
      CHECK(!complaint(damaged).empty());
      if (value % 16 == 0) CHECK(!complaint(scratch::gzip(damaged)).empty());
    }
  }
}

TEST_CASE("files that are not there, folders and pipes are refused by name") {
  const auto message = [](const std::filesystem::path& path) {
    try {
      (void)tn::read_idx<std::uint8_t>(path);
    } catch (const tn::file_error& e) {
      return std::string{e.what()};
    }
    return std::string{};
  };
  const auto missing = folder().path() / "missing";
  CHECK(message(missing) == missing.string() + ": cannot be opened: No such file or directory");
  CHECK(message(folder().path()) == folder().path().string() + ": cannot be read: it is not a regular file");
  const auto pipe = folder().path() / "pipe";
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(message(pipe) == pipe.string() + ": cannot be read: it is not a regular file");
}
