// SPDX-License-Identifier: MIT
// Losses against PyTorch: their values and their gradients, in lanes and one number at a time.
#include <doctest/doctest.h>

#include <vector>

#include <typenet/typenet.hpp>

#include "golden.hpp"

namespace tn = typenet;

namespace {

/// Runs a loss on a batch laid out in lanes, as a backend does.
template <class Pack, int Lanes, tn::shape Out, class Loss>
void check(const golden::loss_case& expected, const Loss& loss) {
  using scalar = tn::lane::scalar_t<Pack>;
  constexpr int width = tn::lane::width<Pack>;
  const int groups = (expected.batch + Lanes - 1) / Lanes;
  const std::size_t size = static_cast<std::size_t>(groups) * Lanes * Out.size();
  // Packs are aligned to 64 bytes.
  typename tn::eigen_backend<scalar>::array output{static_cast<tn::index>(size)}, gradient{static_cast<tn::index>(size)},
      targets{static_cast<tn::index>(size)}, labels{groups * Lanes}, losses{groups * Lanes};
  const auto place = [&](int sample, int k) { return (tn::index{sample / Lanes} * Out.size() + k) * Lanes + sample % Lanes; };
  for (int s = 0; s < expected.batch; ++s) {
    for (int k = 0; k < Out.size(); ++k) {
      const auto i = static_cast<std::size_t>(s * Out.size() + k);
      output.data()[place(s, k)] = static_cast<scalar>(expected.prediction[i]);
      if (!expected.targets.empty()) targets.data()[place(s, k)] = static_cast<scalar>(expected.targets[i]);
    }
    if (!expected.labels.empty()) labels.data()[s] = static_cast<scalar>(expected.labels[static_cast<std::size_t>(s)]);
  }
  const tn::lane_view<const scalar, Lanes> out{output.data(), tn::index{Out.size()} * Lanes};
  const tn::lane_view<scalar, Lanes> grad{gradient.data(), tn::index{Out.size()} * Lanes};
  const tn::lane_view<const scalar, Lanes> dense{targets.data(), tn::index{Out.size()} * Lanes};
  const auto scale = static_cast<scalar>(1.0 / expected.batch);
  for (tn::index b = 0; b < groups * Lanes / width; ++b) {
    Pack each;
    if (expected.labels.empty()) {
      each = loss.template operator()<Pack, Lanes, Out>(
          out.template block<Pack>(b), tn::dense_target<Pack, Lanes>{dense.template block<Pack>(b)}, grad.template block<Pack>(b), scale);
    } else {
      each = loss.template operator()<Pack, Lanes, Out>(out.template block<Pack>(b),
                                                        tn::class_target<Pack>{tn::lane::load<Pack>(labels.data() + b * width)},
                                                        grad.template block<Pack>(b), scale);
    }
    tn::lane::store<Pack>(losses.data() + b * width, each);
  }
  double mean = 0;
  std::vector<double> gradients;
  for (int s = 0; s < expected.batch; ++s) {
    mean += static_cast<double>(losses.data()[s]) / expected.batch;
    for (int k = 0; k < Out.size(); ++k) gradients.push_back(static_cast<double>(gradient.data()[place(s, k)]));
  }
  const auto tolerance = golden::tolerance_for<scalar>;
  CHECK(golden::difference(mean, expected.value, tolerance) == "");
  CHECK(golden::difference(gradients, expected.grad_prediction, tolerance) == "");
}

template <tn::shape Out, class Loss>
void check_everywhere(const char* name, const Loss& loss) {
  CAPTURE(name);
  const golden::loss_case& expected = golden::loss(name);
  check<typename tn::eigen_backend<double>::pack, 16, Out>(expected, loss);
  check<typename tn::eigen_backend<float>::pack, 16, Out>(expected, loss);
  check<double, 4, Out>(expected, loss);
}

}  // namespace

TEST_CASE("mse as in PyTorch") {
  check_everywhere<tn::shape{4}>("mse_labels", tn::mse{});
  check_everywhere<tn::shape{10}>("mse_labels_batch_17", tn::mse{});
  check_everywhere<tn::shape{6}>("mse_dense", tn::mse{});
  check_everywhere<tn::shape{2, 3, 4}>("mse_dense_images", tn::mse{});
}

TEST_CASE("cross_entropy as in PyTorch") {
  const auto classes = [](const char* name) { return golden::loss(name).shape.at(0); };
  for (const char* name : {"cross_entropy", "cross_entropy_batch_17", "cross_entropy_large_logits"}) {
    for (const bool smoothed : {false, true}) {
      const std::string full = smoothed ? (std::string{name} == "cross_entropy" ? "cross_entropy_smoothed"
                                                                                : "cross_entropy_smoothed" + std::string{name}.substr(13))
                                        : std::string{name};
      const tn::cross_entropy loss{.label_smoothing = smoothed ? 0.1 : 0.0};
      switch (classes(full.c_str())) {
        case 3: check_everywhere<tn::shape{3}>(full.c_str(), loss); break;
        case 4: check_everywhere<tn::shape{4}>(full.c_str(), loss); break;
        case 5: check_everywhere<tn::shape{5}>(full.c_str(), loss); break;
        case 6: check_everywhere<tn::shape{6}>(full.c_str(), loss); break;
        case 10: check_everywhere<tn::shape{10}>(full.c_str(), loss); break;
        default: FAIL("a golden case of " << classes(full.c_str()) << " classes, which this test does not know");
      }
    }
  }
}
