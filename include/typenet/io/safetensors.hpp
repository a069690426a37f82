// SPDX-License-Identifier: MIT
/// @file
/// safetensors, the container in which PyTorch users exchange weights: eight bytes that say how long the header is, a header in JSON,
/// then the tensors, little-endian and without gaps. Needs nlohmann-json.
///
/// The format and its limits are those of https://github.com/huggingface/safetensors. Nothing in a file is trusted: memory is
/// reserved only for what the file is long enough to hold, and every mistake is a file_error that says what is wrong.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <typenet/core/error.hpp>
#include <typenet/io/atomic_file.hpp>

namespace typenet {

/// Element types of a tensor in a file. Those without a C++ type here can be read as bytes.
enum class tensor_type : std::uint8_t { boolean, u8, i8, f8_e5m2, f8_e4m3, i16, u16, f16, bf16, i32, u32, f32, f64, i64, u64 };

/// The C++ types whose arrays can be tensors.
template <class T>
concept tensor_element =
    std::same_as<T, float> || std::same_as<T, double> || std::same_as<T, std::int8_t> || std::same_as<T, std::uint8_t> ||
    std::same_as<T, std::int16_t> || std::same_as<T, std::uint16_t> || std::same_as<T, std::int32_t> || std::same_as<T, std::uint32_t> ||
    std::same_as<T, std::int64_t> || std::same_as<T, std::uint64_t>;

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

struct tensor_type_facts {
  tensor_type type;
  std::string_view name;
  std::uint64_t bytes;
};

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

constexpr const tensor_type_facts& facts_of(tensor_type type) { return tensor_types[static_cast<std::size_t>(type)]; }

}  // namespace detail

/// The name of a type in the header, such as "F32".
[[nodiscard]] constexpr std::string_view name_of(tensor_type type) { return detail::facts_of(type).name; }

/// What the header says of a tensor.
struct tensor_info {
  std::string name;
  tensor_type type = tensor_type::f32;
  std::vector<std::uint64_t> extents;  ///< outermost first; empty for a scalar
  std::uint64_t begin = 0, end = 0;    ///< bytes, from the end of the header

  [[nodiscard]] std::uint64_t bytes() const { return end - begin; }
  [[nodiscard]] std::uint64_t elements() const { return bytes() / detail::facts_of(type).bytes; }
};

/// The header of a file: its tensors in the order of their data, and the free text that came with them.
struct safetensors_header {
  std::vector<tensor_info> tensors;
  std::map<std::string, std::string, std::less<>> metadata;
};

