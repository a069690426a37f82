// SPDX-License-Identifier: MIT
/// @file
/// safetensors_reader: reads tensors from a safetensors file.
///
/// The reader trusts nothing in a file. It reserves memory only for what the file is long enough to hold, and reports every mistake as a
/// `file_error` that says what is wrong.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
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
#include <typenet/io/safetensors_format.hpp>

namespace typenet {

namespace detail {

/// Reads and checks the header of one file.
class safetensors_parser {
 public:
  /// @param file the name of the file, for messages; must outlive the parser
  explicit safetensors_parser(std::string_view file) : file_{file} {}

  /// Reads the header `text` of a file with `data_bytes` bytes of tensors.
  /// @throws file_error if the header is malformed, or its tensors leave a gap, overlap, or do not end where the file does
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

  /// Throws a `file_error` about the file.
  [[noreturn]] void fail(const std::string& what) const { throw file_error(std::string{file_} + ": " + what); }

 private:
  /// Parses JSON; refuses repeated keys and deep nesting.
  [[nodiscard]] nlohmann::json parse(std::string_view text) const {
    if (text.empty() || text.front() != '{') fail("the header does not begin with '{': not a safetensors file");
    // nlohmann::json takes a zero byte for the end of the text and ignores the rest.
    if (text.find('\0') != std::string_view::npos) fail("the header is not JSON: it holds a byte of value zero");
    std::vector<std::set<std::string, std::less<>>> keys;
    // A repeated key would hide an earlier tensor. The format needs two levels of nesting, and each level costs memory.
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

  /// Reads the object under `__metadata__`.
  void read_metadata(const nlohmann::json& value, safetensors_header& header) const {
    if (!value.is_object()) fail("__metadata__ is not an object");
    for (const auto& [key, text] : value.items()) {
      if (!text.is_string()) fail("__metadata__ of " + quote(key) + " is not a string");
      header.metadata.emplace(key, text.get<std::string>());
    }
  }

  /// Reads and checks the description of one tensor.
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

/// Reads and checks a header.
/// @param json the header's text
/// @param data_bytes the number of bytes that follow it in the file
/// @param file the name of the file, for messages
/// @throws file_error if the header is malformed, or its tensors leave a gap, overlap, or do not end where the file does
[[nodiscard]] inline safetensors_header parse_safetensors_header(std::string_view json, std::uint64_t data_bytes, std::string_view file) {
  return detail::safetensors_parser{file}(json, data_bytes);
}

/// A safetensors file that is open for reading. The constructor reads and checks the header; `read` reads the numbers of one tensor.
class safetensors_reader {
 public:
  /// @throws file_error if the file cannot be read or is not a well-formed safetensors file
  explicit safetensors_reader(const std::filesystem::path& path) : name_{path.string()} {
    const detail::safetensors_parser parser{name_};
    std::error_code failure;
    const std::filesystem::file_status status = std::filesystem::status(path, failure);
    if (status.type() == std::filesystem::file_type::not_found) parser.fail("no such file");
    if (!std::filesystem::status_known(status)) parser.fail("cannot be read: " + failure.message());
    if (!std::filesystem::is_regular_file(status)) parser.fail("not a regular file");
    const std::uint64_t size = std::filesystem::file_size(path, failure);
    if (failure) parser.fail("cannot be read: " + failure.message());
    file_.open(path, std::ios::binary);
    if (!file_) parser.fail("cannot be opened");

    // Eight bytes, little-endian, hold the length of the header.
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
  /// The free text of the file, by key.
  [[nodiscard]] const std::map<std::string, std::string, std::less<>>& metadata() const { return header_.metadata; }
  /// The name of the file, for messages.
  [[nodiscard]] const std::string& name() const { return name_; }

  /// The description of the tensor with this name; null if there is none.
  [[nodiscard]] const tensor_info* find(std::string_view name) const {
    const auto found = std::find_if(tensors().begin(), tensors().end(), [&](const tensor_info& t) { return t.name == name; });
    return found == tensors().end() ? nullptr : &*found;
  }
  /// The description of the tensor with this name.
  /// @throws file_error if there is none
  [[nodiscard]] const tensor_info& at(std::string_view name) const {
    const tensor_info* found = find(name);
    if (found == nullptr) fail("there is no tensor " + detail::quote(name));
    return *found;
  }

  /// Reads a tensor into `values`, in row-major order: the last extent varies fastest.
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
  /// Reads a tensor, in row-major order.
  /// @throws file_error if there is none of that name, it is of another type, or it cannot be read
  template <tensor_element T>
  [[nodiscard]] std::vector<T> read(std::string_view name) {
    std::vector<T> values(static_cast<std::size_t>(typed<T>(name).elements()));
    read(name, std::span<T>{values});
    return values;
  }
  /// Reads the bytes of a tensor of any type, in the byte order of the file.
  /// @throws file_error if there is none of that name, or it cannot be read
  [[nodiscard]] std::vector<std::byte> read_bytes(std::string_view name) {
    const tensor_info& info = at(name);
    std::vector<std::byte> bytes(static_cast<std::size_t>(info.bytes()));
    read_at(data_begin_ + info.begin, bytes);
    return bytes;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw file_error(name_ + ": " + what); }

  /// The description of a tensor whose elements are of type T.
  template <class T>
  const tensor_info& typed(std::string_view name) const {
    const tensor_info& info = at(name);
    if (info.type != tensor_type_of<T>())
      fail("tensor " + detail::quote(name) + " is of type " + std::string{name_of(info.type)} + ", expected " +
           std::string{name_of(tensor_type_of<T>())});
    return info;
  }

  /// Reads `bytes` from `position` on, counted from the start of the file.
  void read_at(std::uint64_t position, std::span<std::byte> bytes) {
    file_.clear();
    file_.seekg(static_cast<std::streamoff>(position));
    file_.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    if (!file_ || static_cast<std::size_t>(file_.gcount()) != bytes.size())
      fail("cannot be read: expected " + std::to_string(bytes.size()) + " bytes from byte " + std::to_string(position) + " on");
  }

  std::string name_;
  std::ifstream file_;
  std::uint64_t data_begin_ = 0;  ///< position of the first tensor's data in the file
  safetensors_header header_;
};

}  // namespace typenet
