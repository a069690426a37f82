// SPDX-License-Identifier: MIT
// Compares the one-sample backend with the backend that stores one sample in each lane. The one-sample backend puts neighboring numbers of
// one sample in the lanes.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include <typenet/data/dataset.hpp>
#include <typenet/io/checkpoint.hpp>
#include <typenet/typenet.hpp>

#include "network_runner.hpp"

namespace tn = typenet;

namespace {

std::vector<double> numbers(std::size_t count, std::uint32_t tag, double scale = 1) {
  tn::random_sequence random{tn::counter_rng{tn::seed{11}, tn::random_stream::user}, 0, tag};
  std::vector<double> values(count);
  for (double& v : values) v = scale * static_cast<double>(random.uniform(-1, 1));
  return values;
}

/// Results of one forward and one backward pass.
template <class Network, class Backend, bool InPlace = true>
auto outcome(int batch, int threads = 1, bool training = true) {
  testing::network_runner<Network, Backend, InPlace> run{batch};
  for (std::size_t p = 0; p < Network::parameters.size(); ++p)
    run.set_parameter(p, numbers(static_cast<std::size_t>(Network::parameters[p].size()), static_cast<std::uint32_t>(p + 1), 0.3));
  run.set_threads(threads);
  const auto size = [&](const tn::shape& s) { return static_cast<std::size_t>(batch) * static_cast<std::size_t>(s.size()); };
  std::vector<std::vector<double>> all{run.forward(numbers(size(Network::input_shape), 100), batch, training)};
  if (!training) return all;
  all.push_back(run.backward(numbers(size(Network::output_shape), 101)));
  for (std::size_t p = 0; p < Network::parameters.size(); ++p) all.push_back(run.parameter_gradient(p));
  for (std::size_t b = 0; b < Network::buffers.size(); ++b) all.push_back(run.buffer(b));
  return all;
}

/// Returns the largest difference, in units of the largest number of its tensor (at least 1). The result is NaN if a number is NaN.
double difference(const std::vector<std::vector<double>>& a, const std::vector<std::vector<double>>& b) {
  double worst = a.size() == b.size() ? 0 : std::numeric_limits<double>::infinity();
  for (std::size_t t = 0; t < a.size() && t < b.size(); ++t) {
    double largest = 1, apart = a[t].size() == b[t].size() ? 0 : std::numeric_limits<double>::infinity();
    for (const double x : b[t]) largest = std::max(largest, std::abs(x));
    for (std::size_t i = 0; i < a[t].size() && i < b[t].size(); ++i) {
      if (std::isnan(a[t][i]) || std::isnan(b[t][i])) return std::numeric_limits<double>::quiet_NaN();
      apart = std::max(apart, std::abs(a[t][i] - b[t][i]));
    }
    worst = std::max(worst, apart / largest);
  }
  return worst;
}

/// Compares the one-sample backend in single precision with the batched backend in double precision.
template <class... Layers>
void check_agreement() {
  using network = tn::network<Layers...>;
  for (const int batch : {1, 3})
    CHECK(difference(outcome<network, tn::cpu_single>(batch), outcome<network, tn::eigen_backend<double>>(batch)) < 2e-5);
}

template <int Width>
void check_widths() {
  CAPTURE(Width);
  // Convolutions with and without padding. Rows end inside a SIMD vector or at its end.
  check_agreement<tn::input<2, 5, Width + 4>, tn::conv2d<3, 1>, tn::conv2d<6, 5>>();
  check_agreement<tn::input<1, 4, Width>, tn::conv2d<4, tn::kernel<3, 5>, tn::padding<1, 2>>,
                  tn::conv2d<2, 3, tn::padding<1>, tn::groups<2>, tn::bias<false>>, tn::batch_norm<>, tn::tanh>();
  check_agreement<tn::input<Width>, tn::linear<Width>, tn::sigmoid, tn::linear<7>, tn::gaussian_rbf<3>>();
}

constexpr tn::connection_table<3, 2> table{{{1, 0}, {0, 1}, {1, 0}}};

// A network with a residual, a concatenation, and a value that two operations read.
using everything =
    tn::network<tn::input<2, 13, 11>, tn::conv2d<6, 3, tn::padding<1>>, tn::batch_norm<>, tn::relu,
                tn::residual<tn::conv2d<6, 3, tn::padding<1>>, tn::group_norm<2>, tn::gelu>, tn::max_pool2d<2>,
                tn::concat<tn::conv2d<4, 1>, tn::sequential<tn::avg_pool2d<3, tn::stride<1>, tn::padding<1>>, tn::scaled_tanh>>,
                tn::conv2d<8, tn::kernel<6, 5>>, tn::flatten, tn::dropout<0.2>, tn::linear<30>, tn::leaky_relu<>,
                tn::residual<tn::linear<30>>, tn::linear<12>, tn::batch_norm<>, tn::gaussian_rbf<10>>;

using small = tn::network<tn::input<1, 12, 12>, tn::conv2d<4, 5>, tn::scaled_tanh, tn::avg_pool2d<2>, tn::conv2d<9, 4>, tn::tanh,
                          tn::flatten, tn::linear<10>>;
using data_set = tn::tensor_dataset<tn::shape{1, 12, 12}, 10>;

data_set samples(int count) {
  std::vector<float> images;
  for (const double v : numbers(static_cast<std::size_t>(count) * 144, 7)) images.push_back(static_cast<float>(v));
  std::vector<int> labels;
  for (int i = 0; i < count; ++i) labels.push_back(i * 7 % 10);
  return {images, labels};
}

template <class Backend>
auto trained(int batch, int threads = 1, int epochs = 2) {
  tn::model<small, Backend> model{tn::seed{3}};
  tn::fit(model, samples(60), tn::cross_entropy{}, tn::sgd{.learning_rate = 0.05, .momentum = 0.9},
          {.epochs = epochs, .batch_size = batch, .threads = threads});
  return model;
}
template <class Model>
std::vector<std::vector<double>> parameters_of(const Model& model) {
  std::vector<std::vector<double>> all;
  for (const auto& info : Model::network::parameters) {
    const auto values = model.parameter(info.name.view());
    all.emplace_back(values.begin(), values.end());
  }
  return all;
}

}  // namespace

