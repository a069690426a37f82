// SPDX-License-Identifier: MIT
// Tests LeNet-5 as described in the paper: its counts, its codes, and its training. LeCun et al. 1998.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include <typenet/typenet.hpp>

#include "penalties.hpp"

namespace tn = typenet;

namespace {

using lenet5 =
    tn::network<tn::input<1, 32, 32>, tn::conv2d<6, 5>, tn::scaled_tanh, tn::trainable_subsample<2>, tn::scaled_tanh,
                tn::conv2d<16, 5, tn::connections<tn::lenet5_c3>>, tn::scaled_tanh, tn::trainable_subsample<2>, tn::scaled_tanh,
                tn::conv2d<120, 5>, tn::scaled_tanh, tn::flatten, tn::linear<84>, tn::scaled_tanh, tn::euclidean_rbf<tn::lenet5_codes>>;

// ---- numbers stated in the paper
static_assert(lenet5::layer_parameter_counts == std::array<tn::index, 14>{156, 0, 12, 0, 1'516, 0, 32, 0, 48'120, 0, 0, 10'164, 0, 0});
static_assert(lenet5::parameter_count == 60'000);
static_assert(lenet5::layer_connections ==
              std::array<tn::index, 14>{122'304, 0, 5'880, 0, 151'600, 0, 2'000, 0, 48'120, 0, 0, 10'164, 0, 840});
static_assert(lenet5::connections == 340'908);
static_assert(lenet5::shapes[2] == tn::shape{6, 14, 14} && lenet5::shapes[6] == tn::shape{16, 5, 5} &&
              lenet5::shapes[8] == tn::shape{120, 1, 1});
static_assert(lenet5::output_shape == tn::shape{10});

template <class Layer, int... Extents>
using one = tn::network<tn::input<Extents...>, Layer>;

// ---- number of connections
static_assert(one<tn::linear<7, tn::bias<false>>, 12>::connections == 7 * 12);
static_assert(one<tn::conv2d<8, 3, tn::groups<4>, tn::bias<false>>, 4, 9, 9>::connections == 8 * 7 * 7 * 9);
static_assert(one<tn::gaussian_rbf<10>, 84>::connections == 840);
static_assert(one<tn::trainable_subsample<3, tn::stride<2>, tn::padding<1>>, 2, 6, 7>::connections == 2 * 3 * 4 * (9 + 1));
static_assert(one<tn::max_pool2d<2>, 2, 6, 6>::connections == 0 && one<tn::batch_norm<>, 2, 6, 6>::connections == 0);
static_assert(tn::network<tn::input<5>, tn::residual<tn::linear<5>>, tn::concat<tn::linear<1>, tn::linear<2>>>::connections == 30 + 18);

// ---- subsampling: two parameters per channel, with fan-in equal to the window size
using subsample = one<tn::trainable_subsample<tn::kernel<2, 3>, tn::stride<1, 2>>, 3, 6, 7>;
static_assert(subsample::output_shape == tn::shape{3, 5, 3} && subsample::parameter_count == 6 && subsample::macs == 45);
static_assert(subsample::parameters[0].name == "0.weight" && subsample::parameters[1].name == "0.bias");
static_assert(subsample::parameters[0].spec.role == tn::parameter_role::weight && subsample::parameters[0].spec.fan_in == 6 &&
              subsample::parameters[0].spec.fan_out == 4);
static_assert(subsample::parameters[1].spec.role == tn::parameter_role::bias && subsample::parameters[1].spec.fan_in == 6);

// ---- codes of +1 and -1 from drawings
constexpr auto arrows = tn::drawn_codes<2, 3>({
    ".#. ###",  //
    "### .#.",  //
    ".#. .#.",
});
static_assert(arrows.rows == 2 && arrows.columns == 9);
static_assert(arrows.at(0, 0) == -1 && arrows.at(0, 1) == 1 && arrows.at(0, 3) == 1 && arrows.at(1, 0) == 1 && arrows.at(1, 3) == -1);
static_assert(arrows == tn::code_table<2, 9>{{{0, 1, 0, 1, 1, 1, 0, 1, 0}, {1, 1, 1, 0, 1, 0, 0, 1, 0}}});
static_assert(one<tn::euclidean_rbf<arrows>, 9>::parameter_count == 0 && one<tn::euclidean_rbf<arrows>, 9>::macs == 18);

constexpr int squared_distance(int a, int b) {
  int sum = 0;
  for (int j = 0; j < 84; ++j) {
    const int d = tn::lenet5_codes.at(a, j) - tn::lenet5_codes.at(b, j);
    sum += d * d;
  }
  return sum;
}
constexpr int least_distance() {
  int least = squared_distance(0, 1);
  for (int a = 0; a < 10; ++a)
    for (int b = 0; b < a; ++b) least = squared_distance(a, b) < least ? squared_distance(a, b) : least;
  return least;
}
// 6 and 8 are closest; 1 and 4, 1 and 8, 4 and 7 are farthest apart.
static_assert(squared_distance(6, 8) == 48 && least_distance() == 48);
static_assert(squared_distance(1, 4) == 200 && squared_distance(1, 8) == 200 && squared_distance(4, 7) == 200);

// ---- the lowest output names the class for every network that ends with penalties
using tn::best_score;
using small_rbf = tn::euclidean_rbf<arrows>;
template <class... Layers>
constexpr best_score best = tn::network<tn::input<9>, Layers...>::best_output;
static_assert(lenet5::best_output == best_score::lowest);
static_assert(best<tn::linear<3>> == best_score::highest && best<tn::gaussian_rbf<3>> == best_score::highest);
static_assert(best<small_rbf> == best_score::lowest);
static_assert(best<tn::named<"out", tn::sequential<tn::tanh, small_rbf>>> == best_score::lowest);
static_assert(best<small_rbf, tn::flatten> == best_score::lowest);
static_assert(best<tn::concat<small_rbf, small_rbf>> == best_score::lowest);
static_assert(best<tn::concat<small_rbf, tn::linear<2>>> == best_score::highest);
static_assert(best<small_rbf, tn::linear<2>> == best_score::highest);
static_assert(best<tn::flatten> == best_score::highest);

/// Returns the digits of the codes as images in the gray values of the paper, with noise.
using images_set = tn::tensor_dataset<tn::shape{1, 12, 7}, 10>;
images_set images(int count, std::uint32_t tag) {
  const auto codes = penalties::digits(count, tag, 0.6f);
  std::vector<float> pixels;
  std::vector<int> labels;
  std::vector<float> code(84);
  for (int i = 0; i < count; ++i) {
    codes.read(i, tn::sample_key::evaluation(), code);
    for (const float v : code) pixels.push_back(0.5375f + 0.6375f * v);
    labels.push_back(codes.label(i));
  }
  return images_set{std::move(pixels), std::move(labels)};
}

/// A LeNet-5 for digits of the size of the codes.
using small_lenet5 = tn::network<tn::input<1, 12, 7>, tn::conv2d<6, 3, tn::padding<1>>, tn::scaled_tanh,
                                 tn::trainable_subsample<tn::kernel<2, 1>>, tn::scaled_tanh, tn::conv2d<12, tn::kernel<4, 5>>,
                                 tn::scaled_tanh, tn::flatten, tn::linear<84>, tn::scaled_tanh, tn::euclidean_rbf<tn::lenet5_codes>>;

template <class Loss, class Optimizer>
void check_learning(const Loss& loss, const Optimizer& optimizer) {
  const auto train = images(400, 1), test = images(200, 2);
  tn::model<small_lenet5> model{tn::seed{3}, tn::init::lecun_1998_scheme()};
  const double before = tn::evaluate(model, test).accuracy;
  const tn::history past = tn::fit(model, train, loss, optimizer, {.epochs = 4, .batch_size = 1, .threads = 1});
  const tn::report after = tn::evaluate(model, test, loss);
  CHECK(before < 0.5);
  CHECK(past.epochs.back().loss < 0.5 * past.epochs.front().loss);
  CHECK(past.epochs.back().accuracy > 0.9);
  CHECK(after.accuracy > 0.9);
  CHECK(after.top_k(2) > after.accuracy - 1e-12);
}

}  // namespace

TEST_CASE("a small LeNet-5 learns digits with either loss") {
  SUBCASE("the right class's penalty") { check_learning(tn::rbf_mse{}, tn::sgd{.learning_rate = 5e-4}); }
  SUBCASE("against the others'") { check_learning(tn::rbf_map{.j = 10}, tn::sgd{.learning_rate = 5e-4}); }
  SUBCASE("with second derivatives") { check_learning(tn::rbf_mse{}, tn::stochastic_diagonal_lm{.learning_rate = 1e-4}); }
}

TEST_CASE_TEMPLATE("the lowest output is the class", Backend, tn::eigen_backend<float>, tn::eigen_backend<double>) {
  penalties::check<Backend>();
}

TEST_CASE("the scheme of 1998 draws by each unit's inputs, that of 1989 by their root") {
  const auto largest = [](const auto& values) {
    double most = 0;
    for (const double v : values) most = std::max(most, std::abs(v));
    return most;
  };
  tn::model<lenet5, tn::eigen_backend<double>> model{tn::seed{3}, tn::init::lecun_1998_scheme()};
  const auto check = [&](const char* name, double bound, double slack) {
    CAPTURE(name);
    const double most = largest(std::as_const(model).parameter(name));
    CHECK(most <= bound);
    CHECK(most > slack * bound);
  };
  check("0.weight", 2.4 / 25, 0.9);
  check("0.bias", 2.4 / 25, 0.3);
  check("2.weight", 2.4 / 4, 0.3);
  check("2.bias", 2.4 / 4, 0.3);
  check("4.weight", 2.4 / 93, 0.99);  // 60 * 25 / 16 inputs
  check("8.weight", 2.4 / 400, 0.99);
  check("11.weight", 2.4 / 120, 0.99);
  check("11.bias", 2.4 / 120, 0.9);
  model.initialize(tn::init::lecun_1989_scheme());
  check("0.weight", 2.4 / 5, 0.9);
  check("8.weight", 2.4 / 20, 0.99);
  CHECK(largest(std::as_const(model).parameter("11.bias")) == 0);
}
