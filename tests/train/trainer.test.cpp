// SPDX-License-Identifier: MIT
// Compares training with PyTorch step by step. Results are independent of the number of threads and of interruptions.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include <typenet/typenet.hpp>

#include "golden.hpp"

namespace tn = typenet;

namespace {

using small = tn::network<tn::input<1, 8, 8>, tn::conv2d<3, 3, tn::bias<false>>, tn::batch_norm<>, tn::relu, tn::max_pool2d<2>, tn::flatten,
                          tn::linear<8>, tn::relu, tn::linear<4>>;

template <class Scalar, class Optimizer>
void check_run(const char* name, const Optimizer& optimizer) {
  CAPTURE(name);
  const auto& training = golden::file().training;
  const auto& run = golden::run(name);
  tn::model<small, tn::eigen_backend<Scalar>> model;
  for (const auto& tensor : training.parameters)
    std::transform(tensor.values.begin(), tensor.values.end(), model.parameter(tensor.name).begin(),
                   [](double v) { return static_cast<Scalar>(v); });
  tn::trainer trainer{model, tn::cross_entropy{}, optimizer, tn::fit_options{.batch_size = 5, .threads = 1}};
  const golden::tolerance tolerance = sizeof(Scalar) == 8 ? golden::tolerance{1e-8, 1e-10} : golden::tolerance{2e-3, 2e-4};
  for (std::size_t i = 0; i < training.batches.size(); ++i) {
    const std::vector<Scalar> input(training.batches[i].input.begin(), training.batches[i].input.end());
    CHECK(golden::difference(trainer.step(std::span<const Scalar>{input}, std::span<const int>{training.batches[i].labels}), run.losses[i],
                             tolerance) == "");
  }
  for (const auto& tensor : run.parameters_after) {
    const auto values = model.parameter(tensor.name);
    CHECK(golden::difference(std::vector<double>(values.begin(), values.end()), tensor.values, tolerance) == "");
  }
}

template <class Optimizer>
void check_runs(const char* name, const Optimizer& optimizer) {
  check_run<double>(name, optimizer);
  check_run<float>(name, optimizer);
}

using classifier = tn::network<tn::input<1, 8, 8>, tn::conv2d<6, 3>, tn::batch_norm<>, tn::relu, tn::max_pool2d<2>, tn::flatten,
                               tn::dropout<0.2>, tn::linear<20>, tn::relu, tn::linear<4>>;
using data_set = tn::tensor_dataset<tn::shape{1, 8, 8}, 4>;

/// Returns blurred images of bars at one of four places, with noise. A network can learn them, but not trivially.
data_set bars(int count, std::uint32_t tag) {
  std::vector<float> images;
  std::vector<int> labels;
  tn::random_sequence random{tn::counter_rng{tn::seed{11}, tn::random_stream::user}, 0, tag};
  for (int i = 0; i < count; ++i) {
    const int label = static_cast<int>(random.below(4));
    labels.push_back(label);
    for (int y = 0; y < 8; ++y)
      for (int x = 0; x < 8; ++x) images.push_back((y / 2 == label ? 1.0f : 0.0f) + random.uniform(-1.0f, 1.0f));
  }
  return data_set{std::move(images), std::move(labels)};
}

template <class Model>
std::vector<float> bits(const Model& model) {
  std::vector<float> all(model.parameter_array().span().begin(), model.parameter_array().span().end());
  all.insert(all.end(), model.buffer_array().span().begin(), model.buffer_array().span().end());
  return all;
}

std::vector<float> trained(const data_set& data, tn::fit_options options) {
  tn::model<classifier> model{tn::seed{3}};
  tn::fit(model, data, tn::cross_entropy{}, tn::adam{.learning_rate = 3e-3}, options);
  return bits(model);
}

}  // namespace

