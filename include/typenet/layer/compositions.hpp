// SPDX-License-Identifier: MIT
/// @file
/// Compositions, layers that are made of layers: sequential, residual, concat and named. They nest. They have no kernels.
#pragma once

#include <cstddef>
#include <string_view>

namespace typenet {

/// A string that is usable as a template argument: `named<"conv1", …>`.
template <std::size_t N>
struct fixed_string {
  char characters[N] = {};

  // NOLINTNEXTLINE(google-explicit-constructor): users write a plain literal
  constexpr fixed_string(const char (&text)[N]) {
    for (std::size_t i = 0; i < N; ++i) characters[i] = text[i];
  }
  [[nodiscard]] constexpr std::string_view view() const { return {characters, N - 1}; }
  friend constexpr bool operator==(const fixed_string&, const fixed_string&) = default;
};

/// Layers one after another.
/// @see torch.nn.Sequential
template <class... Layers>
struct sequential {
  static constexpr bool is_layer = true;
};

/// x + body(x). The body is layers one after another; its output has the shape of its input. Names of parameters are those of
/// `sequential<Body...>`.
/// @see He et al. 2016
template <class... Body>
struct residual {
  static constexpr bool is_layer = true;
};

/// The outputs of several branches, joined along the channels of images or the features of vectors. Each branch reads the input of the
/// composition and writes its part of the joined value in place, without a copy.
template <class... Branches>
struct concat {
  static constexpr bool is_layer = true;
};

/// A layer with a name in place of its index: the weight of `named<"conv1", conv2d<6, 5>>` is called `conv1.weight`.
template <fixed_string Name, class Layer>
struct named {
  static constexpr bool is_layer = true;
  using layer = Layer;
  static constexpr std::string_view word() { return Name.view(); }
};

namespace detail {

/// An instance of `named`, found by its members: nvcc finds no partial specialization for template arguments of class type.
template <class L>
concept named_layer = requires {
  typename L::layer;
  L::word();
};

}  // namespace detail

}  // namespace typenet
