// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <type_traits>
#include <typenet/optimizers.hpp>
#include <vector>

#include "golden_folder.hpp"

namespace tn = typenet;
using doctest::Approx;
using nlohmann::json;

static_assert(tn::optimizer<tn::sgd> && tn::optimizer<tn::adam> && tn::optimizer<tn::adamw> && tn::optimizer<tn::rmsprop> &&
              tn::optimizer<tn::nadam> && tn::optimizer<tn::adagrad> && tn::optimizer<tn::lion>);

namespace {

/// A pack of four numbers with only the members that simd/pack.hpp requires.
template <class Scalar>
struct quad {
  std::array<Scalar, 4> lanes{};

  quad() = default;
  quad(Scalar number) : lanes{number, number, number, number} {}
  template <class F>
  static quad map(const quad& a, const quad& b, const F& f) {
    quad r;
    for (std::size_t i = 0; i < 4; ++i) r.lanes[i] = f(a.lanes[i], b.lanes[i]);
    return r;
  }
  friend quad operator+(const quad& a, const quad& b) {
    return map(a, b, [](Scalar x, Scalar y) { return x + y; });
  }
  friend quad operator-(const quad& a, const quad& b) {
    return map(a, b, [](Scalar x, Scalar y) { return x - y; });
  }
  friend quad operator*(const quad& a, const quad& b) {
    return map(a, b, [](Scalar x, Scalar y) { return x * y; });
  }
  friend quad operator/(const quad& a, const quad& b) {
    return map(a, b, [](Scalar x, Scalar y) { return x / y; });
  }
};

}  // namespace

template <class Scalar>
struct typenet::lane::traits<quad<Scalar>> {
  using scalar = Scalar;
  using mask = std::array<bool, 4>;
  static constexpr int width = 4;
  static constexpr int registers = 16;
  static quad<Scalar> broadcast(Scalar v) { return v; }
  static quad<Scalar> fma(const quad<Scalar>& a, const quad<Scalar>& b, const quad<Scalar>& c) { return a * b + c; }
  static quad<Scalar> max(const quad<Scalar>& a, const quad<Scalar>& b) {
    return quad<Scalar>::map(a, b, [](Scalar x, Scalar y) { return x > y ? x : y; });
  }
  static mask greater(const quad<Scalar>& a, const quad<Scalar>& b) {
    mask r{};
    for (std::size_t i = 0; i < 4; ++i) r[i] = a.lanes[i] > b.lanes[i];
    return r;
  }
  static quad<Scalar> select(const mask& condition, const quad<Scalar>& yes, const quad<Scalar>& no) {
    quad<Scalar> r;
    for (std::size_t i = 0; i < 4; ++i) r.lanes[i] = condition[i] ? yes.lanes[i] : no.lanes[i];
    return r;
  }
  static quad<Scalar> sqrt(const quad<Scalar>& a) {
    return quad<Scalar>::map(a, a, [](Scalar x, Scalar) { return std::sqrt(x); });
  }
};

namespace {

/// Weights and optimizer state, both `[weight]`.
template <class Scalar, class Optimizer>
struct stepped {
  static constexpr std::size_t states = Optimizer::state_names.size();
  std::vector<Scalar> weights;
  std::array<std::vector<Scalar>, states> state;

