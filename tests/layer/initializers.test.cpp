// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <span>
#include <typenet/layer/initializers.hpp>
#include <vector>

namespace tn = typenet;
namespace init = typenet::init;
using doctest::Approx;
using kind = init::initializer::kind;

// Initialization rules are compile-time values.
static_assert(init::zeros() == init::constant(0) && init::ones() == init::constant(1));
static_assert(init::scheme{}.rule_for(tn::parameter_role::scale) == init::ones());
static_assert(init::scheme{.bias = init::zeros()}.rule_for(tn::parameter_role::bias) == init::zeros());
static_assert(init::lecun_1998_scheme().bias == init::lecun_1998());
// Expected values of PyTorch's _calculate_fan_in_and_fan_out for [120][400], [16][6][5][5] and [8][4][3].
static_assert(init::fans_of(120, 400) == init::fans{400, 120});
static_assert(init::fans_of(16, 6, 5, 5) == init::fans{150, 400});
static_assert(init::fans_of(8, 4, 3) == init::fans{12, 24});

namespace {

const tn::counter_rng rng{tn::seed{42}, tn::random_stream::initialization};

template <class Scalar = double>
std::vector<Scalar> filled(const init::initializer& rule, init::fans fans = {}, std::size_t count = 40'000, std::uint32_t tensor = 0) {
  std::vector<Scalar> values(count);
  init::fill<Scalar>(values, rule, fans, rng, tensor);
  return values;
}

double mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double v : values) sum += v;
  return sum / static_cast<double>(values.size());
}
double moment(const std::vector<double>& values, int power) {
  const double centre = mean(values);
  double sum = 0;
  for (const double v : values) sum += std::pow(v - centre, power);
  return sum / static_cast<double>(values.size());
}

void check_uniform(const init::initializer& rule, init::fans fans, double bound) {
  const auto values = filled(rule, fans);
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  CHECK(*low >= -bound);
  CHECK(*high < bound);
  CHECK(*low < -0.999 * bound);
  CHECK(*high > 0.999 * bound);
  CHECK(std::abs(mean(values)) < 0.02 * bound);
  CHECK(moment(values, 2) == Approx(bound * bound / 3).epsilon(0.02));
}

void check_normal(const init::initializer& rule, init::fans fans, double centre, double deviation) {
  const auto values = filled(rule, fans);
  CHECK(std::abs(mean(values) - centre) < 0.02 * deviation);
  CHECK(moment(values, 2) == Approx(deviation * deviation).epsilon(0.03));
  CHECK(std::abs(moment(values, 3)) < 0.06 * std::pow(deviation, 3));
  CHECK(moment(values, 4) == Approx(3 * std::pow(deviation, 4)).epsilon(0.05));
}

}  // namespace

TEST_CASE("constant rules") {
  for (const double v : filled(init::constant(0.25), {}, 10)) CHECK(v == 0.25);
  for (const float v : filled<float>(init::zeros(), {}, 10)) CHECK(v == 0);
  for (const float v : filled<float>(init::ones(), {}, 10)) CHECK(v == 1);
}

TEST_CASE("rules without fans") {
  const auto values = filled(init::uniform(2, 5));
  CHECK(*std::min_element(values.begin(), values.end()) >= 2);
  CHECK(*std::max_element(values.begin(), values.end()) < 5);
  CHECK(mean(values) == Approx(3.5).epsilon(0.01));
  check_normal(init::normal(3, 0.5), {}, 3, 0.5);
}

TEST_CASE("rules scaled by fans") {
  const init::fans fans{150, 400};
  check_uniform(init::fan_in_uniform(), fans, 1 / std::sqrt(150.0));
  check_uniform(init::lecun_1998(), fans, 2.4 / 150);
  check_uniform(init::xavier_uniform(), fans, std::sqrt(6.0 / 550));
  check_uniform(init::xavier_uniform(5.0 / 3), fans, 5.0 / 3 * std::sqrt(6.0 / 550));
  check_normal(init::xavier_normal(), fans, 0, std::sqrt(2.0 / 550));
  check_uniform(init::kaiming_uniform(), fans, std::sqrt(6.0 / 150));
  check_uniform(init::kaiming_uniform(0, init::fan_mode::fan_out), fans, std::sqrt(6.0 / 400));
  check_normal(init::kaiming_normal(), fans, 0, std::sqrt(2.0 / 150));
  check_normal(init::kaiming_normal(0, init::fan_mode::fan_in, init::nonlinearity::linear), fans, 0, std::sqrt(1.0 / 150));
  check_normal(init::kaiming_normal(0, init::fan_mode::fan_out, init::nonlinearity::tanh), fans, 0, 5.0 / 3 / 20);
}