TEST_CASE("every optimizer, step by step as in PyTorch") {
  check_runs("adam", tn::adam{.learning_rate = 1e-2, .weight_decay = 1e-2});
  check_runs("adamw", tn::adamw{.learning_rate = 1e-2, .weight_decay = 1e-1});
  check_runs("sgd", tn::sgd{.learning_rate = 5e-2});
  check_runs("sgd_momentum", tn::sgd{.learning_rate = 1e-2, .momentum = 0.9});
  check_runs("sgd_nesterov", tn::sgd{.learning_rate = 1e-2, .momentum = 0.9, .nesterov = true, .weight_decay = 1e-2});
  check_runs("rmsprop", tn::rmsprop{.learning_rate = 1e-2});
  check_runs("rmsprop_momentum", tn::rmsprop{.learning_rate = 1e-3, .weight_decay = 1e-2, .momentum = 0.9});
}

TEST_CASE("a classifier learns") {
  const auto train = bars(600, 1), test = bars(200, 2);
  tn::model<classifier> model{tn::seed{3}};
  const auto before = tn::evaluate(model, test, tn::cross_entropy{});
  const auto past =
      tn::fit(model, train, tn::cross_entropy{}, tn::adam{.learning_rate = 3e-3}, {.epochs = 12, .batch_size = 32, .threads = 1});
  const auto after = tn::evaluate(model, test, tn::cross_entropy{});
  CHECK(past.epochs.size() == 12);
  CHECK(past.epochs.back().loss < 0.5 * past.epochs.front().loss);
  CHECK(before.accuracy < 0.6);
  CHECK(after.accuracy > 0.93);
  CHECK(after.loss < before.loss);
  CHECK(after.misclassified == static_cast<tn::index>(200 - static_cast<int>(after.accuracy * 200 + 0.5)));
}

TEST_CASE("the number of threads changes no bit of what is learned") {
  const auto data = bars(150, 1);
  const auto one = trained(data, {.epochs = 3, .batch_size = 32, .threads = 1});
  CHECK(trained(data, {.epochs = 3, .batch_size = 32, .threads = 2}) == one);
  CHECK(trained(data, {.epochs = 3, .batch_size = 32, .threads = 5}) == one);
  CHECK(trained(data, {.epochs = 3, .batch_size = 32, .threads = 0}) == one);
}

TEST_CASE("the seed decides, and nothing else") {
  const auto data = bars(150, 1);
  const auto once = trained(data, {.epochs = 2, .threads = 1});
  CHECK(trained(data, {.epochs = 2, .threads = 1}) == once);
  CHECK(trained(data, {.epochs = 2, .seed = tn::seed{4}, .threads = 1}) != once);
}

TEST_CASE("a remainder batch is trained on too") {
  const auto data = bars(33, 1);
  tn::model<classifier> model;
  tn::trainer trainer{model, tn::cross_entropy{}, tn::adam{}, tn::fit_options{.batch_size = 32, .threads = 1}};
  trainer.fit(data);
  CHECK(trainer.progress().updates == 2);
}

TEST_CASE("callbacks can stop training, and it goes on where it stopped") {
  const auto data = bars(150, 1);
  const tn::adam optimizer{.learning_rate = 3e-3};
  const auto straight = trained(data, {.epochs = 3, .batch_size = 32, .threads = 1});

  SUBCASE("between epochs") {
    tn::model<classifier> model{tn::seed{3}};
    int calls = 0;
    tn::trainer trainer{model, tn::cross_entropy{}, optimizer,
                        tn::fit_options{.epochs = 3, .batch_size = 32, .threads = 1, .on_epoch = [&](const tn::epoch_report& e) {
                                          CHECK(e.epoch == ++calls);
                                          return calls == 1 ? tn::control::stop : tn::control::proceed;
                                        }}};
    const auto first = trainer.fit(data);
    CHECK(first.stopped);
    CHECK(first.epochs.size() == 1);
    const auto second = trainer.fit(data);
    CHECK_FALSE(second.stopped);
    CHECK(second.epochs.size() == 2);
    CHECK(bits(model) == straight);
  }
  SUBCASE("between steps") {
    tn::model<classifier> model{tn::seed{3}};
    int steps = 0;
    tn::trainer trainer{model, tn::cross_entropy{}, optimizer,
                        tn::fit_options{.epochs = 3, .batch_size = 32, .threads = 1, .on_step = [&](const tn::step_report&) {
                                          return ++steps % 4 == 0 ? tn::control::stop : tn::control::proceed;
                                        }}};
    int rounds = 1;
    while (trainer.fit(data).stopped) ++rounds;
    CHECK(rounds > 3);
    CHECK(bits(model) == straight);
  }
}

