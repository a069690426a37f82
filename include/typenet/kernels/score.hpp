// SPDX-License-Identifier: MIT
/// @file
/// Which class scores best, and where the true one stands.
#pragma once

#include <typenet/layer/layer.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet::detail {

/// Whether a comes before b in the order of scores; NaN counts as lower than any number. 1 or 0 in each lane.
template <class Pack>
TYPENET_HD TYPENET_INLINE Pack scores_higher(const Pack& a, const Pack& b) {
  const Pack one = 1, zero = 0;
  const Pack where_b_is_nan = lane::select(lane::equal(a, a), one, zero);
  return lane::select(lane::equal(b, b), lane::select(lane::greater(a, b), one, zero), where_b_is_nan);
}

/// An output as a score: a penalty with its sign turned.
template <best_score Best, class Pack>
TYPENET_HD TYPENET_INLINE Pack load_score(const lane::scalar_t<Pack>* from) {
  const Pack y = lane::load<Pack>(from);
  return Best == best_score::highest ? y : 0 - y;
}

/// The class of the highest score, and how many classes come before the true one: those that score higher, and those before it that
/// score the same.
template <class Pack>
struct score {
  Pack predicted, rank;
};
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
