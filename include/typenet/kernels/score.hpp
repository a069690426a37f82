// SPDX-License-Identifier: MIT
/// @file
/// Scores of classes: the class with the best score, and the rank of the right one.
#pragma once

#include <typenet/core/config.hpp>
#include <typenet/layer/tensor_spec.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet::detail {

/// 1 in each lane where score a is above score b, 0 elsewhere. NaN is below every number.
template <class Pack>
TYPENET_HD TYPENET_INLINE Pack scores_higher(const Pack& a, const Pack& b) {
  const Pack one = 1, zero = 0;
  const Pack where_b_is_nan = lane::select(lane::equal(a, a), one, zero);
  return lane::select(lane::equal(b, b), lane::select(lane::greater(a, b), one, zero), where_b_is_nan);
}

/// Reads one output of each sample as a score. Penalties change their sign.
/// @param from one pack wide, aligned to it
template <best_score Best, class Pack>
TYPENET_HD TYPENET_INLINE Pack load_score(const lane::scalar_t<Pack>* from) {
  const Pack y = lane::load<Pack>(from);
  return Best == best_score::highest ? y : 0 - y;
}

/// The result of `score_of` for one pack of samples.
template <class Pack>
struct score {
  Pack predicted;  ///< the class with the highest score, the first of several
  Pack rank;       ///< number of classes ahead of the right one: those with a higher score, and those before it with an equal score
};
/// Compares the scores of each sample of one pack.
/// @param y the outputs, `[class][lane]`
/// @param label the right class of each sample
template <class Pack, int Lanes, best_score Best = best_score::highest>
TYPENET_HD score<Pack> score_of(const lane::scalar_t<Pack>* y, int classes, const Pack& label) {
  using scalar = lane::scalar_t<Pack>;
  const Pack zero = 0, one = 1;
  Pack own = load_score<Best, Pack>(y);
  for (int k = 1; k < classes; ++k) own = lane::select(lane::equal(label, k), load_score<Best, Pack>(y + index{k} * Lanes), own);
  score<Pack> s{zero, zero};
  Pack best = load_score<Best, Pack>(y);
  for (int k = 0; k < classes; ++k) {
    const Pack here = load_score<Best, Pack>(y + index{k} * Lanes);
    const Pack number = static_cast<scalar>(k);
    const auto better = lane::equal(scores_higher<Pack>(here, best), one);
    best = lane::select(better, here, best);
    s.predicted = lane::select(better, number, s.predicted);
    const Pack before = lane::select(lane::greater(label, number), one - scores_higher<Pack>(own, here), scores_higher<Pack>(here, own));
    s.rank = s.rank + before;
  }
  return s;
}

}  // namespace typenet::detail