TEST_CASE("a validation split is held out, and the best epoch can be kept") {
  const auto data = bars(300, 1);
  tn::model<classifier> model{tn::seed{3}};
  std::vector<double> accuracies;
  const auto past = tn::fit(model, data, tn::cross_entropy{}, tn::adam{.learning_rate = 2e-2},
                            {.epochs = 6, .batch_size = 32, .threads = 1, .validation_split = 0.2, .keep_best = true});
  REQUIRE(past.epochs.size() == 6);
  double best = -1;
  int best_epoch = 0;
  for (const auto& e : past.epochs) {
    REQUIRE(e.validation.has_value());
    CHECK(e.validation->count == 60);
    if (e.validation->accuracy > best) {
      best = e.validation->accuracy;
      best_epoch = e.epoch;
    }
  }
  CHECK(past.epoch == best_epoch);
  const auto [rest, held_out] = tn::stratified_split(data, 0.2, tn::seed{3});
  CHECK(tn::evaluate(model, held_out).accuracy == best);
}

TEST_CASE("a model predicts one sample, many, and any number") {
  const auto data = bars(40, 5);
  tn::model<classifier> model{tn::seed{3}};
  tn::fit(model, data, tn::cross_entropy{}, tn::adam{}, {.threads = 1});
  std::vector<float> samples(40 * 64);
  for (int i = 0; i < 40; ++i)
    data.read(i, tn::sample_key::evaluation(), std::span<float>{samples}.subspan(static_cast<std::size_t>(i * 64), 64));
  std::vector<float> answers(40 * 4);
  model.predict(samples, answers, 40);
  for (int i = 0; i < 40; ++i) {
    const auto one = model.predict(std::span<const float>{samples}.subspan(static_cast<std::size_t>(i * 64), 64));
    CHECK(std::equal(one.begin(), one.end(), answers.begin() + i * 4));
  }
  CHECK_THROWS_WITH_AS(model.predict(std::span<const float>{samples}.first(63)), "predict: expected 64 numbers of samples (1 x 64), got 63",
                       tn::argument_error);
  CHECK_THROWS_AS(model.predict(samples, answers, 39), tn::argument_error);
}

TEST_CASE("dense targets") {
  using net = tn::network<tn::input<3>, tn::linear<8>, tn::tanh, tn::linear<2>>;
  tn::model<net, tn::eigen_backend<double>> model{tn::seed{1}};
  tn::trainer trainer{model, tn::mse{}, tn::adam{.learning_rate = 2e-2}, tn::fit_options{.batch_size = 20, .threads = 1}};
  tn::random_sequence random{tn::counter_rng{tn::seed{2}, tn::random_stream::user}, 0, 0};
  std::vector<double> x, y;
  for (int i = 0; i < 20; ++i) {
    for (int k = 0; k < 3; ++k) x.push_back(static_cast<double>(random.uniform(-1, 1)));
    const double* v = x.data() + x.size() - 3;
    y.push_back(v[0] - v[1]);
    y.push_back(0.5 * v[2]);
  }
  const double first = trainer.step(std::span<const double>{x}, std::span<const double>{y});
  double last = first;
  for (int i = 0; i < 400; ++i) last = trainer.step(std::span<const double>{x}, std::span<const double>{y});
  CHECK(last < 0.01 * first);
}