namespace detail {

/// Longest header, in bytes, as in the reference implementation.
inline constexpr std::uint64_t max_safetensors_header = 100'000'000;
inline constexpr std::string_view safetensors_metadata_key = "__metadata__";

/// a * b unless that overflows.
constexpr std::optional<std::uint64_t> checked_product(std::uint64_t a, std::uint64_t b) {
  if (a != 0 && b > std::numeric_limits<std::uint64_t>::max() / a) return std::nullopt;
  return a * b;
}

inline std::string quote(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

/// "[6, 1, 5, 5]"
inline std::string to_text(std::span<const std::uint64_t> extents) {
  std::string text = "[";
  for (const std::uint64_t e : extents) text += (text.size() > 1 ? ", " : "") + std::to_string(e);
  return text + "]";
}

/// Bytes of a tensor unless they overflow.
inline std::optional<std::uint64_t> checked_bytes(tensor_type type, std::span<const std::uint64_t> extents) {
  std::optional<std::uint64_t> bytes = 1;
  for (const std::uint64_t extent : extents)
    if (!(bytes = checked_product(*bytes, extent))) return bytes;
  return checked_product(*bytes, facts_of(type).bytes);
}

/// Turns elements of `size` bytes from one byte order into the other.
inline void reverse_elements(std::span<std::byte> bytes, std::size_t size) {
  for (std::size_t i = 0; i < bytes.size(); i += size) std::reverse(bytes.data() + i, bytes.data() + i + size);
}

inline constexpr bool file_order_is_own = std::endian::native == std::endian::little;

/// Reads and checks one header.
class safetensors_parser {
 public:
  explicit safetensors_parser(std::string_view file) : file_{file} {}

  [[nodiscard]] safetensors_header operator()(std::string_view text, std::uint64_t data_bytes) const {
    const nlohmann::json document = parse(text);
    safetensors_header header;
    for (const auto& [key, value] : document.items()) {
      if (key == safetensors_metadata_key)
        read_metadata(value, header);
      else
        header.tensors.push_back(read_tensor(key, value));
    }
    std::sort(header.tensors.begin(), header.tensors.end(),
              [](const tensor_info& a, const tensor_info& b) { return std::pair{a.begin, a.end} < std::pair{b.begin, b.end}; });
    std::uint64_t expected = 0;
    for (const tensor_info& t : header.tensors) {
      if (t.begin != expected)
        fail("tensor " + quote(t.name) + " begins at byte " + std::to_string(t.begin) + " of the data, where the one before it ends at " +
             std::to_string(expected));
      expected = t.end;
    }
    if (expected != data_bytes) fail("expected " + std::to_string(expected) + " bytes of tensors, found " + std::to_string(data_bytes));
    return header;
  }

  [[noreturn]] void fail(const std::string& what) const { throw file_error(std::string{file_} + ": " + what); }

 private:
  [[nodiscard]] nlohmann::json parse(std::string_view text) const {
    if (text.empty() || text.front() != '{') fail("the header does not begin with '{': not a safetensors file");
    // The parser would take it for the end of the text, whatever follows.
    if (text.find('\0') != std::string_view::npos) fail("the header is not JSON: it holds a byte of value zero");
    std::vector<std::set<std::string, std::less<>>> keys;
    // A repeated key would hide the tensor that bore it first; deep nesting is never asked for, and each level costs memory.
    const auto watch = [&](int depth, nlohmann::json::parse_event_t event, nlohmann::json& value) {
      using event_type = nlohmann::json::parse_event_t;
      if (event == event_type::object_start || event == event_type::array_start) {
        if (depth > 16) fail("the header is nested too deeply");
        if (event == event_type::object_start) keys.emplace_back();
      } else if (event == event_type::object_end) {
        keys.pop_back();
      } else if (event == event_type::key) {
        const auto& key = value.get_ref<const std::string&>();
        if (!keys.back().insert(key).second) fail("the header has " + quote(key) + " twice");
      }
      return true;
    };
    try {
      return nlohmann::json::parse(text, watch);
    } catch (const nlohmann::json::exception& e) {
      fail(std::string{"the header is not JSON: "} + e.what());
    }
  }

  void read_metadata(const nlohmann::json& value, safetensors_header& header) const {
    if (!value.is_object()) fail("__metadata__ is not an object");
    for (const auto& [key, text] : value.items()) {
      if (!text.is_string()) fail("__metadata__ of " + quote(key) + " is not a string");
      header.metadata.emplace(key, text.get<std::string>());
    }
  }

  [[nodiscard]] tensor_info read_tensor(const std::string& name, const nlohmann::json& value) const {
    const auto refuse = [&](const std::string& what) { fail("tensor " + quote(name) + ": " + what); };
    const auto member = [&](const char* key) -> const nlohmann::json& {
      const auto found = value.find(key);
      if (found == value.end()) refuse(std::string{"no \""} + key + "\"");
      return *found;
    };
    const auto naturals = [&](const char* key) {
      const nlohmann::json& list = member(key);
      if (!list.is_array()) refuse(std::string{"\""} + key + "\" is not a list");
      std::vector<std::uint64_t> numbers;
      for (const nlohmann::json& number : list) {
        if (!number.is_number_unsigned()) refuse(std::string{"\""} + key + "\" holds something other than whole numbers from 0");
        numbers.push_back(number.get<std::uint64_t>());
      }
      return numbers;
    };
    if (!value.is_object()) refuse("its entry is not an object");

    tensor_info info;
    info.name = name;
    const nlohmann::json& type = member("dtype");
    if (!type.is_string()) refuse("\"dtype\" is not a string");
    const auto& type_name = type.get_ref<const std::string&>();
    const auto known =
        std::find_if(tensor_types.begin(), tensor_types.end(), [&](const tensor_type_facts& f) { return f.name == type_name; });
    if (known == tensor_types.end()) refuse("unknown dtype " + quote(type_name));
    info.type = known->type;
    info.extents = naturals("shape");
    const std::vector<std::uint64_t> offsets = naturals("data_offsets");
    if (offsets.size() != 2) refuse("\"data_offsets\" has " + std::to_string(offsets.size()) + " numbers instead of 2");
    info.begin = offsets[0];
    info.end = offsets[1];
    if (info.end < info.begin)
      refuse("its data ends at byte " + std::to_string(info.end) + ", before it begins at " + std::to_string(info.begin));
    const std::optional<std::uint64_t> bytes = checked_bytes(info.type, info.extents);
    if (!bytes) refuse("its shape " + to_text(info.extents) + " is larger than any memory");
    if (*bytes != info.bytes())
      refuse("its shape " + to_text(info.extents) + " of " + type_name + " takes " + std::to_string(*bytes) +
             " bytes, but its offsets span " + std::to_string(info.bytes()));
    return info;
  }

  std::string_view file_;
};

}  // namespace detail

/// Checks a header and lists what it describes.
/// @param json the header's text
/// @param data_bytes how many bytes of tensors follow it
/// @param file what to call the file in messages
/// @throws file_error if the header is malformed, or its tensors leave a gap, overlap, or do not end where the file does
[[nodiscard]] inline safetensors_header parse_safetensors_header(std::string_view json, std::uint64_t data_bytes, std::string_view file) {
  return detail::safetensors_parser{file}(json, data_bytes);
}

/// A file open for reading. All of it is checked at once but the numbers themselves, which are read when asked for.
class safetensors_reader {
 public:
  /// @throws file_error if the file cannot be read or is not a well-formed safetensors file
  explicit safetensors_reader(const std::filesystem::path& path) : name_{path.string()} {
    const detail::safetensors_parser parser{name_};
    std::error_code failure;
    const std::filesystem::file_status status = std::filesystem::status(path, failure);
    if (!std::filesystem::exists(status)) parser.fail("no such file" + (failure ? ": " + failure.message() : std::string{}));
    if (!std::filesystem::is_regular_file(status)) parser.fail("not a regular file");
    const std::uint64_t size = std::filesystem::file_size(path, failure);
    if (failure) parser.fail("cannot be read: " + failure.message());
    file_.open(path, std::ios::binary);
    if (!file_) parser.fail("cannot be opened");

    if (size < 8) parser.fail("expected at least 8 bytes, found " + std::to_string(size));
    std::array<std::byte, 8> length_bytes{};
    read_at(0, length_bytes);
    std::uint64_t length = 0;
    for (std::size_t i = 8; i > 0; --i) length = length << 8 | std::to_integer<std::uint64_t>(length_bytes[i - 1]);
    if (length > detail::max_safetensors_header)
      parser.fail("its header would be " + std::to_string(length) + " bytes long, above the format's limit of " +
                  std::to_string(detail::max_safetensors_header) + ": not a safetensors file");
    if (length > size - 8)
      parser.fail("its header is " + std::to_string(length) + " bytes long, but only " + std::to_string(size - 8) + " bytes follow");
    std::string text(static_cast<std::size_t>(length), '\0');
    read_at(8, std::as_writable_bytes(std::span{text}));
    data_begin_ = 8 + length;
    header_ = parser(text, size - data_begin_);
  }

