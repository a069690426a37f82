// SPDX-License-Identifier: MIT
/// @file
/// What a network should have answered, as a loss sees it.
#pragma once

#include <typenet/core/diagnostics.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet {

/// The class of each sample of a pack: 1 for the class, 0 for the others.
template <class Pack>
struct class_target {
  static constexpr bool is_class = true;
  Pack label;
  /// The target of output k.
  [[nodiscard]] TYPENET_HD TYPENET_INLINE Pack at(int k) const {
    return lane::select<Pack>(lane::equal<Pack>(label, lane::broadcast<Pack>(static_cast<lane::scalar_t<Pack>>(k))),
                              lane::broadcast<Pack>(1), lane::broadcast<Pack>(0));
  }
};

/// A number for each output, of each sample of a pack; element k lies `k * Lanes` from `values`.
template <class Pack, int Lanes>
struct dense_target {
  static constexpr bool is_class = false;
  const lane::scalar_t<Pack>* values;
  [[nodiscard]] TYPENET_HD TYPENET_INLINE Pack at(int k) const { return lane::load<Pack>(values + index{k} * Lanes); }
};

/// What a set of targets is made of: class numbers below `Classes`, or values of shape `Values`.
template <int Classes>
struct class_targets {
  static constexpr bool is_class = true;
  static constexpr int classes = Classes;
};
template <shape Values>
struct dense_targets {
  static constexpr bool is_class = false;
  static constexpr shape values = Values;
};

namespace detail {

/// What a loss answers that takes a number for each class, or a probability of each.
template <shape Out, class Targets>
constexpr auto check_classes() {
  if constexpr (Targets::is_class) {
    if constexpr (Out.rank != 1 || Out.size() != Targets::classes)
      return needs::a_vector_of_scores<Targets::classes>{};
    else
      return accepted{};
  } else {
    if constexpr (Out.rank != 1)
      return needs::a_vector_of_scores<Targets::values.size()>{};
    else if constexpr (Out != Targets::values)
      return needs::targets_of_shape<Out[0]>{};
    else
      return accepted{};
  }
}

}  // namespace detail
}  // namespace typenet