TEST_CASE("the default scheme is PyTorch's") {
  const init::scheme scheme;
  const init::fans fans{25, 150};
  const init::initializer weight = init::resolved(scheme.weight, fans), bias = init::resolved(scheme.bias, fans);
  CHECK(weight.rule == kind::uniform);
  CHECK(weight.a == Approx(-0.2).epsilon(1e-14));
  CHECK(weight.b == Approx(0.2).epsilon(1e-14));
  CHECK(bias.b == Approx(0.2).epsilon(1e-14));
  CHECK(scheme.rule_for(tn::parameter_role::weight) == scheme.weight);
  CHECK(scheme.rule_for(tn::parameter_role::shift) == init::zeros());
  CHECK(scheme.rule_for(tn::parameter_role::centers) == init::normal(0, 0.2));
}

TEST_CASE("gains are PyTorch's") {
  CHECK(init::gain(init::nonlinearity::linear) == 1);
  CHECK(init::gain(init::nonlinearity::sigmoid) == 1);
  CHECK(init::gain(init::nonlinearity::tanh) == 5.0 / 3);
  CHECK(init::gain(init::nonlinearity::relu) == std::numbers::sqrt2);
  CHECK(init::gain(init::nonlinearity::leaky_relu) == Approx(1.4141428569978354));
  CHECK(init::gain(init::nonlinearity::leaky_relu, 0.2) == Approx(1.3867504905630728));
  CHECK(init::gain(init::nonlinearity::selu) == 0.75);
}

TEST_CASE("element i is made of the words of block i / 4") {
  constexpr std::uint32_t tensor = 7;
  const auto uniform = filled(init::uniform(-1, 1), {}, 11, tensor);
  const auto normal = filled(init::normal(), {}, 11, tensor);
  for (std::size_t i = 0; i < 11; ++i) {
    const auto words = rng(0, tensor, static_cast<std::uint32_t>(i / 4));
    CHECK(uniform[i] == -1 + 2 * (words[i % 4] / 4294967296.0));
    const std::size_t pair = i % 4 / 2 * 2;
    const double radius = std::sqrt(-2 * std::log((words[pair] + 1.0) / 4294967296.0));
    const double angle = 2 * std::numbers::pi * (words[pair + 1] / 4294967296.0);
    CHECK(normal[i] == Approx(radius * (i % 2 == 0 ? std::cos(angle) : std::sin(angle))).epsilon(1e-14));
  }
}

TEST_CASE("the first numbers of seed 42 stay what they are") {
  const auto values = filled(init::uniform(0, 1), {}, 5);
  const auto again = filled(init::uniform(0, 1), {}, 5);
  CHECK(values == again);
  CHECK(filled(init::uniform(0, 1), {}, 3) == std::vector<double>(values.begin(), values.begin() + 3));
  const std::array<double, 5> expected{0x0.610ce4e4p0, 0x0.7fd5c499p0, 0x0.d49de68fp0, 0x0.f70f1e6ep0, 0x0.e8527ad8p0};
  for (std::size_t i = 0; i < 5; ++i) CHECK(values[i] == expected[i]);
}

TEST_CASE("tensors, seeds and purposes have numbers of their own") {
  const auto values = filled(init::uniform(), {}, 8, 0);
  CHECK(filled(init::uniform(), {}, 8, 1) != values);
  std::vector<double> other(8);
  init::fill<double>(other, init::uniform(), {}, tn::counter_rng{tn::seed{43}, tn::random_stream::initialization}, 0);
  CHECK(other != values);
  init::fill<double>(other, init::uniform(), {}, tn::counter_rng{tn::seed{42}, tn::random_stream::user}, 0);
  CHECK(other != values);
}

TEST_CASE("float is double rounded") {
  const auto wide = filled<double>(init::normal(), {}, 100);
  const auto narrow = filled<float>(init::normal(), {}, 100);
  for (std::size_t i = 0; i < wide.size(); ++i) CHECK(narrow[i] == static_cast<float>(wide[i]));
}

TEST_CASE("impossible rules are refused") {
  CHECK_THROWS_AS(static_cast<void>(init::uniform(1, 0)), tn::argument_error);
  CHECK_THROWS_AS(static_cast<void>(init::normal(0, -1)), tn::argument_error);
  CHECK_THROWS_WITH_AS(filled(init::xavier_uniform(), {0, 4}), "init: a rule scaled by fan needs fans of at least 1, got 0",
                       tn::argument_error);
  CHECK_NOTHROW(filled(init::normal(), {0, 0}));
}