  /// All tensors, in the order of their data.
  [[nodiscard]] const std::vector<tensor_info>& tensors() const { return header_.tensors; }
  [[nodiscard]] const std::map<std::string, std::string, std::less<>>& metadata() const { return header_.metadata; }
  /// The name of the file, for messages.
  [[nodiscard]] const std::string& name() const { return name_; }

  /// A tensor by its name; null if there is none.
  [[nodiscard]] const tensor_info* find(std::string_view name) const {
    const auto found = std::find_if(tensors().begin(), tensors().end(), [&](const tensor_info& t) { return t.name == name; });
    return found == tensors().end() ? nullptr : &*found;
  }
  /// A tensor by its name.
  /// @throws file_error if there is none
  [[nodiscard]] const tensor_info& at(std::string_view name) const {
    const tensor_info* found = find(name);
    if (found == nullptr) fail("there is no tensor " + detail::quote(name));
    return *found;
  }

  /// Reads a tensor, in row-major order, into `values`.
  /// @throws file_error if there is none of that name, it is of another type or size, or it cannot be read
  template <tensor_element T>
  void read(std::string_view name, std::span<T> values) {
    const tensor_info& info = typed<T>(name);
    if (info.elements() != values.size())
      fail("tensor " + detail::quote(name) + " has " + std::to_string(info.elements()) + " numbers (shape " +
           detail::to_text(info.extents) + "), expected " + std::to_string(values.size()));
    const std::span<std::byte> bytes = std::as_writable_bytes(values);
    read_at(data_begin_ + info.begin, bytes);
    if constexpr (!detail::file_order_is_own) detail::reverse_elements(bytes, sizeof(T));
  }
  template <tensor_element T>
  [[nodiscard]] std::vector<T> read(std::string_view name) {
    std::vector<T> values(static_cast<std::size_t>(typed<T>(name).elements()));
    read(name, std::span<T>{values});
    return values;
  }
  /// The bytes of a tensor of any type, as they are in the file.
  /// @throws file_error if there is none of that name, or it cannot be read
  [[nodiscard]] std::vector<std::byte> read_bytes(std::string_view name) {
    const tensor_info& info = at(name);
    std::vector<std::byte> bytes(static_cast<std::size_t>(info.bytes()));
    read_at(data_begin_ + info.begin, bytes);
    return bytes;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw file_error(name_ + ": " + what); }

