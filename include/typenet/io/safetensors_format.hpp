// SPDX-License-Identifier: MIT
/// @file
/// The safetensors format: its element types, the description of a tensor, and the limits of a header.
///
/// A file is eight bytes that hold the header's length, a header in JSON, then the tensors, little-endian and without gaps.
/// @see https://github.com/huggingface/safetensors
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace typenet {

/// The element type of a tensor in a file. Types that no `tensor_element` stands for can be read as bytes.
enum class tensor_type : std::uint8_t { boolean, u8, i8, f8_e5m2, f8_e4m3, i16, u16, f16, bf16, i32, u32, f32, f64, i64, u64 };

/// A C++ type whose arrays can be written to and read from a file.
template <class T>
concept tensor_element =
    std::same_as<T, float> || std::same_as<T, double> || std::same_as<T, std::int8_t> || std::same_as<T, std::uint8_t> ||
    std::same_as<T, std::int16_t> || std::same_as<T, std::uint16_t> || std::same_as<T, std::int32_t> || std::same_as<T, std::uint32_t> ||
    std::same_as<T, std::int64_t> || std::same_as<T, std::uint64_t>;

/// The element type of a C++ type.
template <tensor_element T>
[[nodiscard]] constexpr tensor_type tensor_type_of() {
  if constexpr (std::same_as<T, float>) return tensor_type::f32;
  if constexpr (std::same_as<T, double>) return tensor_type::f64;
  if constexpr (std::same_as<T, std::int8_t>) return tensor_type::i8;
  if constexpr (std::same_as<T, std::uint8_t>) return tensor_type::u8;
  if constexpr (std::same_as<T, std::int16_t>) return tensor_type::i16;
  if constexpr (std::same_as<T, std::uint16_t>) return tensor_type::u16;
  if constexpr (std::same_as<T, std::int32_t>) return tensor_type::i32;
  if constexpr (std::same_as<T, std::uint32_t>) return tensor_type::u32;
  if constexpr (std::same_as<T, std::int64_t>) return tensor_type::i64;
  if constexpr (std::same_as<T, std::uint64_t>) return tensor_type::u64;
}

namespace detail {

/// An element type, its name in a header, and its size.
struct tensor_type_facts {
  tensor_type type;
  std::string_view name;
  std::uint64_t bytes;  ///< size of one element
};

/// All element types, in the order of `tensor_type`.
inline constexpr std::array<tensor_type_facts, 15> tensor_types{{{tensor_type::boolean, "BOOL", 1},
                                                                 {tensor_type::u8, "U8", 1},
                                                                 {tensor_type::i8, "I8", 1},
                                                                 {tensor_type::f8_e5m2, "F8_E5M2", 1},
                                                                 {tensor_type::f8_e4m3, "F8_E4M3", 1},
                                                                 {tensor_type::i16, "I16", 2},
                                                                 {tensor_type::u16, "U16", 2},
                                                                 {tensor_type::f16, "F16", 2},
                                                                 {tensor_type::bf16, "BF16", 2},
                                                                 {tensor_type::i32, "I32", 4},
                                                                 {tensor_type::u32, "U32", 4},
                                                                 {tensor_type::f32, "F32", 4},
                                                                 {tensor_type::f64, "F64", 8},
                                                                 {tensor_type::i64, "I64", 8},
                                                                 {tensor_type::u64, "U64", 8}}};

/// The name and size of an element type.
constexpr const tensor_type_facts& facts_of(tensor_type type) { return tensor_types[static_cast<std::size_t>(type)]; }

}  // namespace detail

/// The name of an element type in a header, for example "F32".
[[nodiscard]] constexpr std::string_view name_of(tensor_type type) { return detail::facts_of(type).name; }

/// The description of one tensor in a header.
struct tensor_info {
  std::string name;
  tensor_type type = tensor_type::f32;
  std::vector<std::uint64_t> extents;  ///< outermost first; empty for a scalar
  std::uint64_t begin = 0, end = 0;    ///< the tensor's data: bytes [begin, end), counted from the end of the header

  [[nodiscard]] std::uint64_t bytes() const { return end - begin; }
  [[nodiscard]] std::uint64_t elements() const { return bytes() / detail::facts_of(type).bytes; }
};

/// The header of a file.
struct safetensors_header {
  std::vector<tensor_info> tensors;                          ///< in the order of their data
  std::map<std::string, std::string, std::less<>> metadata;  ///< free text by key
};

namespace detail {

/// The longest header, in bytes, as in the reference implementation.
inline constexpr std::uint64_t max_safetensors_header = 100'000'000;
/// The key in a header under which metadata stands. No tensor may have this name.
inline constexpr std::string_view safetensors_metadata_key = "__metadata__";

/// The product a * b; nothing where it overflows.
constexpr std::optional<std::uint64_t> checked_product(std::uint64_t a, std::uint64_t b) {
  if (a != 0 && b > std::numeric_limits<std::uint64_t>::max() / a) return std::nullopt;
  return a * b;
}

/// A text in quotation marks, escaped as in JSON and in ASCII alone.
inline std::string quote(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

/// The extents as text, for example "[6, 1, 5, 5]".
inline std::string to_text(std::span<const std::uint64_t> extents) {
  std::string text = "[";
  for (const std::uint64_t e : extents) text += (text.size() > 1 ? ", " : "") + std::to_string(e);
  return text + "]";
}

/// The size of a tensor in bytes; nothing where it overflows.
inline std::optional<std::uint64_t> checked_bytes(tensor_type type, std::span<const std::uint64_t> extents) {
  std::optional<std::uint64_t> bytes = 1;
  for (const std::uint64_t extent : extents)
    if (!(bytes = checked_product(*bytes, extent))) return bytes;
  return checked_product(*bytes, facts_of(type).bytes);
}

/// Reverses the byte order of elements of `size` bytes.
inline void reverse_elements(std::span<std::byte> bytes, std::size_t size) {
  for (std::size_t i = 0; i < bytes.size(); i += size) std::reverse(bytes.data() + i, bytes.data() + i + size);
}

/// True where the machine's byte order is the file's, little-endian.
inline constexpr bool file_order_is_own = std::endian::native == std::endian::little;

}  // namespace detail
}  // namespace typenet
