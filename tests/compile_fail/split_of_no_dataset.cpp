// SPDX-License-Identifier: MIT
// A split of a type that is no data set: its size is no tn::index.
//
// expect: typenet::dataset_error<counting, typenet::needs::all_of_a_dataset>
// expect[c++26]: typenet: counting needs all that the concept typenet::dataset asks for
#include <typenet/data/split.hpp>

namespace tn = typenet;

struct counting {
  static constexpr tn::shape sample_shape{1};
  static constexpr int classes = 2;
#ifdef TYPENET_ILL_FORMED
  [[nodiscard]] int size() const { return 10; }
#else
  [[nodiscard]] tn::index size() const { return 10; }
#endif
  void read(tn::index i, const tn::sample_key& /*key*/, std::span<float> out) const { out[0] = static_cast<float>(i); }
  [[nodiscard]] int label(tn::index i) const { return static_cast<int>(i % 2); }
};

tn::index split(const counting& data) {
  const auto [train, held_out] = tn::stratified_split(data, 0.2, tn::seed{42});
  return train.size() + held_out.size();
}