static_assert(tn::cpu::lanes == 16 && tn::cpu_single::lanes == 1);
static_assert(std::is_same_v<tn::cpu_single::pack, float>);
static_assert(tn::one_sample_execution<tn::cpu_single::execution> && !tn::one_sample_execution<tn::cpu::execution>);
static_assert(tn::model<small, tn::cpu_single>::batch == 1);
// Linear layers need no scratch memory. A convolution whose kernel covers its input needs none either.
static_assert(tn::detail::executor_for<tn::network<tn::input<400>, tn::linear<10>>, tn::cpu_single>::scratch_size(32) == 0);
static_assert(tn::detail::executor_for<tn::network<tn::input<16, 5, 5>, tn::conv2d<120, 5>>, tn::cpu_single>::scratch_size(32) == 0);

TEST_CASE("widths that fill a register, and do not") {
  check_widths<1>();
  check_widths<5>();
  check_widths<10>();
  check_widths<15>();
  check_widths<16>();
  check_widths<17>();
  check_widths<28>();
  check_widths<33>();
}

TEST_CASE("convolutions of every kind agree") {
  SUBCASE("more padding than taps") { check_agreement<tn::input<2, 4, 3>, tn::conv2d<3, 2, tn::padding<3>>>(); }
  SUBCASE("many rows") { check_agreement<tn::input<2, 61, 21>, tn::conv2d<5, 3>>(); }
  SUBCASE("rows longer than a work item") { check_agreement<tn::input<1, 3, 600>, tn::conv2d<2, 3>>(); }
  SUBCASE("many channels") { check_agreement<tn::input<20, 6, 6>, tn::conv2d<32, 3, tn::padding<1>>>(); }
  SUBCASE("a table") { check_agreement<tn::input<3, 7, 9>, tn::conv2d<2, 3, tn::connections<table>>>(); }
  SUBCASE("a table that sees all") { check_agreement<tn::input<3, 3, 3>, tn::conv2d<2, 3, tn::connections<table>>, tn::tanh>(); }
  SUBCASE("a window that sees all") { check_agreement<tn::input<3, 4, 5>, tn::conv2d<7, tn::kernel<4, 5>>, tn::tanh>(); }
  SUBCASE("strides") { check_agreement<tn::input<2, 9, 9>, tn::conv2d<4, 3, tn::stride<2>, tn::padding<1>>>(); }
  SUBCASE("dilations") { check_agreement<tn::input<2, 9, 9>, tn::conv2d<4, 3, tn::dilation<2>>>(); }
}

