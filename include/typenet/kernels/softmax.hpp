// SPDX-License-Identifier: MIT
/// @file
/// The softmax of one vector of scores or penalties per lane, as pieces that the layer `softmax` and the losses are made of; and the passes
/// of the layer.
#pragma once

#include <typenet/core/config.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/layer/tensor_spec.hpp>
#include <typenet/simd/lane_view.hpp>
#include <typenet/simd/loops.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet::detail {

/// The denominator of a softmax, scaled so that nothing overflows. Values are scores s, with probabilities e^s / Σ e^s, or penalties y,
/// with probabilities e^−y / Σ e^−y.
/// @tparam Best which value is the most probable: the highest (scores) or the lowest (penalties)
template <class Pack, best_score Best = best_score::highest>
struct softmax_denominator {
  Pack best;  ///< the most probable value
  Pack sum;   ///< the sum of exp(exponent) over all values, at least 1

  /// The logarithm of a value's probability relative to that of `best`: 0 or below.
  [[nodiscard]] TYPENET_HD TYPENET_INLINE Pack exponent(const Pack& value) const {
    return Best == best_score::highest ? value - best : best - value;
  }
  /// The probability of a value.
  /// @param inverse 1 / `sum`
  [[nodiscard]] TYPENET_HD TYPENET_INLINE Pack probability(const Pack& value, const Pack& inverse) const {
    return lane::exp(exponent(value)) * inverse;
  }
};

/// The more probable of two values.
template <best_score Best, class Pack>
TYPENET_HD TYPENET_INLINE Pack better_of(const Pack& a, const Pack& b) {
  return Best == best_score::highest ? lane::max(a, b) : lane::min(a, b);
}

/// Adds the exponentials of `count` values to `denominator.sum`, whose `best` is final. Calls `visit(k, exponent, exponential)` for each
/// value in order.
/// @param values value k at `k * stride`, one pack wide
/// @param stride distance between values, in scalars
template <class Pack, best_score Best, class Visit>
TYPENET_HD TYPENET_INLINE void add_exponentials(const lane::scalar_t<Pack>* values, int count, index stride,
                                                softmax_denominator<Pack, Best>& denominator, const Visit& visit) {
  for (int k = 0; k < count; ++k) {
    const Pack exponent = denominator.exponent(lane::load<Pack>(values + k * stride));
    const Pack exponential = lane::exp(exponent);
    visit(k, exponent, exponential);
    denominator.sum = denominator.sum + exponential;
  }
}

/// The denominator of the softmax of `count` scores. Calls `visit(k, exponent, exponential)` for each score in order.
/// @param scores score k at `k * stride`, one pack wide
/// @param stride distance between scores, in scalars
template <class Pack, class Visit>
TYPENET_HD TYPENET_INLINE softmax_denominator<Pack> softmax_of(const lane::scalar_t<Pack>* scores, int count, index stride,
                                                               const Visit& visit) {
  softmax_denominator<Pack> denominator{lane::load<Pack>(scores), Pack(0)};
  for (int k = 1; k < count; ++k)
    denominator.best = better_of<best_score::highest>(denominator.best, lane::load<Pack>(scores + k * stride));
  add_exponentials(scores, count, stride, denominator, visit);
  return denominator;
}

/// The denominator of the softmax of `count` penalties and of one further penalty, `constant`, which comes first. Calls
/// `visit(k, exponent, exponential)` for each of the `count` in order.
/// @param penalties penalty k at `k * stride`, one pack wide
/// @param stride distance between penalties, in scalars
template <class Pack, class Visit>
TYPENET_HD TYPENET_INLINE softmax_denominator<Pack, best_score::lowest> softmax_of_penalties(const lane::scalar_t<Pack>* penalties,
                                                                                             int count, index stride, const Pack& constant,
                                                                                             const Visit& visit) {
  softmax_denominator<Pack, best_score::lowest> denominator{constant, Pack(0)};
  for (int k = 0; k < count; ++k)
    denominator.best = better_of<best_score::lowest>(denominator.best, lane::load<Pack>(penalties + k * stride));
  denominator.sum = lane::exp(denominator.exponent(constant));
  add_exponentials(penalties, count, stride, denominator, visit);
  return denominator;
}

/// A visitor that does nothing.
struct visit_none {
  template <class Pack>
  TYPENET_HD TYPENET_INLINE void operator()(int /*k*/, const Pack& /*exponent*/, const Pack& /*exponential*/) const {}
};

/// Writes p (1 − p) times `scale` for each probability p of a softmax: the second derivatives of its logarithm by the values.
/// @param values value k at `k * stride`, one pack wide
/// @param to result k at `k * stride`
/// @param scale a factor for each sample of the pack
template <class Pack, best_score Best>
TYPENET_HD TYPENET_INLINE void write_softmax_curvature(const lane::scalar_t<Pack>* values, int count, index stride,
                                                       const softmax_denominator<Pack, Best>& denominator, lane::scalar_t<Pack>* to,
                                                       const Pack& scale) {
  const Pack one = 1, inverse = one / denominator.sum;
  for (int k = 0; k < count; ++k) {
    const Pack p = denominator.probability(lane::load<Pack>(values + k * stride), inverse);
    lane::store(to + k * stride, p * (one - p) * scale);
  }
}

/// The passes of `softmax`. A work item is one position of one block.
template <shape In>
struct softmax_kernel {
  template <class Exec, class Data>
  TYPENET_HD static void forward(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    using scalar = typename Exec::scalar;
    constexpr index stride = index{In.area()} * Exec::lanes;
    exec.for_each(exec.blocks() * In.area(), [=] TYPENET_HD(index item) {
      const index block = item / In.area();
      const index position = item % In.area() * Exec::lanes;
      const scalar* x = lane::block<pack>(data.input, block) + position;
      scalar* y = lane::block<pack>(data.output, block) + position;
      const auto denominator = softmax_of<pack>(x, In.channels(), stride,
                                                [&](int c, const pack&, const pack& exponential)
                                                    TYPENET_LAMBDA_INLINE { lane::store(y + c * stride, exponential); });
      const pack scale = 1 / denominator.sum;
      for (int c = 0; c < In.channels(); ++c) lane::store(y + c * stride, lane::load<pack>(y + c * stride) * scale);
    });
  }

  /// dx_c = y_c (dy_c − Σ y dy)
  template <bool Accumulate, class Exec, class Data>
  TYPENET_HD static void backward_input(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    using scalar = typename Exec::scalar;
    constexpr index stride = index{In.area()} * Exec::lanes;
    exec.for_each(exec.blocks() * In.area(), [=] TYPENET_HD(index item) {
      const index block = item / In.area();
      const index position = item % In.area() * Exec::lanes;
      const scalar* y = lane::block<pack>(data.output, block) + position;
      const scalar* g = lane::block<pack>(data.output_gradient, block) + position;
      scalar* to = lane::block<pack>(data.input_gradient, block) + position;
      pack dot = 0;
      for (int c = 0; c < In.channels(); ++c) dot = lane::fma(lane::load<pack>(y + c * stride), lane::load<pack>(g + c * stride), dot);
      for (int c = 0; c < In.channels(); ++c)
        lane::store_or_add<Accumulate>(to + c * stride, lane::load<pack>(y + c * stride) * (lane::load<pack>(g + c * stride) - dot));
    });
  }
};

}  // namespace typenet::detail
