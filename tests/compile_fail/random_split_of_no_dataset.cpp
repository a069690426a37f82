// SPDX-License-Identifier: MIT
// A random split of a type that is no data set: it has no labels.
//
// expect: typenet::dataset_error<counting, typenet::needs::all_of_a_dataset>
// expect[c++26]: typenet: counting needs all that the concept typenet::dataset asks for
#include <typenet/data/split.hpp>

namespace tn = typenet;

struct counting {
  static constexpr tn::shape sample_shape{1};
  static constexpr int classes = 2;
  [[nodiscard]] tn::index size() const { return 10; }
  void read(tn::index i, const tn::sample_key& /*key*/, std::span<float> out) const { out[0] = static_cast<float>(i); }
#ifndef TYPENET_ILL_FORMED
  [[nodiscard]] int label(tn::index i) const { return static_cast<int>(i % 2); }
#endif
};

tn::index split(const counting& data) {
  const auto [train, validation] = tn::random_split(data, {8, 2}, tn::seed{42});
  return train.size() + validation.size();
}
