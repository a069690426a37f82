// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <typenet/core/random.hpp>
#include <typenet/io/safetensors.hpp>
#include <vector>

#include "scratch_folder.hpp"

namespace tn = typenet;
namespace fs = std::filesystem;

namespace {

std::string contents(const fs::path& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}
void put(const fs::path& path, const std::string& bytes) { std::ofstream{path, std::ios::binary} << bytes; }

/// Returns the bytes of a file with this header and data.
std::string file_of(const std::string& header, const std::string& data = {}) {
  std::string bytes;
  for (unsigned i = 0; i < 8; ++i) bytes += static_cast<char>(header.size() >> (8 * i) & 0xFF);
  return bytes + header + data;
}

/// Reads a file and returns the error message without the file name, or an empty string on success. An exception other than file_error
/// fails the test.
std::string complaint(const std::string& bytes) {
  const scratch_folder folder;
  const fs::path path = folder / "file";
  put(path, bytes);
  try {
    tn::safetensors_reader reader{path};
    // Every listed tensor can be read.
    for (const tn::tensor_info& t : reader.tensors()) CHECK(reader.read_bytes(t.name).size() == t.bytes());
  } catch (const tn::file_error& e) {
    const std::string message = e.what();
    CHECK(message.starts_with(path.string() + ": "));
    return message.substr(path.string().size() + 2);
  }
  return {};
}
std::string header_complaint(const std::string& header, std::size_t data = 0) { return complaint(file_of(header, std::string(data, 'x'))); }

template <class T>
std::span<const T> view(const std::vector<T>& values) {
  return values;
}

/// Tensors of several types.
struct sample {
  std::vector<std::int64_t> tracked{3};
  std::vector<float> weight{1.5f, -2, 0, std::numeric_limits<float>::infinity(), 1e-40f, 3};
  std::vector<double> wide{0.1, -0.0};
  std::vector<std::uint8_t> bytes{0, 127, 255};
  std::vector<float> none;

  void write(const fs::path& path) const {
    tn::safetensors_writer writer;
    writer.add_metadata("format", "typenet");
    writer.add_metadata("note", "\"quotes\", \n newlines and ünïcödé");
    writer.add("0.bytes", {3}, view(bytes));
    writer.add("0.weight", {2, 1, 3}, view(weight));
    writer.add("1.wide", {2}, view(wide));
    writer.add("1.num_batches_tracked", {}, view(tracked));
    writer.add("1.none", {4, 0}, view(none));
    writer.write(path);
  }
};

}  // namespace

TEST_CASE("what is written can be read") {
  const scratch_folder folder;
  const sample s;
  s.write(folder / "file");
  tn::safetensors_reader reader{folder / "file"};
  CHECK(reader.metadata().size() == 2);
  CHECK(reader.metadata().at("note") == "\"quotes\", \n newlines and ünïcödé");
  CHECK(reader.tensors().size() == 5);
  CHECK(reader.at("0.weight").extents == std::vector<std::uint64_t>{2, 1, 3});
  CHECK(reader.at("0.weight").elements() == 6);
  CHECK(reader.at("1.num_batches_tracked").extents.empty());
  CHECK(reader.read<float>("0.weight") == s.weight);
  CHECK(reader.read<std::int64_t>("1.num_batches_tracked") == s.tracked);
  CHECK(reader.read<std::uint8_t>("0.bytes") == s.bytes);
  CHECK(reader.read<float>("1.none").empty());
  const auto wide = reader.read<double>("1.wide");
  CHECK(std::bit_cast<std::uint64_t>(wide[0]) == std::bit_cast<std::uint64_t>(0.1));
  CHECK(std::bit_cast<std::uint64_t>(wide[1]) == std::bit_cast<std::uint64_t>(-0.0));
  CHECK(reader.find("2.weight") == nullptr);
}

