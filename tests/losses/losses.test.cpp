// SPDX-License-Identifier: MIT
// Compares the values and gradients of losses with PyTorch, in lanes and for single numbers.
#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include <typenet/typenet.hpp>

#include "golden.hpp"

namespace tn = typenet;

namespace {

/// Runs a loss on a batch in lanes, as a backend does.
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
      each = loss.template operator()<Pack, Lanes, Out>(tn::lane::block<Pack>(out, b),
                                                        tn::dense_target<Pack, Lanes>{tn::lane::block<Pack>(dense, b)},
                                                        tn::lane::block<Pack>(grad, b), scale);
    } else {
      each = loss.template operator()<Pack, Lanes, Out>(tn::lane::block<Pack>(out, b),
                                                        tn::class_target<Pack>{tn::lane::load<Pack>(labels.data() + b * width)},
                                                        tn::lane::block<Pack>(grad, b), scale);
    }
    tn::lane::store(losses.data() + b * width, each);
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

TEST_CASE("cross_entropy of dense targets of any sum") {
  check_everywhere<tn::shape{4}>("cross_entropy_dense", tn::cross_entropy{});
  check_everywhere<tn::shape{4}>("cross_entropy_smoothed_dense", tn::cross_entropy{.label_smoothing = 0.1});
  // linear<3> with weights 1 to 9 and biases 0.1, 0.2, 0.3; PyTorch 1.13 gives 1.99354211.
  golden::loss_case expected;
  expected.batch = 2;
  expected.prediction = {1.5, 3.4, 5.3, 0.8, 2.1, 3.4};
  expected.targets = {0.5, 0.5, 0.5, 0.2, 0.2, 0};
  expected.value = 1.99354211;
  for (std::size_t s = 0; s < 2; ++s) {
    double all = 0, total = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      all += std::exp(expected.prediction[3 * s + k]);
      total += expected.targets[3 * s + k];
    }
    for (std::size_t k = 0; k < 3; ++k)
      expected.grad_prediction.push_back((std::exp(expected.prediction[3 * s + k]) / all * total - expected.targets[3 * s + k]) / 2);
  }
  check<typename tn::eigen_backend<float>::pack, 16, tn::shape{3}>(expected, tn::cross_entropy{});
}

TEST_CASE("losses of regression and of separate answers as in PyTorch") {
  check_everywhere<tn::shape{6}>("l1", tn::l1{});
  check_everywhere<tn::shape{6}>("huber", tn::huber{.delta = 0.75});
  check_everywhere<tn::shape{6}>("smooth_l1", tn::smooth_l1{.beta = 0.75});
  check_everywhere<tn::shape{4}>("bce_with_logits", tn::bce_with_logits{});
  check_everywhere<tn::shape{6}>("bce_with_logits_weighted", tn::bce_with_logits{.positive_weight = 3});
  check_everywhere<tn::shape{4}>("nll", tn::nll{});
  check_everywhere<tn::shape{4}>("kl_divergence", tn::kl_divergence{});
}

TEST_CASE("rbf_mse and rbf_map as in PyTorch") {
  check_everywhere<tn::shape{4}>("rbf_mse", tn::rbf_mse{});
  check_everywhere<tn::shape{10}>("rbf_mse_batch_17", tn::rbf_mse{});
  check_everywhere<tn::shape{4}>("rbf_map", tn::rbf_map{});
  check_everywhere<tn::shape{10}>("rbf_map_batch_17", tn::rbf_map{.j = 3});
  check_everywhere<tn::shape{3}>("rbf_map_large_penalties", tn::rbf_map{.j = 20});
}