  template <class T>
  const tensor_info& typed(std::string_view name) const {
    const tensor_info& info = at(name);
    if (info.type != tensor_type_of<T>())
      fail("tensor " + detail::quote(name) + " is of type " + std::string{name_of(info.type)} + ", expected " +
           std::string{name_of(tensor_type_of<T>())});
    return info;
  }

  void read_at(std::uint64_t position, std::span<std::byte> bytes) {
    file_.clear();
    file_.seekg(static_cast<std::streamoff>(position));
    file_.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    if (!file_ || static_cast<std::size_t>(file_.gcount()) != bytes.size())
      fail("cannot be read: expected " + std::to_string(bytes.size()) + " bytes from byte " + std::to_string(position) + " on");
  }

  std::string name_;
  std::ifstream file_;
  std::uint64_t data_begin_ = 0;
  safetensors_header header_;
};

/// Gathers tensors and writes them to a file at once.
class safetensors_writer {
 public:
  /// Adds free text.
  /// @throws argument_error if the key is taken
  void add_metadata(std::string key, std::string text) {
    const auto [place, added] = metadata_.emplace(std::move(key), std::move(text));
    if (!added) throw argument_error("safetensors: metadata " + detail::quote(place->first) + " is already there");
  }

  /// Adds a tensor in row-major order; its numbers are not copied and must live until the file is written.
  /// @param extents outermost first; empty for a scalar
  /// @throws argument_error if the name is taken or reserved, or the numbers are not as many as the extents say
  template <tensor_element T>
  void add(std::string name, std::span<const std::uint64_t> extents, std::span<const T> values) {
    const auto refuse = [&](const std::string& what) { throw argument_error("safetensors: tensor " + detail::quote(name) + " " + what); };
    if (name == detail::safetensors_metadata_key) refuse("has a name that the format keeps for metadata");
    const std::optional<std::uint64_t> bytes = detail::checked_bytes(tensor_type_of<T>(), extents);
    if (!bytes || *bytes != values.size_bytes())
      refuse("of shape " + detail::to_text(extents) + " was given " + std::to_string(values.size()) + " numbers");
    if (!names_.insert(name).second) refuse("is already there");
    entries_.push_back(
        {{std::move(name), tensor_type_of<T>(), {extents.begin(), extents.end()}, 0, values.size_bytes()}, std::as_bytes(values)});
  }
  template <tensor_element T>
  void add(std::string name, std::initializer_list<std::uint64_t> extents, std::span<const T> values) {
    add(std::move(name), std::span<const std::uint64_t>{extents.begin(), extents.size()}, values);
  }