TEST_CASE("all element types come back") {
  const scratch_folder folder;
  const auto check = [&]<class T>(T low, T high) {
    const std::vector<T> values{low, T{0}, T{1}, high};
    tn::safetensors_writer writer;
    writer.add("t", {4}, view(values));
    writer.write(folder / "file");
    tn::safetensors_reader reader{folder / "file"};
    CHECK(reader.at("t").type == tn::tensor_type_of<T>());
    CHECK(reader.read<T>("t") == values);
  };
  const auto limits = [&]<class T>(T) { check(std::numeric_limits<T>::lowest(), std::numeric_limits<T>::max()); };
  limits(float{});
  limits(double{});
  limits(std::int8_t{});
  limits(std::uint8_t{});
  limits(std::int16_t{});
  limits(std::uint16_t{});
  limits(std::int32_t{});
  limits(std::uint32_t{});
  limits(std::int64_t{});
  limits(std::uint64_t{});
}

TEST_CASE("the layout is the format's, byte by byte") {
  const scratch_folder folder;
  const std::vector<float> a{1.0f, -2.0f};
  const std::vector<std::int64_t> n{258};
  tn::safetensors_writer writer;
  writer.add_metadata("k", "v");
  writer.add("a", {1, 2}, view(a));
  writer.add("n", {}, view(n));
  writer.write(folder / "file");
  // Eight-byte elements come first, then four-byte elements. Spaces pad the header to a multiple of eight bytes.
  std::string header =
      R"({"__metadata__":{"k":"v"},"n":{"dtype":"I64","shape":[],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[1,2],"data_offsets":[8,16]}})";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  const std::string data{"\x02\x01\0\0\0\0\0\0\0\0\x80\x3f\0\0\0\xc0", 16};
  CHECK(contents(folder / "file") == file_of(header, data));
}

TEST_CASE("files of other writers are read") {
  // A header with tensors in any order, white space, unknown members, types without a C++ counterpart, and unaligned data.
  const std::string header = R"({ "b" : {"data_offsets":[3,7],"shape":[2],"dtype":"BF16","later":[1,{"x":null}]},
    "a":{"dtype":"BOOL","shape":[3],"data_offsets":[0,3]}, "c\u00e9":{"dtype":"F32","shape":[],"data_offsets":[7,11]} }   )";
  const scratch_folder folder;
  put(folder / "file", file_of(header, std::string{"\1\0\1abcd\0\0\x80\x3f", 11}));
  tn::safetensors_reader reader{folder / "file"};
  REQUIRE(reader.tensors().size() == 3);
  CHECK(reader.tensors()[0].name == "a");
  CHECK(reader.tensors()[1].name == "b");
  CHECK(reader.read_bytes("b") == std::vector<std::byte>{std::byte{'a'}, std::byte{'b'}, std::byte{'c'}, std::byte{'d'}});
  CHECK(reader.read<float>("cé") == std::vector<float>{1});
  CHECK(reader.metadata().empty());
  CHECK(complaint(file_of("{}")).empty());
}

TEST_CASE("asking for what is not there says what is") {
  const scratch_folder folder;
  sample{}.write(folder / "file");
  const std::string name = (folder / "file").string();
  tn::safetensors_reader reader{folder / "file"};
  std::array<float, 5> five{};
  CHECK_THROWS_WITH_AS(reader.read("0.weight", std::span<float>{five}),
                       (name + ": tensor \"0.weight\" has 6 numbers (shape [2, 1, 3]), expected 5").c_str(), tn::file_error);
  CHECK_THROWS_WITH_AS(static_cast<void>(reader.read<double>("0.weight")),
                       (name + ": tensor \"0.weight\" is of type F32, expected F64").c_str(), tn::file_error);
  CHECK_THROWS_WITH_AS(static_cast<void>(reader.at("weight")), (name + ": there is no tensor \"weight\"").c_str(), tn::file_error);
}

TEST_CASE("files that are none") {
  const scratch_folder folder;
  CHECK_THROWS_WITH_AS(tn::safetensors_reader{folder / "none"}, ((folder / "none").string() + ": no such file").c_str(), tn::file_error);
  CHECK_THROWS_WITH_AS(tn::safetensors_reader{folder.path()}, (folder.path().string() + ": not a regular file").c_str(), tn::file_error);
}

