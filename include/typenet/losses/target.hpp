// SPDX-License-Identifier: MIT
/// @file
/// Targets: the right answers of a batch, as a loss reads them, and the checks of outputs against them.
#pragma once

#include <typenet/core/config.hpp>
#include <typenet/core/diagnostics.hpp>
#include <typenet/core/sentence.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet {

/// The targets of one pack of samples that each have a class.
template <class Pack>
struct class_target {
  static constexpr bool is_class = true;
  Pack label;  ///< the number of each sample's class, from 0
  /// The target of output k: 1 where k is the class, 0 otherwise.
  [[nodiscard]] TYPENET_HD TYPENET_INLINE Pack at(int k) const { return lane::select(lane::equal(label, k), Pack(1), Pack(0)); }
};

/// The targets of one pack of samples that have a number for each output.
template <class Pack, int Lanes>
struct dense_target {
  static constexpr bool is_class = false;
  const lane::scalar_t<Pack>* values;  ///< `[output][lane]`, aligned to the pack
  /// The target of output k.
  [[nodiscard]] TYPENET_HD TYPENET_INLINE Pack at(int k) const { return lane::load<Pack>(values + index{k} * Lanes); }
};

/// The kind of targets that are class numbers below `Classes`.
template <int Classes>
struct class_targets {
  static constexpr bool is_class = true;
  static constexpr int classes = Classes;
};
/// The kind of targets that are values of shape `Values`.
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
  static constexpr auto text() {
    return detail::sentence{"an output of scores; the network's last layer makes penalties, the lowest the best"};
  }
};
/// An output whose lowest number names the class.
struct an_output_of_penalties {
  static constexpr auto text() {
    return detail::sentence{"an output of penalties; the network's last layer makes scores, the highest the best"};
  }
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
/// All members that the concept `loss` asks for.
struct all_of_a_loss {
  static constexpr auto text() { return detail::sentence{"all that the concept typenet::loss asks for"}; }
};

}  // namespace needs

namespace detail {

/// The answer of `check` of a loss over classes: `accepted` where the output is a vector and the targets are class numbers, or
/// probabilities, for each element of it.
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