  explicit stepped(const std::vector<double>& start) : weights(start.begin(), start.end()) {
    for (auto& s : state) s.resize(start.size());
  }
  /// Updates all weights in packs of one or four weights.
  template <class Pack>
  void step(const Optimizer& optimizer, tn::index number, const std::vector<double>& gradients) {
    const auto update = optimizer.template update<Scalar>(number);
    constexpr std::size_t width = tn::lane::width<Pack>;
    const auto lane = [](Pack& p, std::size_t l) -> Scalar& { return reinterpret_cast<Scalar*>(&p)[l]; };
    for (std::size_t i = 0; i < weights.size(); i += width) {
      Pack weight{}, gradient{}, own[states]{};
      for (std::size_t l = 0; l < width; ++l) {
        lane(weight, l) = weights[i + l];
        lane(gradient, l) = static_cast<Scalar>(gradients[i + l]);
        for (std::size_t s = 0; s < states; ++s) lane(own[s], l) = state[s][i + l];
      }
      update(weight, gradient, own);
      for (std::size_t l = 0; l < width; ++l) {
        weights[i + l] = lane(weight, l);
        for (std::size_t s = 0; s < states; ++s) state[s][i + l] = lane(own[s], l);
      }
    }
  }
};

const json& golden() {
  static const json document = [] {
    std::ifstream file{golden::folder() + "/optimizers.json"};
    REQUIRE(file);
    return json::parse(file);
  }();
  return document;
}

template <class Optimizer>
Optimizer from(const json& hyper);
template <>
tn::sgd from(const json& h) {
  const tn::sgd d;
  return {.learning_rate = h.value("learning_rate", d.learning_rate),
          .momentum = h.value("momentum", d.momentum),
          .dampening = h.value("dampening", d.dampening),
          .nesterov = h.value("nesterov", d.nesterov),
          .weight_decay = h.value("weight_decay", d.weight_decay)};
}
template <class Adam>
Adam adam_from(const json& h) {
  const Adam d;
  return {.learning_rate = h.value("learning_rate", d.learning_rate),
          .beta1 = h.value("beta1", d.beta1),
          .beta2 = h.value("beta2", d.beta2),
          .epsilon = h.value("epsilon", d.epsilon),
          .weight_decay = h.value("weight_decay", d.weight_decay)};
}
template <>
tn::adam from(const json& h) {
  return adam_from<tn::adam>(h);
}
template <>
tn::adamw from(const json& h) {
  return adam_from<tn::adamw>(h);
}
template <>
tn::adagrad from(const json& h) {
  const tn::adagrad d;
  return {.learning_rate = h.value("learning_rate", d.learning_rate),
          .learning_rate_decay = h.value("learning_rate_decay", d.learning_rate_decay),
          .epsilon = h.value("epsilon", d.epsilon),
          .weight_decay = h.value("weight_decay", d.weight_decay)};
}
template <>
tn::rmsprop from(const json& h) {
  const tn::rmsprop d;
  return {.learning_rate = h.value("learning_rate", d.learning_rate),
          .alpha = h.value("alpha", d.alpha),
          .epsilon = h.value("epsilon", d.epsilon),
          .weight_decay = h.value("weight_decay", d.weight_decay),
          .momentum = h.value("momentum", d.momentum),
          .centered = h.value("centered", d.centered)};
}

template <class Scalar, class Optimizer, class Pack>
void check_run(const json& run) {
  const auto optimizer = from<Optimizer>(run.at("hyper"));
  CHECK_NOTHROW(optimizer.check());
  stepped<Scalar, Optimizer> mine{golden().at("start").get<std::vector<double>>()};
  const auto gradients = golden().at("gradients").get<std::vector<std::vector<double>>>();
  const auto expected = run.at("weights").get<std::vector<std::vector<double>>>();
  constexpr double tolerance = std::is_same_v<Scalar, double> ? 1e-11 : 2e-6;
  const auto near = [](Scalar got, double wanted) {
    return std::abs(static_cast<double>(got) - wanted) <= tolerance * std::max(1.0, std::abs(wanted));
  };
  for (std::size_t step = 0; step < gradients.size(); ++step) {
    mine.template step<Pack>(optimizer, static_cast<tn::index>(step) + 1, gradients[step]);
    for (std::size_t i = 0; i < expected[step].size(); ++i) {
      CAPTURE(step);
      CAPTURE(i);
      CHECK(near(mine.weights[i], expected[step][i]));
    }
  }
  // Every state that PyTorch saves has a state of the optimizer with its name and value. A state that PyTorch does not save stays zero.
  for (std::size_t s = 0; s < Optimizer::state_names.size(); ++s) {
    const std::string name{Optimizer::state_names[s]};
    const auto kept = run.at("state").value(name, std::vector<double>(mine.weights.size()));
    CAPTURE(name);
    for (std::size_t i = 0; i < kept.size(); ++i) CHECK(near(mine.state[s][i], kept[i]));
  }
  for (const auto& [name, values] : run.at("state").items())
    CHECK(std::find(Optimizer::state_names.begin(), Optimizer::state_names.end(), name) != Optimizer::state_names.end());
}

template <class Optimizer>
void check_golden(const std::string& name) {
  int runs = 0;
  for (const json& run : golden().at("runs")) {
    if (run.at("optimizer") != name) continue;
    ++runs;
    const std::string hyper = run.at("hyper").dump();
    CAPTURE(hyper);
    check_run<double, Optimizer, double>(run);
    check_run<float, Optimizer, float>(run);
    check_run<double, Optimizer, quad<double>>(run);
    check_run<float, Optimizer, quad<float>>(run);
  }
  CHECK(runs >= 3);
}

/// Compares steps with gradients of many sizes with the function `reference(step, weight, gradient, state)` for one weight.
template <class Optimizer, class Reference>
void check_reference(const Optimizer& optimizer, const Reference& reference) {
  const std::vector<double> start{1, -2, 0.5, 1e-3, -1e3, 0, 3, 4};
  stepped<double, Optimizer> mine{start};
  std::vector<double> weights = start;
  std::vector<std::array<double, 3>> state(start.size());
  for (int step = 1; step <= 300; ++step) {
    std::vector<double> gradients(start.size());
    for (std::size_t i = 0; i < start.size(); ++i)
      gradients[i] = std::sin(step * 0.7 + static_cast<double>(i)) * std::pow(10.0, static_cast<double>(i) - 4);
    mine.template step<double>(optimizer, step, gradients);
    for (std::size_t i = 0; i < start.size(); ++i) {
      weights[i] = reference(step, weights[i], gradients[i], state[i]);
      REQUIRE(mine.weights[i] == Approx(weights[i]).epsilon(1e-10));
    }
  }
}

}  // namespace

