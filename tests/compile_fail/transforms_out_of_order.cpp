// SPDX-License-Identifier: MIT
// A fixed transform after a random transform.
//
// expect: typenet::transform_error<typenet::pad<9, 9>, typenet::needs::fixed_then_random_then_last>
// expect[c++26]: typenet: pad<9, 9> needs its place in the order: fixed transforms such as resize, then random ones, then one such as normalize
#include <typenet/data/transforms.hpp>

namespace tn = typenet;

tn::index prepare(const tn::image_dataset<tn::shape{1, 8, 8}, 2>& images) {
#ifdef TYPENET_ILL_FORMED
  const auto set = tn::transformed(images, tn::random_roll{1}, tn::pad<9, 9>{});
#else
  const auto set = tn::transformed(images, tn::pad<9, 9>{}, tn::random_roll{1});
#endif
  return set.size();
}
