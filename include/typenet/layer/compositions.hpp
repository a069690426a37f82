// SPDX-License-Identifier: MIT
/// @file
/// Layers made of layers: sequential, residual, concat, named. They nest, and cost nothing by themselves.
#pragma once

#include <cstddef>
#include <string_view>

namespace typenet {

/// A word as a template argument: `named<"conv1", …>`.
template <std::size_t N>
struct fixed_string {
  char characters[N] = {};

  // NOLINTNEXTLINE(google-explicit-constructor): written as a plain literal
  constexpr fixed_string(const char (&text)[N]) {
    for (std::size_t i = 0; i < N; ++i) characters[i] = text[i];
  }
  [[nodiscard]] constexpr std::string_view view() const { return {characters, N - 1}; }
  friend constexpr bool operator==(const fixed_string&, const fixed_string&) = default;
};

/// Layers one after another. @see torch.nn.Sequential
template <class... Layers>
struct sequential {
  static constexpr bool is_layer = true;
};

/// x + body(x), the body being layers one after another whose output has the input's shape (He et al. 2016).
/// Its parameters are named as if it were the body's `sequential`.
template <class... Body>
struct residual {
  static constexpr bool is_layer = true;
};

/// Every branch applied to the same input, their outputs joined along the channels (or the features of vectors).
/// Branches write where their part of the joined value lies: joining copies nothing.
template <class... Branches>
struct concat {
  static constexpr bool is_layer = true;
};

/// A layer whose parameters are named by a word instead of its index: `named<"conv1", conv2d<6, 5>>` has `conv1.weight`.
template <fixed_string Name, class Layer>
struct named {
  static constexpr bool is_layer = true;
  using layer = Layer;
  static constexpr std::string_view word() { return Name.view(); }
};

namespace detail {

/// An instance of `named`. A property, since nvcc finds no partial specialisation for such template arguments.
template <class L>
concept named_layer = requires {
  typename L::layer;
  L::word();
};

}  // namespace detail

}  // namespace typenet