TEST_CASE("sgd steps as PyTorch does") { check_golden<tn::sgd>("sgd"); }
TEST_CASE("adam steps as PyTorch does") { check_golden<tn::adam>("adam"); }
TEST_CASE("adamw steps as PyTorch does") { check_golden<tn::adamw>("adamw"); }
TEST_CASE("rmsprop steps as PyTorch does") { check_golden<tn::rmsprop>("rmsprop"); }

TEST_CASE("adagrad steps as PyTorch does") { check_golden<tn::adagrad>("adagrad"); }

TEST_CASE("lion against a plain loop") {
  const tn::lion o{.learning_rate = 1e-2, .weight_decay = 0.1};
  check_reference(o, [&](int, double w, double g, std::array<double, 3>& s) {
    const double c = o.beta1 * s[0] + (1 - o.beta1) * g;
    s[0] = o.beta2 * s[0] + (1 - o.beta2) * g;
    return w * (1 - o.learning_rate * o.weight_decay) - o.learning_rate * (c > 0 ? 1 : c < 0 ? -1 : 0);
  });
  // A weight whose gradients are all zero does not move.
  stepped<float, tn::lion> still{{1, 2, 3, 4}};
  still.step<quad<float>>(tn::lion{}, 1, {0, 0, -1, 1});
  CHECK(still.weights == std::vector<float>{1, 2, 3 + 1e-4F, 4 - 1e-4F});
}

// PyTorch 1.13, which makes the golden values, multiplies one momentum twice; PyTorch 2 computes this.
TEST_CASE("nadam against a plain loop") {
  const tn::nadam o{.learning_rate = 1e-2, .weight_decay = 1e-2};
  double product = 1;
  int last = 0;
  const auto mu = [&](int t) { return o.beta1 * (1 - 0.5 * std::pow(0.96, t * o.momentum_decay)); };
  check_reference(o, [&](int step, double w, double g, std::array<double, 3>& s) {
    if (step != last) product *= mu(last = step);
    g += o.weight_decay * w;
    s[0] = o.beta1 * s[0] + (1 - o.beta1) * g;
    s[1] = o.beta2 * s[1] + (1 - o.beta2) * g * g;
    const double root = std::sqrt(s[1] / (1 - std::pow(o.beta2, step))) + o.epsilon;
    return w - o.learning_rate * ((1 - mu(step)) / (1 - product) * g + mu(step + 1) / (1 - product * mu(step + 1)) * s[0]) / root;
  });
}

TEST_CASE("sgd against a plain loop") {
  const tn::sgd o{.learning_rate = 1e-2, .momentum = 0.9, .dampening = 0.1, .weight_decay = 1e-2};
  check_reference(o, [&](int step, double w, double g, std::array<double, 3>& s) {
    g += o.weight_decay * w;
    s[0] = step == 1 ? g : o.momentum * s[0] + (1 - o.dampening) * g;
    return w - o.learning_rate * s[0];
  });
}

TEST_CASE("adam against a plain loop") {
  const tn::adam o{.learning_rate = 1e-2, .weight_decay = 1e-2};
  check_reference(o, [&](int step, double w, double g, std::array<double, 3>& s) {
    g += o.weight_decay * w;
    s[0] = o.beta1 * s[0] + (1 - o.beta1) * g;
    s[1] = o.beta2 * s[1] + (1 - o.beta2) * g * g;
    const double m = s[0] / (1 - std::pow(o.beta1, step)), v = s[1] / (1 - std::pow(o.beta2, step));
    return w - o.learning_rate * m / (std::sqrt(v) + o.epsilon);
  });
}

TEST_CASE("adamw against a plain loop") {
  const tn::adamw o{.learning_rate = 1e-2};
  check_reference(o, [&](int step, double w, double g, std::array<double, 3>& s) {
    w *= 1 - o.learning_rate * o.weight_decay;
    s[0] = o.beta1 * s[0] + (1 - o.beta1) * g;
    s[1] = o.beta2 * s[1] + (1 - o.beta2) * g * g;
    const double m = s[0] / (1 - std::pow(o.beta1, step)), v = s[1] / (1 - std::pow(o.beta2, step));
    return w - o.learning_rate * m / (std::sqrt(v) + o.epsilon);
  });
}

