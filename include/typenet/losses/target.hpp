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
    return lane::select(lane::equal(label, k),
                              Pack(1), Pack(0));
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

namespace needs {

/// An output of one score for each class.
template <int Classes>
struct a_vector_of_scores {
  static constexpr auto text() { return detail::sentence{"an output of one score for each of the "}.add(Classes).add(" classes"); }
};
/// An output whose highest number names the class.
struct an_output_of_scores {
  static constexpr auto text() { return detail::sentence{"an output of scores; the network's last layer makes penalties, the lowest the best"}; }
};
/// An output whose lowest number names the class.
struct an_output_of_penalties {
  static constexpr auto text() { return detail::sentence{"an output of penalties; the network's last layer makes scores, the highest the best"}; }
};
/// Targets of the output's shape.
template <int... Extents>
struct targets_of_shape {
  static constexpr auto text() {
    detail::sentence s{"targets of shape "};
    int n = 0;
    ((s.add(n++ == 0 ? "" : "x").add(Extents)), ...);
    return s;
  }
};
/// All that a loss has to offer.
struct all_of_a_loss {
  static constexpr auto text() { return detail::sentence{"all that the concept typenet::loss asks for"}; }
};

}  // namespace needs

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