TEST_CASE("what cannot be is refused with what would be right") {
  const auto data = bars(10, 1);
  tn::model<classifier> model;
  const auto fit = [&](const tn::fit_options& options) { tn::fit(model, data, tn::cross_entropy{}, tn::adam{}, options); };
  CHECK_THROWS_WITH_AS(fit({.batch_size = 0}), "fit: batch_size must be at least 1, got 0", tn::argument_error);
  CHECK_THROWS_AS(fit({.epochs = -1}), tn::argument_error);
  CHECK_THROWS_AS(fit({.threads = -1}), tn::argument_error);
  CHECK_THROWS_AS(fit({.validation_split = 1.0}), tn::argument_error);
  CHECK_THROWS_AS(tn::fit(model, data, tn::cross_entropy{}, tn::adam{.learning_rate = -1}), tn::argument_error);
  CHECK_THROWS_AS(static_cast<void>(model.parameter("0.wieght")), tn::argument_error);
  CHECK_THROWS_AS(model.initialize({}, "nothing"), tn::argument_error);
  tn::trainer trainer{model, tn::cross_entropy{}, tn::adam{}, tn::fit_options{.batch_size = 4, .threads = 1}};
  const std::vector<float> image(64);
  const int wrong[] = {4};
  CHECK_THROWS_WITH_AS(trainer.step(image, wrong), "step: label 4 is not one of the 4 classes 0 to 3", tn::argument_error);
}

TEST_CASE("an initialisation scheme can be had for the network, and for one layer") {
  tn::model<classifier> model{tn::seed{3}, {.weight = tn::init::constant(0.5), .bias = tn::init::zeros()}};
  CHECK(model.parameter("0.weight")[0] == 0.5f);
  model.initialize({.weight = tn::init::constant(2), .bias = tn::init::constant(1)}, "8");
  CHECK(model.parameter("8.weight")[3] == 2.0f);
  CHECK(model.parameter("8.bias")[3] == 1.0f);
  CHECK(model.parameter("0.weight")[0] == 0.5f);
}

TEST_CASE("steps on data at hand drop anew each time") {
  using net = tn::network<tn::input<64>, tn::dropout<0.5>, tn::linear<4>>;
  tn::model<net> model{tn::seed{3}};
  tn::trainer trainer{model, tn::cross_entropy{}, tn::sgd{.learning_rate = 0}, tn::fit_options{.batch_size = 1, .threads = 1}};
  const std::vector<float> sample(64, 1.0f);
  const std::vector<int> label{1};
  const double first = trainer.step(std::span<const float>{sample}, std::span<const int>{label});
  CHECK(trainer.step(std::span<const float>{sample}, std::span<const int>{label}) != first);
}

TEST_CASE("early stopping with keep_best ends with the best epoch's weights") {
  const auto data = bars(300, 1);
  tn::model<classifier> model{tn::seed{3}};
  const auto past = tn::fit(model, data, tn::cross_entropy{}, tn::adam{.learning_rate = 3e-2},
                            {.epochs = 50,
                             .threads = 1,
                             .on_epoch = [](const tn::epoch_report& e) { return e.epoch == 6 ? tn::control::stop : tn::control::proceed; },
                             .validation_split = 0.2,
                             .keep_best = true});
  CHECK(past.stopped);
  CHECK(past.epochs.size() == 6);
  const auto [rest, held_out] = tn::stratified_split(data, 0.2, tn::seed{3});
  double best = 0;
  for (const auto& e : past.epochs) best = std::max(best, e.validation->accuracy);
  CHECK(tn::evaluate(model, held_out).accuracy == best);
  CHECK_THROWS_AS(tn::fit(model, data, tn::cross_entropy{}, tn::adam{}, {.validation_split = 0.999}), tn::argument_error);
}

namespace {
/// A data set with an unreadable sample.
struct broken {
  static constexpr tn::shape sample_shape{1, 8, 8};
  static constexpr int classes = 4;
  tn::index size() const { return 100; }
  void read(tn::index i, const tn::sample_key&, std::span<float> out) const {
    if (i == 37) throw tn::file_error("sample 37 is gone");
    std::fill(out.begin(), out.end(), 0.0f);
  }
  int label(tn::index) const { return 0; }
};
}  // namespace

TEST_CASE("what a data set throws reaches the caller of fit") {
  tn::model<classifier> model;
  CHECK_THROWS_WITH_AS(tn::fit(model, broken{}, tn::cross_entropy{}, tn::adam{}, {.batch_size = 8}), "sample 37 is gone", tn::file_error);
}
