// SPDX-License-Identifier: MIT
// A user-defined transform without `apply`.
//
// expect: typenet::transform_error<random_invert, typenet::needs::all_of_a_transform>
// expect[c++26]: typenet: random_invert needs all that the concept typenet::transform asks for
#include <typenet/data/transforms.hpp>

namespace tn = typenet;

struct random_invert {
  static constexpr auto kind = tn::transform_kind::random;

#ifndef TYPENET_ILL_FORMED
  template <tn::shape In>
  void apply(tn::augmented_image<In>& image, tn::random_sequence& random) const {
    if (random.below(2) == 1) image.map_levels([](int level) { return static_cast<std::uint8_t>(255 - level); });
  }
#endif
  void check() const {}
};

tn::index prepare(const tn::image_dataset<tn::shape{1, 8, 8}, 2>& images) {
  const auto set = tn::transformed(images, tn::pad<9, 9>{}, random_invert{}, tn::normalize{0.5F, 0.5F});
  return set.size();
}
