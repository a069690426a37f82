// SPDX-License-Identifier: MIT
/// @file
/// The names of a network's parameters and buffers, as PyTorch's `named_parameters()` gives them, and where each lies in its arena.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include <typenet/core/config.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/graph/compiled_network.hpp>
#include <typenet/graph/lower.hpp>
#include <typenet/layer/compositions.hpp>
#include <typenet/layer/tensor_spec.hpp>

namespace typenet {

/// A dotted name such as "features.0.weight", of at most 79 characters.
struct tensor_name {
  char characters[80] = {};
  int length = 0;
  bool too_long = false;

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

/// A parameter of a network: what its layer says of it, its full name, and where it lies.
struct parameter_info {
  tensor_name name;
  parameter_spec spec;
  /// Position in the parameter arena, a multiple of `tensor_alignment`.
  index offset = 0;
  [[nodiscard]] constexpr index size() const { return spec.size(); }
};

/// A buffer of a network, likewise.
struct buffer_info {
  tensor_name name;
  buffer_spec spec;
  index offset = 0;
  [[nodiscard]] constexpr index size() const { return spec.size(); }
};

namespace detail {

/// Calls `leaf(name prefix, layer type, input shape)` for every layer that is not a composition, in order of execution.
template <class L>
struct walk {
  template <class Visitor>
  static constexpr shape visit(Visitor& visitor, shape in, const tensor_name& path) {
    visitor.template leaf<L>(path, in);
    return L::output(in);
  }
};

/// The layer by whose name or index its parameters go.
template <class L>
struct child_name {
  static constexpr void append(tensor_name& path, int i) { path.append(i); }
};
template <named_layer L>
struct child_name<L> {
  static constexpr void append(tensor_name& path, int) { path.append(L::word()); }
};

template <class L, class Visitor>
constexpr shape visit_child(Visitor& visitor, shape in, const tensor_name& path, int i) {
  tensor_name own = path;
  if (own.length > 0) own.append(".");
  child_name<L>::append(own, i);
  return walk<L>::visit(visitor, in, own);
}

template <class... Layers>
struct walk_chain {
  template <class Visitor>
  static constexpr shape visit(Visitor& visitor, shape in, const tensor_name& path) {
    int i = 0;
    ((in = visit_child<Layers>(visitor, in, path, i++)), ...);
    return in;
  }
};
template <class... Layers>
struct walk<sequential<Layers...>> : walk_chain<Layers...> {};
template <class... Body>
struct walk<residual<Body...>> : walk_chain<Body...> {};
template <class... Branches>
struct walk<concat<Branches...>> {
  template <class Visitor>
  static constexpr shape visit(Visitor& visitor, shape in, const tensor_name& path) {
    shape first{};
    int channels = 0, i = 0;
    const auto branch = [&]<class B>() {
      const shape out = visit_child<B>(visitor, in, path, i);
      if (i++ == 0) first = out;
      channels += out.channels();
    };
    (branch.template operator()<Branches>(), ...);
    return joined(first, channels);
  }
};
template <named_layer L>
struct walk<L> {
  template <class Visitor>
  static constexpr shape visit(Visitor& visitor, shape in, const tensor_name& path) {
    return walk<typename L::layer>::visit(visitor, in, path);
  }
};

/// The shape after each direct child, which may be a composition.
struct ignore_leaves {
  template <class L>
  constexpr void leaf(const tensor_name&, shape) {}
};

struct count_tensors {
  int parameters = 0, buffers = 0;
  index numbers = 0;  ///< in all the parameters
  index connections = 0;
  template <class L>
  constexpr void leaf(const tensor_name&, shape in) {
    for (const parameter_spec& spec : L::parameters(in)) numbers += spec.size();
    connections += L::connections(in);
    parameters += static_cast<int>(L::parameters(in).size());
    buffers += static_cast<int>(L::buffers(in).size());
  }
};

template <int Parameters, int Buffers>
struct collect_tensors {
  std::array<parameter_info, Parameters> parameters{};
  std::array<buffer_info, Buffers> buffers{};
  int parameter = 0, buffer = 0;
  index parameter_end = 0, buffer_end = 0;
  index parameter_count = 0, buffer_count = 0;

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
  static constexpr tensor_name full(const tensor_name& path, std::string_view name) {
    tensor_name whole = path;
    whole.append(".");
    whole.append(name);
    return whole;
  }
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
