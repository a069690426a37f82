// SPDX-License-Identifier: MIT
// An evaluation on a type that is no data set: it has no labels.
//
// expect: typenet::dataset_error<counting, typenet::needs::all_of_a_dataset ?>
// expect[c++26]: typenet: counting needs all that the concept typenet::dataset asks for
#include <span>

#include <typenet/typenet.hpp>

namespace tn = typenet;

using network = tn::network<tn::input<4>, tn::linear<2>>;

struct counting {
  static constexpr tn::shape sample_shape{4};
  static constexpr int classes = 2;
  [[nodiscard]] tn::index size() const { return 10; }
  void read(tn::index i, const tn::sample_key& /*key*/, std::span<float> out) const { out[0] = static_cast<float>(i); }
#ifndef TYPENET_ILL_FORMED
  [[nodiscard]] int label(tn::index i) const { return static_cast<int>(i % 2); }
#endif
};

double test(tn::model<network>& model, const counting& data) { return tn::evaluate(model, data).accuracy; }
