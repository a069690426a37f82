// SPDX-License-Identifier: MIT
// Data sets of noisy LeNet-5 codes and a network that finds the nearest code. On every backend the lowest output is the class.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

#include <typenet/typenet.hpp>

namespace penalties {

namespace tn = typenet;

/// An identity layer that marks its outputs as penalties.
struct as_penalties : tn::elementwise<as_penalties, tn::differentiates_from::input> {
  static constexpr tn::best_score best_output = tn::best_score::lowest;
  template <class Pack>
  TYPENET_HD TYPENET_INLINE static Pack apply(const Pack& x) {
    return x;
  }
  template <class Pack>
  TYPENET_HD TYPENET_INLINE static Pack derivative(const Pack&) {
    return 1;
  }
};

using digits_set = tn::tensor_dataset<tn::shape{84}, 10>;
/// Squared distances to the codes, after a linear layer that a test sets to the identity.
using nearest_code = tn::network<tn::input<84>, tn::linear<84, tn::bias<false>>, tn::euclidean_rbf<tn::lenet5_codes>>;

/// Returns the codes with noise of up to `noise` in each number.
inline digits_set digits(int count, std::uint32_t tag, float noise) {
  std::vector<float> values;
  std::vector<int> labels;
  tn::random_sequence random{tn::counter_rng{tn::seed{11}, tn::random_stream::user}, 0, tag};
  for (int i = 0; i < count; ++i) {
    const int label = static_cast<int>(random.below(10));
    labels.push_back(label);
    for (int j = 0; j < 84; ++j) values.push_back(static_cast<float>(tn::lenet5_codes.at(label, j)) + random.uniform(-noise, noise));
  }
  return digits_set{std::move(values), std::move(labels)};
}

/// Compares evaluation with a loss and without, and the accuracy of an epoch, with plain loops.
template <class Backend>
void check() {
  constexpr int count = 150;
  const digits_set data = digits(count, 1, 7);
  double loss = 0;
  std::vector<int> predicted;
  std::vector<tn::index> ranks(10);
  for (int i = 0; i < count; ++i) {
    std::vector<float> x(84);
    data.read(i, tn::sample_key::evaluation(), x);
    std::array<double, 10> distance{};
    for (int k = 0; k < 10; ++k)
      for (int j = 0; j < 84; ++j) {
        const double d = static_cast<double>(x[static_cast<std::size_t>(j)]) - tn::lenet5_codes.at(k, j);
        distance[static_cast<std::size_t>(k)] += d * d;
      }
    const double own = distance[static_cast<std::size_t>(data.label(i))];
    loss += own / count;
    predicted.push_back(static_cast<int>(std::min_element(distance.begin(), distance.end()) - distance.begin()));
    ++ranks[static_cast<std::size_t>(std::count_if(distance.begin(), distance.end(), [&](double d) { return d < own; }))];
  }
  const double accuracy = static_cast<double>(ranks[0]) / count;
  REQUIRE(accuracy > 0.3);
  REQUIRE(accuracy < 0.9);

  tn::model<nearest_code, Backend> model;
  std::vector<typename Backend::scalar> identity(84 * 84);
  for (std::size_t j = 0; j < 84; ++j) identity[85 * j] = 1;
  model.set_parameter("0.weight", identity);
  for (const bool with_loss : {true, false}) {
    CAPTURE(with_loss);
    const tn::report r = with_loss ? tn::evaluate(model, data, tn::rbf_mse{}) : tn::evaluate(model, data);
    CHECK(r.predicted == predicted);
    CHECK(r.ranks == ranks);
    CHECK(r.accuracy == accuracy);
    CHECK(r.top_k(2) == static_cast<double>(ranks[0] + ranks[1]) / count);
    if (with_loss) CHECK(r.loss == doctest::Approx(loss).epsilon(1e-5));
  }
  const tn::history past = tn::fit(model, data, tn::rbf_mse{}, tn::sgd{.learning_rate = 0}, {.batch_size = 40, .threads = 1});
  CHECK(past.epochs.back().accuracy == accuracy);
  CHECK(past.epochs.back().loss == doctest::Approx(loss).epsilon(1e-5));
}

}  // namespace penalties
