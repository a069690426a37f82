// SPDX-License-Identifier: MIT
// Everything that runs on several threads, small enough for ThreadSanitizer: training by a team that reads ahead, predictions by a team,
// and models of several threads of the program, each its own. The preset `tsan` runs this folder.
#include <doctest/doctest.h>

#include <cstddef>
#include <span>
#include <thread>
#include <vector>

#include <typenet/typenet.hpp>

namespace tn = typenet;

namespace {

using network = tn::network<tn::input<1, 8, 8>, tn::conv2d<4, 3>, tn::batch_norm<>, tn::relu, tn::max_pool2d<2>, tn::flatten,
                            tn::dropout<0.1>, tn::linear<16>, tn::relu, tn::linear<3>>;
using data_set = tn::tensor_dataset<tn::shape{1, 8, 8}, 3>;

data_set samples(int count) {
  std::vector<float> values;
  std::vector<int> labels;
  tn::random_sequence random{tn::counter_rng{tn::seed{1}, tn::random_stream::user}, 0, 0};
  for (int i = 0; i < count; ++i) {
    labels.push_back(i % 3);
    for (int p = 0; p < 64; ++p) values.push_back((p % 8 / 3 == i % 3 ? 1.0f : 0.0f) + random.uniform(-0.5f, 0.5f));
  }
  return {std::move(values), std::move(labels)};
}

template <class Model>
std::vector<float> parameters(const Model& model) {
  return {model.parameter_array().data(), model.parameter_array().data() + model.parameter_array().size()};
}

template <class Backend>
std::vector<float> trained(int threads, const data_set& data) {
  tn::model<network, Backend> model{tn::seed{7}};
  tn::fit(model, data, tn::cross_entropy{}, tn::adam{}, {.epochs = 2, .batch_size = 40, .threads = threads, .validation_split = 0.2});
  return parameters(model);
}

/// Calls `f(i)` in `count` threads at once.
template <class F>
void in_threads(int count, const F& f) {
  std::vector<std::thread> all;
  for (int i = 0; i < count; ++i) all.emplace_back([&f, i] { f(i); });
  for (std::thread& one : all) one.join();
}

}  // namespace

TEST_CASE_TEMPLATE("a team that reads ahead trains to the bits of one thread", Backend, tn::cpu, tn::cpu_single) {
  const data_set data = samples(150);
  const std::vector<float> expected = trained<Backend>(1, data);
  for (const int threads : {2, 3}) CHECK(trained<Backend>(threads, data) == expected);
}

TEST_CASE("a team predicts the bits of one thread") {
  std::vector<float> inputs(200 * 64), expected(200 * 3), answers(200 * 3);
  for (std::size_t i = 0; i < inputs.size(); ++i) inputs[i] = static_cast<float>(i % 13) / 13;
  tn::model<network> model{tn::seed{1}};
  model.set_threads(1);
  model.predict(inputs, expected, 200);
  model.set_threads(3);
  for (int i = 0; i < 3; ++i) {
    model.predict(inputs, answers, 200);
    CHECK(answers == expected);
  }
}

TEST_CASE("threads of the program predict and train, each with its own model") {
  std::vector<float> input(64);
  for (std::size_t i = 0; i < input.size(); ++i) input[i] = static_cast<float>(i % 5) / 5;
  const tn::model<network, tn::cpu_single> original{tn::seed{1}};
  auto first = original;
  const auto expected = first.predict(input);
  std::vector<char> same(4, 0);
  in_threads(4, [&](int i) {
    auto mine = original;
    bool all = true;
    for (int n = 0; n < 20; ++n) all = all && mine.predict(input) == expected;
    same[static_cast<std::size_t>(i)] = all;
  });
  CHECK(same == std::vector<char>(4, 1));

  const data_set data = samples(60);
  const std::vector<float> straight = trained<tn::cpu>(1, data);
  in_threads(3, [&](int i) { same[static_cast<std::size_t>(i)] = trained<tn::cpu>(1, data) == straight; });
  CHECK(same == std::vector<char>(4, 1));
}