TEST_CASE("a network of every layer agrees") {
  for (const int batch : {1, 2, 19}) {
    CAPTURE(batch);
    CHECK(difference(outcome<everything, tn::eigen_backend<double, 1>>(batch), outcome<everything, tn::eigen_backend<double>>(batch)) <
          1e-10);
  }
  CHECK(difference(outcome<everything, tn::eigen_backend<double, 1>, false>(3), outcome<everything, tn::eigen_backend<double, 1>>(3)) == 0);
  CHECK(difference(outcome<everything, tn::eigen_backend<double, 1>>(3, 1, false),
                   outcome<everything, tn::eigen_backend<double>>(3, 1, false)) < 1e-12);
}

TEST_CASE("the number of threads changes no bit of one sample") {
  for (const int batch : {1, 5}) {
    const auto one = outcome<everything, tn::cpu_single>(batch);
    for (const int threads : {2, 3, 7}) CHECK(outcome<everything, tn::cpu_single>(batch, threads) == one);
  }
}

TEST_CASE("training agrees with samples in the lanes") {
  for (const int batch : {1, 7}) {
    CAPTURE(batch);
    const auto single = parameters_of(trained<tn::eigen_backend<double, 1>>(batch));
    CHECK(difference(single, parameters_of(trained<tn::eigen_backend<double>>(batch))) < 1e-10);
    CHECK(difference(single, parameters_of(tn::model<small, tn::eigen_backend<double, 1>>{tn::seed{3}})) > 1e-3);
    CHECK(parameters_of(trained<tn::cpu_single>(batch, 2)) == parameters_of(trained<tn::cpu_single>(batch)));
  }
}

TEST_CASE("a batch answers as its samples do alone") {
  auto model = trained<tn::cpu_single>(4);
  const int count = 5;
  std::vector<float> images;
  for (const double v : numbers(count * 144, 9)) images.push_back(static_cast<float>(v));
  std::vector<float> answers(count * 10);
  model.predict(images, answers, count);
  for (std::size_t s = 0; s < count; ++s) {
    const auto alone = model.predict(std::span<const float>{images}.subspan(s * 144, 144));
    CHECK(std::vector<float>(alone.begin(), alone.end()) == std::vector<float>(answers.begin() + static_cast<std::ptrdiff_t>(s * 10),
                                                                               answers.begin() + static_cast<std::ptrdiff_t>(s * 10 + 10)));
  }
  tn::model<small> lanes;
  for (const auto& info : small::parameters) lanes.set_parameter(info.name.view(), model.parameter(info.name.view()));
  const auto report = tn::evaluate(model, samples(60), tn::cross_entropy{});
  const auto expected = tn::evaluate(lanes, samples(60), tn::cross_entropy{});
  CHECK(report.accuracy == expected.accuracy);
  CHECK(report.loss == doctest::Approx(expected.loss).epsilon(1e-5));
}

TEST_CASE("a checkpoint goes from one kind of lanes to the other") {
  const auto file = std::filesystem::temp_directory_path() / "typenet_one_sample.safetensors";
  const tn::fit_options options{.epochs = 4, .batch_size = 1, .threads = 1};
  const tn::sgd optimizer{.learning_rate = 0.05, .momentum = 0.9};
  tn::model<small, tn::eigen_backend<double, 1>> single{tn::seed{3}};
  {
    auto half = options;
    half.epochs = 2;
    tn::trainer trainer{single, tn::cross_entropy{}, optimizer, half};
    trainer.fit(samples(60));
    tn::save_checkpoint(file, trainer);
  }
  tn::model<small, tn::eigen_backend<double>> lanes{tn::seed{4}};
  tn::trainer trainer{lanes, tn::cross_entropy{}, optimizer, options};
  tn::load_checkpoint(file, trainer);
  std::filesystem::remove(file);
  CHECK(parameters_of(lanes) == parameters_of(single));
  trainer.fit(samples(60));
  CHECK(difference(parameters_of(lanes), parameters_of(trained<tn::eigen_backend<double, 1>>(1, 1, 4))) < 1e-9);
}