namespace {

/// The loss of one sample, with its gradient and its curvature.
template <class Scalar, std::size_t Count>
struct one_loss {
  double value;
  std::array<Scalar, Count> gradient, curvature;
};
template <class Loss, class Scalar, std::size_t Count>
one_loss<Scalar, Count> loss_of(const Loss& loss, const std::array<Scalar, Count>& y, int label, Scalar scale = 1) {
  one_loss<Scalar, Count> r{};
  const tn::class_target<Scalar> target{static_cast<Scalar>(label)};
  constexpr tn::shape out{static_cast<int>(Count)};
  r.value = static_cast<double>(loss.template operator()<Scalar, 1, out>(y.data(), target, r.gradient.data(), scale));
  loss.template curvature<Scalar, 1, out>(y.data(), target, r.curvature.data(), scale);
  return r;
}

/// Compares the gradient with central differences of the loss, and the curvature with central differences of the gradient.
template <class Loss, std::size_t Count>
void check_derivatives(const Loss& loss, const std::array<double, Count>& y, int label) {
  constexpr double step = 1e-5;
  const auto here = loss_of(loss, y, label);
  for (std::size_t k = 0; k < Count; ++k) {
    auto above = y, below = y;
    above[k] += step;
    below[k] -= step;
    const auto up = loss_of(loss, above, label), down = loss_of(loss, below, label);
    CHECK(std::abs((up.value - down.value) / (2 * step) - here.gradient[k]) < 1e-8);
    CHECK(std::abs((up.gradient[k] - down.gradient[k]) / (2 * step) - here.curvature[k]) < 1e-8);
  }
}

}  // namespace

TEST_CASE("mse with other levels than 0 and 1") {
  const auto loss = loss_of(tn::mse{.on = 1, .off = -1}, std::array<double, 3>{0.5, -0.5, 0}, 0);
  CHECK(loss.value == doctest::Approx(1.5 / 3));
  CHECK(loss.gradient == std::array<double, 3>{2.0 / 3 * -0.5, 2.0 / 3 * 0.5, 2.0 / 3});
}

TEST_CASE("rbf_mse and rbf_map by hand") {
  const std::array<double, 3> y{1, 2, 4};
  CHECK(loss_of(tn::rbf_mse{}, y, 1).value == 2);
  CHECK(loss_of(tn::rbf_mse{}, y, 2).gradient == std::array<double, 3>{0, 0, 1});
  CHECK(loss_of(tn::rbf_mse{}, y, 2, 0.25).gradient == std::array<double, 3>{0, 0, 0.25});
  // The sum e^-1 + e^-1 + e^-2 + e^-4. The first term is for j = 1.
  const double sum = 0.367879441171442 + 0.367879441171442 + 0.135335283236613 + 0.0183156388887342;
  const auto map = loss_of(tn::rbf_map{}, y, 1);
  CHECK(map.value == doctest::Approx(2 + std::log(sum)).epsilon(1e-13));
  CHECK(map.gradient[0] == doctest::Approx(-0.367879441171442 / sum).epsilon(1e-13));
  CHECK(map.gradient[1] == doctest::Approx(1 - 0.135335283236613 / sum).epsilon(1e-13));
  CHECK(loss_of(tn::rbf_map{.j = 50}, y, 1).value == doctest::Approx(2 + std::log(sum - 0.367879441171442)).epsilon(1e-13));
}

TEST_CASE("rbf_mse and rbf_map differentiated") {
  const std::array<double, 4> y{0.3, 2.1, 1.7, 5};
  for (int label = 0; label < 4; ++label) {
    check_derivatives(tn::rbf_mse{}, y, label);
    for (const double j : {0.5, 2.0, 50.0}) check_derivatives(tn::rbf_map{.j = j}, y, label);
  }
}

TEST_CASE("rbf_map of distant inputs overflows nowhere") {
  for (const float far : {1e3f, 1e6f}) {
    const auto r = loss_of(tn::rbf_map{.j = 20}, std::array<float, 3>{far, 2 * far, 3 * far}, 1);
    // j is the lowest penalty: the loss is y_D - j.
    CHECK(r.value == doctest::Approx(2 * static_cast<double>(far) - 20));
    CHECK(r.gradient == std::array<float, 3>{0, 1, 0});
  }
  const auto near = loss_of(tn::rbf_map{.j = 1e6}, std::array<float, 3>{100, 200, 300}, 1);
  CHECK(near.value == doctest::Approx(100));
  CHECK(near.gradient == std::array<float, 3>{-1, 1, 0});
}