  /// Writes the file, or leaves what was there before as it was. Larger elements come first, so that all are aligned; apart from
  /// that tensors lie in the order in which they were added.
  /// @throws file_error if it cannot be written
  /// @throws argument_error if a name or text is not UTF-8, or the header exceeds the format's limit
  void write(const std::filesystem::path& path) const {
    std::vector<const entry*> order;
    for (const entry& e : entries_) order.push_back(&e);
    const auto element = [](const entry* e) { return static_cast<std::size_t>(detail::facts_of(e->info.type).bytes); };
    std::stable_sort(order.begin(), order.end(), [&](const entry* a, const entry* b) { return element(a) > element(b); });

    nlohmann::ordered_json document = nlohmann::ordered_json::object();
    if (!metadata_.empty()) document[std::string{detail::safetensors_metadata_key}] = metadata_;
    std::uint64_t begin = 0;
    for (const entry* e : order) {
      const std::uint64_t end = begin + e->info.bytes();
      nlohmann::ordered_json description = nlohmann::ordered_json::object();
      description["dtype"] = name_of(e->info.type);
      description["shape"] = e->info.extents;
      description["data_offsets"] = {begin, end};
      document[e->info.name] = std::move(description);
      begin = end;
    }
    std::string text;
    try {
      text = document.dump();
    } catch (const nlohmann::json::exception& e) {
      throw argument_error(std::string{"safetensors: the header cannot be written: "} + e.what());
    }
    // The data begins at a multiple of eight bytes.
    text.resize((text.size() + 7) / 8 * 8, ' ');
    if (text.size() > detail::max_safetensors_header)
      throw argument_error("safetensors: the header would be " + std::to_string(text.size()) + " bytes long, above the format's limit of " +
                           std::to_string(detail::max_safetensors_header));

    atomic_file file{path};
    std::array<std::byte, 8> length{};
    for (std::size_t i = 0; i < 8; ++i) length[i] = static_cast<std::byte>(text.size() >> (8 * i) & 0xFF);
    file.write(std::span<const std::byte>{length});
    file.write(text);
    for (const entry* e : order) {
      if constexpr (detail::file_order_is_own) {
        file.write(e->bytes);
      } else {
        std::vector<std::byte> swapped(e->bytes.begin(), e->bytes.end());
        detail::reverse_elements(swapped, element(e));
        file.write(std::span<const std::byte>{swapped});
      }
    }
    file.commit();
  }

 private:
  struct entry {
    tensor_info info;
    std::span<const std::byte> bytes;
  };
  std::vector<entry> entries_;
  std::set<std::string, std::less<>> names_;
  std::map<std::string, std::string, std::less<>> metadata_;
};

}  // namespace typenet
