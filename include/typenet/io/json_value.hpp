// SPDX-License-Identifier: MIT
/// @file
/// json_value: the JSON of a header, as nlohmann's parser reports it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <typenet/io/safetensors_format.hpp>

namespace typenet::detail {

/// A value of a header's JSON. It is released without allocating. nlohmann::json allocates there, and ends the program where memory is out.
struct json_value {
  enum class kind : std::uint8_t { text, natural, list, object, other };
  kind type = kind::other;
  std::string text;                 ///< of a text
  std::uint64_t number = 0;         ///< of a natural
  std::vector<json_value> items;    ///< of a list or an object
  std::vector<std::string> keys{};  ///< of an object: the key of each item

  /// The item of an object under this key; null if there is none.
  [[nodiscard]] const json_value* find(std::string_view key) const {
    const auto found = std::find(keys.begin(), keys.end(), key);
    return found == keys.end() ? nullptr : &items[static_cast<std::size_t>(found - keys.begin())];
  }
};

/// Builds a `json_value` from the events of nlohmann's parser. It refuses repeated keys and deep nesting.
/// @tparam Fail called with a message; throws
template <class Fail>
class json_builder {
 public:
  explicit json_builder(const Fail& fail) : fail_{&fail} {}
  [[nodiscard]] json_value take() { return std::move(root_); }

  bool null() { return add({}); }
  bool boolean(bool) { return add({}); }
  bool number_integer(std::int64_t) { return add({}); }
  bool number_unsigned(std::uint64_t number) { return add({.type = json_value::kind::natural, .text = {}, .number = number, .items = {}}); }
  bool number_float(double, const std::string&) { return add({}); }
  bool string(std::string& text) { return add({.type = json_value::kind::text, .text = std::move(text), .items = {}}); }
  bool binary(std::vector<std::uint8_t>&) { return add({}); }
  bool start_object(std::size_t) { return open(json_value::kind::object); }
  bool end_object() { return close(); }
  bool start_array(std::size_t) { return open(json_value::kind::list); }
  bool end_array() { return close(); }
  bool key(std::string& name) {
    json_value& object = *open_.back();
    // A repeated key would hide an earlier tensor.
    if (!keys_.back().insert(name).second) (*fail_)("the header has " + quote(name) + " twice");
    object.keys.push_back(std::move(name));
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& e) {
    (*fail_)(std::string{"the header is not JSON: "} + e.what());
    return false;
  }

 private:
  bool add(json_value value) {
    place(std::move(value));
    return true;
  }
  /// The format needs two levels of nesting, and each level costs memory.
  bool open(json_value::kind type) {
    if (open_.size() > 16) (*fail_)("the header is nested too deeply");
    open_.push_back(place({.type = type, .text = {}, .items = {}}));
    keys_.emplace_back();
    return true;
  }
  bool close() {
    open_.pop_back();
    keys_.pop_back();
    return true;
  }
  /// Puts a value in its list or object. Its address stays until that is closed.
  json_value* place(json_value value) {
    if (open_.empty()) return &(root_ = std::move(value));
    return &open_.back()->items.emplace_back(std::move(value));
  }

  const Fail* fail_;
  json_value root_;
  std::vector<json_value*> open_;                         ///< lists and objects, the innermost last
  std::vector<std::set<std::string, std::less<>>> keys_;  ///< of each of `open_`
};

}  // namespace typenet::detail
