// SPDX-License-Identifier: MIT
/// @file
/// safetensors_writer: writes tensors to a safetensors file.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <typenet/core/error.hpp>
#include <typenet/io/atomic_file.hpp>
#include <typenet/io/safetensors_format.hpp>

namespace typenet {

/// Collects tensors, then writes all of them to a file.
class safetensors_writer {
 public:
  /// Adds free text under a key.
  /// @throws argument_error if the key is taken
  void add_metadata(std::string key, std::string text) {
    const auto [place, added] = metadata_.emplace(std::move(key), std::move(text));
    if (!added) throw argument_error("safetensors: metadata " + detail::quote(place->first) + " is already there");
  }

  /// Adds a tensor in row-major order: the last extent varies fastest. The numbers are not copied; they must live until `write` returns.
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
  /// Adds a tensor whose extents are a list.
  /// @throws argument_error if the name is taken or reserved, or the numbers are not as many as the extents say
  template <tensor_element T>
  void add(std::string name, std::initializer_list<std::uint64_t> extents, std::span<const T> values) {
    add(std::move(name), std::span<const std::uint64_t>{extents.begin(), extents.size()}, values);
  }

  /// Writes the file. It replaces an earlier file as a whole; where writing fails, the earlier file stays. Tensors lie in the order of
  /// their element sizes, the largest first, so that every tensor is aligned. Tensors of one element size keep the order in which they were
  /// added.
  /// @throws file_error if it cannot be written
  /// @throws argument_error if a name or text is not UTF-8, or the header exceeds the format's limit
  void write(const std::filesystem::path& path) const {
    std::vector<const entry*> order;
    for (const entry& e : entries_) order.push_back(&e);
    const auto element = [](const entry* e) { return static_cast<std::size_t>(detail::facts_of(e->info.type).bytes); };
    std::stable_sort(order.begin(), order.end(), [&](const entry* a, const entry* b) { return element(a) > element(b); });

    // The text is put together here: an nlohmann::json of objects allocates as it is released, and ends the program where memory is out.
    std::string text = "{";
    const auto key = [&](const std::string& name) {
      if (text.back() != '{') text += ',';
      text.append(in_json(name)).append(":");
    };
    if (!metadata_.empty()) {
      key(std::string{detail::safetensors_metadata_key});
      text += '{';
      for (const auto& [name, value] : metadata_) {
        key(name);
        text += in_json(value);
      }
      text += '}';
    }
    std::uint64_t begin = 0;
    for (const entry* e : order) {
      const std::uint64_t end = begin + e->info.bytes();
      key(e->info.name);
      text.append(R"({"dtype":")").append(name_of(e->info.type)).append(R"(","shape":[)");
      for (std::size_t i = 0; i < e->info.extents.size(); ++i) text.append(i > 0 ? "," : "").append(std::to_string(e->info.extents[i]));
      text.append(R"(],"data_offsets":[)").append(std::to_string(begin)).append(",").append(std::to_string(end)).append("]}");
      begin = end;
    }
    text += '}';
    // Spaces end the header, so that the data begins at a multiple of eight bytes.
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
  /// A text in quotes, as JSON has it.
  static std::string in_json(const std::string& text) {
    try {
      return nlohmann::json(text).dump();
    } catch (const nlohmann::json::exception& e) {
      throw argument_error(std::string{"safetensors: the header cannot be written: "} + e.what());
    }
  }
  /// A tensor that is to be written.
  struct entry {
    tensor_info info;
    std::span<const std::byte> bytes;  ///< the caller's numbers, in the machine's byte order
  };
  std::vector<entry> entries_;
  std::set<std::string, std::less<>> names_;
  std::map<std::string, std::string, std::less<>> metadata_;
};

}  // namespace typenet