TEST_CASE("malformed lengths") {
  CHECK(complaint("") == "expected at least 8 bytes, found 0");
  CHECK(complaint("\2\0\0") == "expected at least 8 bytes, found 1");
  CHECK(complaint(std::string{"\2\0\0\0\0\0\0\0{", 9}) == "its header is 2 bytes long, but only 1 bytes follow");
  CHECK(complaint(std::string(8, '\xff') + "{}") ==
        "its header would be 18446744073709551615 bytes long, above the format's limit of 100000000: not a safetensors file");
  CHECK(complaint(std::string{"\0\xe1\xf5\5\0\0\0\0{}", 10}) == "its header is 100000000 bytes long, but only 2 bytes follow");
  CHECK(complaint(std::string{"\1\xe1\xf5\5\0\0\0\0{}", 10}).find("limit") != std::string::npos);
  CHECK(header_complaint("") == "the header does not begin with '{': not a safetensors file");
}

TEST_CASE("malformed JSON") {
  CHECK(header_complaint(" {}") == "the header does not begin with '{': not a safetensors file");
  CHECK(header_complaint("[]") == "the header does not begin with '{': not a safetensors file");
  CHECK(header_complaint("{").starts_with("the header is not JSON: "));
  CHECK(header_complaint("{} {}").starts_with("the header is not JSON: "));
  CHECK(header_complaint(std::string{"{}\0", 3}).starts_with("the header is not JSON: "));
  CHECK(header_complaint("{\"a\xff\":1}").starts_with("the header is not JSON: "));
  CHECK(header_complaint("{\"\xed\xa0\x80\":1}").starts_with("the header is not JSON: "));
  CHECK(header_complaint("{\"a\":" + std::string(100'000, '[')) == "the header is nested too deeply");
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "{\"a\":";
  CHECK(header_complaint(deep) == "the header is nested too deeply");
}

TEST_CASE("malformed entries") {
  const auto entry = [](const std::string& type, const std::string& shape, const std::string& offsets) {
    return R"({"t":{"dtype":)" + type + R"(,"shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}";
  };
  CHECK(header_complaint(entry(R"("F32")", "[1]", "[0,4]"), 4).empty());
  CHECK(header_complaint(R"({"t":1})") == "tensor \"t\": its entry is not an object");
  CHECK(header_complaint(R"({"t":{}})") == "tensor \"t\": no \"dtype\"");
  CHECK(header_complaint(R"({"t":{"dtype":"F32"}})") == "tensor \"t\": no \"shape\"");
  CHECK(header_complaint(R"({"t":{"dtype":"F32","shape":[]}})") == "tensor \"t\": no \"data_offsets\"");
  CHECK(header_complaint(entry("7", "[1]", "[0,4]"), 4) == "tensor \"t\": \"dtype\" is not a string");
  CHECK(header_complaint(entry(R"("f32")", "[1]", "[0,4]"), 4) == "tensor \"t\": unknown dtype \"f32\"");
  CHECK(header_complaint(entry(R"("F32")", "1", "[0,4]"), 4) == "tensor \"t\": \"shape\" is not a list");
  for (const char* shape : {"[-1]", "[1.0]", "[\"1\"]", "[null]", "[[1]]", "[18446744073709551616]", "[1e0]", "[true]"})
    CHECK(header_complaint(entry(R"("F32")", shape, "[0,4]"), 4) ==
          "tensor \"t\": \"shape\" holds something other than whole numbers from 0");
  CHECK(header_complaint(entry(R"("F32")", "[1]", "[0,4,4]"), 4) == "tensor \"t\": \"data_offsets\" has 3 numbers instead of 2");
  CHECK(header_complaint(entry(R"("F32")", "[1]", "[4,0]"), 4) == "tensor \"t\": its data ends at byte 0, before it begins at 4");
  CHECK(header_complaint(entry(R"("F32")", "[2,3]", "[0,4]"), 4) ==
        "tensor \"t\": its shape [2, 3] of F32 takes 24 bytes, but its offsets span 4");
  // Shapes whose size overflows to a plausible size.
  for (const char* shape : {"[4294967296,4294967296]", "[18446744073709551615,2]", "[4611686018427387905]", "[9223372036854775808,2]"})
    CHECK(header_complaint(entry(R"("F32")", shape, "[0,4]"), 4).ends_with("is larger than any memory"));
  CHECK(header_complaint(entry(R"("U8")", "[18446744073709551615]", "[0,18446744073709551615]"), 4) ==
        "expected 18446744073709551615 bytes of tensors, found 4");
  CHECK(header_complaint(entry(R"("F32")", "[1]", "[0,4]"), 3) == "expected 4 bytes of tensors, found 3");
  CHECK(header_complaint(entry(R"("F32")", "[1]", "[0,4]"), 5) == "expected 4 bytes of tensors, found 5");
  CHECK(header_complaint(entry(R"("F32")", "[1]", "[1,5]"), 5) ==
        "tensor \"t\" begins at byte 1 of the data, where the one before it ends at 0");
}

TEST_CASE("tensors leave no gap and do not overlap") {
  const auto two = [](int begin, int end) {
    return R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[)" + std::to_string(end - begin) +
           R"(],"data_offsets":[)" + std::to_string(begin) + "," + std::to_string(end) + "]}}";
  };
  CHECK(header_complaint(two(4, 6), 6).empty());
  CHECK(header_complaint(two(4, 4), 4).empty());
  CHECK(header_complaint(two(0, 0), 4).empty());
  CHECK(header_complaint(two(5, 7), 7) == "tensor \"b\" begins at byte 5 of the data, where the one before it ends at 4");
  CHECK(header_complaint(two(3, 5), 5) == "tensor \"b\" begins at byte 3 of the data, where the one before it ends at 4");
  CHECK(header_complaint(two(0, 4), 4) == "tensor \"b\" begins at byte 0 of the data, where the one before it ends at 4");
  CHECK(header_complaint(two(2, 2), 4) == "tensor \"b\" begins at byte 2 of the data, where the one before it ends at 4");
}

TEST_CASE("repeated keys and odd metadata") {
  const std::string t = R"("t":{"dtype":"U8","shape":[],"data_offsets":[0,1]})";
  CHECK(header_complaint("{" + t + "," + t + "}", 1) == "the header has \"t\" twice");
  CHECK(header_complaint(R"({"t":{"dtype":"U8","dtype":"U8","shape":[],"data_offsets":[0,1]}})", 1) == "the header has \"dtype\" twice");
  CHECK(header_complaint(R"({"__metadata__":{"a":"1","a":"2"}})") == "the header has \"a\" twice");
  CHECK(header_complaint(R"({"__metadata__":{},"__metadata__":{}})") == "the header has \"__metadata__\" twice");
  CHECK(header_complaint(R"({"__metadata__":[]})") == "__metadata__ is not an object");
  CHECK(header_complaint(R"({"__metadata__":{"a":1}})") == "__metadata__ of \"a\" is not a string");
  // Error messages escape the control characters of names.
  CHECK(header_complaint(R"({"\u001b[31m":1})") == "tensor \"\\u001b[31m\": its entry is not an object");
}

TEST_CASE("a file cut anywhere is refused") {
  const scratch_folder folder;
  sample{}.write(folder / "file");
  const std::string whole = contents(folder / "file");
  REQUIRE(complaint(whole).empty());
  for (std::size_t length = 0; length < whole.size(); ++length) CHECK_FALSE(complaint(whole.substr(0, length)).empty());
  CHECK_FALSE(complaint(whole + '\0').empty());
}

TEST_CASE("damaged headers never do worse than throw") {
  const scratch_folder folder;
  sample{}.write(folder / "file");
  const std::string whole = contents(folder / "file");
  std::size_t header_end = 8;
  for (std::size_t i = 0; i < 8; ++i) header_end += std::size_t{static_cast<unsigned char>(whole[i])} << (8 * i);
  SUBCASE("one bit") {
    for (std::size_t at = 0; at < header_end; ++at)
      for (unsigned bit = 0; bit < 8; ++bit) {
        std::string damaged = whole;
        damaged[at] = static_cast<char>(static_cast<unsigned char>(damaged[at]) ^ (1u << bit));
        static_cast<void>(complaint(damaged));
      }
  }
  SUBCASE("several bytes") {
    tn::random_sequence random{tn::counter_rng{tn::seed{1}, tn::random_stream::user}, 0, 0};
    const std::string characters = "{}[]\",:0123456789-.eE \\u\xff";
    for (int trial = 0; trial < 1500; ++trial) {
      std::string damaged = whole;
      for (std::uint32_t n = random.below(4) + 1; n > 0; --n)
        damaged[8 + random.below(static_cast<std::uint32_t>(header_end - 8))] =
            characters[random.below(static_cast<std::uint32_t>(characters.size()))];
      static_cast<void>(complaint(damaged));
    }
  }
}

TEST_CASE("a file that shrinks while it is open") {
  const scratch_folder folder;
  sample{}.write(folder / "file");
  tn::safetensors_reader reader{folder / "file"};
  fs::resize_file(folder / "file", fs::file_size(folder / "file") - 1);
  CHECK_THROWS_AS(static_cast<void>(reader.read<std::uint8_t>("0.bytes")), tn::file_error);
  CHECK(reader.read<double>("1.wide").size() == 2);
}

TEST_CASE("what cannot be written is refused") {
  const std::vector<float> values(6);
  tn::safetensors_writer writer;
  writer.add("t", {2, 3}, view(values));
  CHECK_THROWS_WITH_AS(writer.add("t", {6}, view(values)), "safetensors: tensor \"t\" is already there", tn::argument_error);
  CHECK_THROWS_WITH_AS(writer.add("u", {2, 2}, view(values)), "safetensors: tensor \"u\" of shape [2, 2] was given 6 numbers",
                       tn::argument_error);
  CHECK_THROWS_AS(writer.add("u", {std::uint64_t{1} << 62, 4}, view(values)), tn::argument_error);
  CHECK_THROWS_WITH_AS(writer.add("__metadata__", {6}, view(values)),
                       "safetensors: tensor \"__metadata__\" has a name that the format keeps for metadata", tn::argument_error);
  writer.add_metadata("k", "v");
  CHECK_THROWS_WITH_AS(writer.add_metadata("k", "w"), "safetensors: metadata \"k\" is already there", tn::argument_error);

  const scratch_folder folder;
  put(folder / "file", "as it was");
  writer.add("u", {6}, view(values));  // the writer rejected "u" above, so the name is free
  writer.add_metadata("broken", "\xff");
  CHECK_THROWS_AS(writer.write(folder / "file"), tn::argument_error);
  CHECK(contents(folder / "file") == "as it was");
  CHECK_THROWS_AS(tn::safetensors_writer{}.write(folder / "no such folder" / "file"), tn::file_error);
}

TEST_CASE("no tensors make a file too") {
  const scratch_folder folder;
  tn::safetensors_writer{}.write(folder / "file");
  CHECK(contents(folder / "file") == file_of("{}      "));
  CHECK(tn::safetensors_reader{folder / "file"}.tensors().empty());
}

TEST_CASE("elements turn their bytes round for machines of the other order") {
  std::array<std::byte, 8> bytes{};
  for (std::size_t i = 0; i < 8; ++i) bytes[i] = static_cast<std::byte>(i);
  tn::detail::reverse_elements(bytes, 4);
  const std::array<int, 8> expected{3, 2, 1, 0, 7, 6, 5, 4};
  for (std::size_t i = 0; i < 8; ++i) CHECK(std::to_integer<int>(bytes[i]) == expected[i]);
}
