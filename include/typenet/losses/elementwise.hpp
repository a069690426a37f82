// SPDX-License-Identifier: MIT
/// @file
/// The parts of losses that are a mean over the outputs: the check of the targets, the loop, and the smoothed absolute difference.
#pragma once

#include <typenet/core/config.hpp>
#include <typenet/core/diagnostics.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/losses/target.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet::detail {

/// The answer of `check` of a loss that compares each output with a number: `accepted` where the targets are numbers of the output's shape,
/// or where they are classes and the output is a vector with an element for each.
template <shape Out, class Targets>
constexpr auto check_elements() {
  if constexpr (Targets::is_class) {
    if constexpr (Out.rank != 1 || Out.size() != Targets::classes)
      return needs::a_vector_of_scores<Targets::classes>{};
    else
      return accepted{};
  } else {
    if constexpr (Out != Targets::values)
      return needs::targets_of_shape<Out[0], Out[1], Out[2]>{};
    else
      return accepted{};
  }
}

/// Returns the mean over the outputs of one pack, and writes its gradient.
/// @tparam Lanes samples side by side in storage
/// @param output `[element][lane]`
/// @param target_of called as `target_of(k)`: the target of output k
/// @param gradient `[element][lane]`; receives ∂mean/∂output times `scale` where it is not null
/// @param add called as `add(x, t, sum)`: `sum` plus the loss of output x for target t
/// @param slope called as `slope(x, t)`: the derivative of that loss by x
template <class Pack, int Lanes, shape Out, class TargetOf, class Add, class Slope>
TYPENET_HD TYPENET_INLINE Pack mean_over_elements(const lane::scalar_t<Pack>* output, const TargetOf& target_of,
                                                  lane::scalar_t<Pack>* gradient, lane::scalar_t<Pack> scale, const Add& add,
                                                  const Slope& slope) {
  const auto share = static_cast<lane::scalar_t<Pack>>(1.0 / Out.size());
  const Pack factor = share * scale;
  Pack sum = 0;
  for (int k = 0; k < Out.size(); ++k) {
    const Pack x = lane::load<Pack>(output + index{k} * Lanes), t = target_of(k);
    sum = add(x, t, sum);
    if (gradient != nullptr) lane::store(gradient + index{k} * Lanes, slope(x, t) * factor);
  }
  return sum * share;
}

/// The loss of a difference d that is quadratic near 0 and linear beyond a threshold: q d² / 2 for |d| <= threshold, and the tangent there
/// beyond. q is the second derivative at 0.
template <class Pack>
struct smoothed_difference {
  Pack threshold, curvature;

  [[nodiscard]] TYPENET_HD TYPENET_INLINE Pack value(const Pack& difference) const {
    const Pack size = lane::abs(difference);
    const Pack near = lane::min(size, threshold);
    return curvature * near * (size - near / 2);
  }
  [[nodiscard]] TYPENET_HD TYPENET_INLINE Pack slope(const Pack& difference) const {
    return curvature * lane::max(lane::min(difference, threshold), 0 - threshold);
  }
};

}  // namespace typenet::detail
