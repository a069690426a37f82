// SPDX-License-Identifier: MIT
/// @file
/// The parameters and buffers of a network: the names that PyTorch's `named_parameters()` and `named_buffers()` give them, and their
/// offsets in the arenas. `collect_tensors` is a visitor of the tree of layers (graph/visit.hpp). It visits layers in order of execution,
/// so its offsets equal the tensor layout (graph/compiled_network.hpp).
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include <typenet/core/config.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/graph/compiled_network.hpp>
#include <typenet/layer/tensor_spec.hpp>

namespace typenet {

/// A dotted name of at most 79 characters, such as "features.0.weight".
struct tensor_name {
  char characters[80] = {};
  int length = 0;
  bool too_long = false;  ///< true where characters were dropped

  constexpr tensor_name() = default;
  constexpr explicit tensor_name(std::string_view text) { append(text); }
  constexpr void append(std::string_view text) {
    for (const char c : text) {
      if (length == 79)
        too_long = true;
      else
        characters[length++] = c;
    }
  }
  constexpr void append(int number) {
    if (number > 9) append(number / 10);
    const char digit = static_cast<char>('0' + number % 10);
    append(std::string_view{&digit, 1});
  }
  [[nodiscard]] constexpr std::string_view view() const { return {characters, static_cast<std::size_t>(length)}; }
  // NOLINTNEXTLINE(google-explicit-constructor): a name is text
  constexpr operator std::string_view() const { return view(); }
  friend constexpr bool operator==(const tensor_name& a, std::string_view b) { return a.view() == b; }
};

/// A parameter of a network.
struct parameter_info {
  tensor_name name;     ///< the layer's path and the parameter's name, such as "0.weight"
  parameter_spec spec;  ///< the layer's specification: name within the layer, extents, role
  index offset = 0;     ///< in the parameter arena, in scalars; a multiple of `tensor_alignment`
  /// Numbers in the tensor.
  [[nodiscard]] constexpr index size() const { return spec.size(); }
};

/// A buffer of a network.
struct buffer_info {
  tensor_name name;  ///< the layer's path and the buffer's name, such as "1.running_mean"
  buffer_spec spec;  ///< the layer's specification: name within the layer, extents, initial value
  index offset = 0;  ///< in the buffer arena, in scalars; a multiple of `tensor_alignment`
  /// Numbers in the tensor.
  [[nodiscard]] constexpr index size() const { return spec.size(); }
};

namespace detail {

/// A visitor of layers (graph/visit.hpp) that counts tensors and numbers.
struct count_tensors {
  int parameters = 0, buffers = 0;
  index numbers = 0;      ///< numbers of all parameters
  index connections = 0;  ///< connections of one sample, as `layer_defaults::connections` counts them
  template <class L>
  constexpr void leaf(const tensor_name&, shape in) {
    for (const parameter_spec& spec : L::parameters(in)) numbers += spec.size();
    connections += L::connections(in);
    parameters += static_cast<int>(L::parameters(in).size());
    buffers += static_cast<int>(L::buffers(in).size());
  }
};

/// A visitor of layers (graph/visit.hpp) that lists the parameters and buffers of a network.
/// @tparam Parameters, Buffers their numbers, from `count_tensors`
template <int Parameters, int Buffers>
struct collect_tensors {
  std::array<parameter_info, Parameters> parameters{};
  std::array<buffer_info, Buffers> buffers{};
  int parameter = 0, buffer = 0;                ///< tensors listed so far
  index parameter_end = 0, buffer_end = 0;      ///< scalars of the arenas so far
  index parameter_count = 0, buffer_count = 0;  ///< numbers so far, without padding

  template <class L>
  constexpr void leaf(const tensor_name& path, shape in) {
    for (const parameter_spec& spec : L::parameters(in)) {
      parameters[static_cast<std::size_t>(parameter++)] = {full(path, spec.name), spec, parameter_end};
      parameter_end = aligned(parameter_end + spec.size());
      parameter_count += spec.size();
    }
    for (const buffer_spec& spec : L::buffers(in)) {
      buffers[static_cast<std::size_t>(buffer++)] = {full(path, spec.name), spec, buffer_end};
      buffer_end = aligned(buffer_end + spec.size());
      buffer_count += spec.size();
    }
  }
  /// The layer's path, a dot and the tensor's name within the layer.
  static constexpr tensor_name full(const tensor_name& path, std::string_view name) {
    tensor_name whole = path;
    whole.append(".");
    whole.append(name);
    return whole;
  }
  /// True where no name was too long.
  [[nodiscard]] constexpr bool names_fit() const {
    for (const parameter_info& p : parameters)
      if (p.name.too_long) return false;
    for (const buffer_info& b : buffers)
      if (b.name.too_long) return false;
    return true;
  }
};

}  // namespace detail
}  // namespace typenet