TEST_CASE("rmsprop against a plain loop") {
  const tn::rmsprop o{.learning_rate = 1e-3, .epsilon = 1e-4, .weight_decay = 1e-2, .momentum = 0.5, .centered = true};
  check_reference(o, [&](int, double w, double g, std::array<double, 3>& s) {
    g += o.weight_decay * w;
    s[0] = o.alpha * s[0] + (1 - o.alpha) * g * g;
    s[2] = o.alpha * s[2] + (1 - o.alpha) * g;
    s[1] = o.momentum * s[1] + g / (std::sqrt(s[0] - s[2] * s[2]) + o.epsilon);
    return w - o.learning_rate * s[1];
  });
}

TEST_CASE("a weight that is zero and has no gradient stays zero") {
  // A model relies on this for the unused numbers between its parameters.
  const auto stays = [](const auto& optimizer) {
    stepped<float, std::decay_t<decltype(optimizer)>> mine{{0, 0, 0, 0}};
    for (int step = 1; step <= 10; ++step) mine.template step<quad<float>>(optimizer, step, {0, 0, 0, 0});
    for (const float w : mine.weights) CHECK(w == 0);
  };
  stays(tn::sgd{.momentum = 0.9, .nesterov = true, .weight_decay = 1});
  stays(tn::adam{.weight_decay = 1});
  stays(tn::adamw{.weight_decay = 1});
  stays(tn::rmsprop{.weight_decay = 1, .momentum = 0.9, .centered = true});
}

TEST_CASE("centred rmsprop survives a constant gradient in single precision") {
  stepped<float, tn::rmsprop> mine{{1, 1, 1, 1}};
  for (int step = 1; step <= 20'000; ++step)
    mine.step<float>(tn::rmsprop{.learning_rate = 1e-9, .alpha = 0.9, .centered = true}, step, {0.1, 0.3, 0.7, 1e-3});
  for (const float w : mine.weights) CHECK(std::isfinite(w));
}

TEST_CASE("adam's first step is about the learning rate, whatever the gradient") {
  stepped<float, tn::adam> mine{{0, 0, 0}};
  mine.step<float>(tn::adam{.learning_rate = 0.1}, 1, {1e-4, -1, 1e4});
  CHECK(mine.weights[0] == Approx(-0.1).epsilon(1e-3));
  CHECK(mine.weights[1] == Approx(0.1).epsilon(1e-3));
  CHECK(mine.weights[2] == Approx(-0.1).epsilon(1e-3));
}

TEST_CASE("hyper-parameters out of range are refused") {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK_NOTHROW(tn::sgd{}.check());
  CHECK_NOTHROW(tn::adam{}.check());
  CHECK_NOTHROW(tn::adamw{}.check());
  CHECK_NOTHROW(tn::rmsprop{}.check());
  CHECK_THROWS_WITH_AS(tn::sgd{.learning_rate = -1}.check(), "sgd: learning_rate must be a finite number not below 0, got -1.000000",
                       tn::argument_error);
  CHECK_THROWS_AS(tn::sgd{.learning_rate = nan}.check(), tn::argument_error);
  CHECK_THROWS_AS(tn::sgd{.momentum = -0.1}.check(), tn::argument_error);
  CHECK_THROWS_WITH_AS(tn::sgd{.nesterov = true}.check(), "sgd: momentum must be above 0 for nesterov, got 0.000000", tn::argument_error);
  CHECK_THROWS_AS((tn::sgd{.momentum = 0.9, .dampening = 0.1, .nesterov = true}.check()), tn::argument_error);
  CHECK_THROWS_AS(tn::sgd{.weight_decay = -1}.check(), tn::argument_error);
  CHECK_THROWS_WITH_AS(tn::adam{.beta1 = 1}.check(), "adam: beta1 must be at least 0 and below 1, got 1.000000", tn::argument_error);
  CHECK_THROWS_AS(tn::adam{.beta2 = nan}.check(), tn::argument_error);
  CHECK_THROWS_AS(tn::adam{.epsilon = 0}.check(), tn::argument_error);
  CHECK_THROWS_WITH_AS(tn::adamw{.weight_decay = -1}.check(), "adamw: weight_decay must be a finite number not below 0, got -1.000000",
                       tn::argument_error);
  CHECK_THROWS_AS(tn::rmsprop{.alpha = -0.5}.check(), tn::argument_error);
  CHECK_THROWS_AS(tn::rmsprop{.momentum = nan}.check(), tn::argument_error);
}
