// SPDX-License-Identifier: MIT
// Training refuses data, counters and options that cannot be right, and notices divergence. It announces the memory that it allocates.
#include <doctest/doctest.h>

#include <atomic>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include <typenet/typenet.hpp>

#include "scalar_backend.hpp"

namespace tn = typenet;

namespace {

using classifier = tn::network<tn::input<4>, tn::linear<8>, tn::relu, tn::linear<3>>;

/// A data set of a program's own, which checks nothing itself.
struct unchecked {
  static constexpr tn::shape sample_shape{4};
  static constexpr int classes = 3;
  tn::index count = 90;
  int wrong = 0;  ///< label of sample 41
  float value = 1;
  [[nodiscard]] tn::index size() const { return count; }
  void read(tn::index i, const tn::sample_key& /*key*/, std::span<float> out) const {
    for (std::size_t e = 0; e < out.size(); ++e) out[e] = static_cast<int>(e) == i % 3 ? value : 0;
  }
  [[nodiscard]] int label(tn::index i) const { return i == 41 ? wrong : static_cast<int>(i % 3); }
};

/// The message of the error that `call` throws; empty where it throws none.
template <class Error, class Call>
std::string message_of(const Call& call) {
  try {
    call();
  } catch (const Error& e) {
    return e.what();
  }
  return {};
}

}  // namespace

TEST_CASE("labels that are no classes are refused by fit and stratified_split") {
  for (const int wrong : {-1, 3, 255, std::numeric_limits<int>::max()}) {
    CAPTURE(wrong);
    const unchecked data{.wrong = wrong};
    tn::model<classifier> model{tn::seed{1}};
    const std::string tail = ": label " + std::to_string(wrong) + " of sample 41 is not a class; expected 0 to 2";
    CHECK(message_of<tn::argument_error>([&] { tn::fit(model, data, tn::cross_entropy{}, tn::adam{}); }) == "fit" + tail);
    CHECK(message_of<tn::argument_error>([&] { tn::fit(model, data, tn::cross_entropy{}, tn::adam{}, {.validation_split = 0.2}); }) ==
          "fit" + tail);
    CHECK(message_of<tn::argument_error>([&] { (void)tn::stratified_split(data, 10, tn::seed{1}); }) == "stratified_split" + tail);
  }
}

TEST_CASE("an epoch under way goes on with a data set of the same size alone") {
  const auto stopped_at = [](tn::index samples) {
    return tn::fit_options{.epochs = 2, .batch_size = 10, .on_step = [samples](const tn::step_report& r) {
                             return r.samples >= samples && r.epoch == 1 ? tn::control::stop : tn::control::proceed;
                           }};
  };
  tn::model<classifier> model{tn::seed{1}};
  tn::trainer trainer{model, tn::cross_entropy{}, tn::adam{}, stopped_at(60)};
  CHECK(trainer.fit(unchecked{}).stopped);
  CHECK(trainer.progress().position == 60);
  CHECK(trainer.progress().samples == 90);
  CHECK(message_of<tn::argument_error>([&] { trainer.fit(unchecked{.count = 50}); }) ==
        "fit: the training stands at sample 60 of 90 of epoch 1, and the data set has 50 samples; go on with the data set that the epoch "
        "began with");
  CHECK_THROWS_AS(trainer.fit(unchecked{.count = 89}), tn::argument_error);
  // Progress of an unknown size can be checked against the position alone.
  trainer.resume_from({.updates = 6, .epoch = 0, .position = 60}, tn::seed{1});
  CHECK_THROWS_AS(trainer.fit(unchecked{.count = 60}), tn::argument_error);
  trainer.resume_from({.updates = 6, .epoch = 0, .position = 60}, tn::seed{1});
  const auto past =
      tn::trainer<tn::model<classifier>, tn::cross_entropy, tn::adam>{model, {}, {}, {.epochs = 2, .batch_size = 10}}.fit(unchecked{});
  CHECK(past.epochs.size() == 2);
}

TEST_CASE("training that diverges ends with an error, unless it is allowed") {
  const unchecked huge{.value = 1e30F};
  const tn::sgd fast{.learning_rate = 1e20};
  tn::model<classifier> model{tn::seed{1}};
  const std::string said =
      message_of<tn::training_error>([&] { tn::fit(model, huge, tn::cross_entropy{}, fast, {.epochs = 3, .threads = 1}); });
  CHECK(said.starts_with("fit: in epoch 1 the loss of the first "));
  CHECK(said.ends_with("training has diverged. A lower learning rate helps; fit_options::allow_non_finite goes on"));
  tn::model<classifier> other{tn::seed{1}};
  const auto past = tn::fit(other, huge, tn::cross_entropy{}, fast, {.epochs = 3, .threads = 1, .allow_non_finite = true});
  CHECK(past.epochs.size() == 3);
  CHECK(!std::isfinite(past.epochs.back().loss));
  CHECK(other.first_non_finite() == "0.weight");
}

TEST_CASE("a weight that is not finite is named") {
  tn::model<tn::network<tn::input<2, 4, 4>, tn::batch_norm<>, tn::flatten, tn::linear<3>>> model;
  CHECK(model.first_non_finite().empty());
  model.buffer("0.running_var")[1] = std::numeric_limits<float>::infinity();
  CHECK(model.first_non_finite() == "0.running_var");
  model.parameter("2.bias")[2] = std::numeric_limits<float>::quiet_NaN();
  CHECK(model.first_non_finite() == "2.bias");
  // The last step of an epoch may make weights that no loss has seen.
  tn::model<classifier> last{tn::seed{1}};
  CHECK(message_of<tn::training_error>([&] {
          tn::fit(last, unchecked{.count = 30}, tn::cross_entropy{}, tn::sgd{.learning_rate = 1e39}, {.batch_size = 30, .threads = 1});
        }).starts_with("fit: after epoch 1 the tensor '0.weight' holds a number that is not finite; "));
}

TEST_CASE("more threads than a machine can start are refused") {
  tn::model<classifier> model;
  for (const int threads : {-1, 4000, 100'000, std::numeric_limits<int>::max()}) {
    CAPTURE(threads);
    CHECK_THROWS_AS(tn::fit(model, unchecked{}, tn::cross_entropy{}, tn::adam{}, {.threads = threads}), tn::argument_error);
    CHECK_THROWS_AS(model.set_threads(threads), tn::argument_error);
  }
  CHECK(message_of<tn::argument_error>([&] { model.set_threads(-1); }) ==
        "set_threads: expected 0 (as many as pay) to 256 threads, got -1");
}

// AddressSanitizer ends a program that asks for as much.
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TYPENET_TEST_LIMITED_MEMORY 0
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define TYPENET_TEST_LIMITED_MEMORY 0
#endif
#ifndef TYPENET_TEST_LIMITED_MEMORY
TEST_CASE("a batch size that no memory suffices for says how much it needs") {
  // The samples alone take more than the 2^47 bytes that a process can address.
  tn::model<tn::network<tn::input<20'000>, tn::linear<3>>> model;
  const auto make = [&](int batch) {
    const tn::trainer trainer{model, tn::cross_entropy{}, tn::adam{}, tn::fit_options{.batch_size = batch}};
  };
  const std::string said = message_of<tn::argument_error>([&] { make(std::numeric_limits<int>::max()); });
  CHECK(said.starts_with("fit: there is no memory for steps of 2147483647 samples, which need "));
  CHECK(said.ends_with(" bytes; a smaller batch_size needs less"));
  CHECK_NOTHROW(make(10));
}
#endif

TEST_CASE("one model in two threads at once is noticed") {
  using deep = tn::network<tn::input<4>, tn::linear<2000>, tn::relu, tn::linear<2000>, tn::linear<3>>;
  tn::model<deep, tn::cpu_single> model{tn::seed{1}};
  const std::vector<float> sample(4, 1.0F);
  std::atomic<int> refused{0}, answered{0};
  const auto ask = [&](auto& of) {
    for (int i = 0; i < 200; ++i) {
      try {
        (void)of.predict(sample);
        ++answered;
      } catch (const tn::usage_error& e) {
        CHECK(std::string{e.what()} == "predict: another thread is in the same call on this object; give each thread a copy of the model");
        ++refused;
      }
    }
  };
  {
    std::jthread one{[&] { ask(model); }}, two{[&] { ask(model); }};
  }
  CHECK(refused > 0);
  CHECK(refused + answered == 400);
  refused = 0;
  auto copy = model;
  {
    std::jthread one{[&] { ask(model); }}, two{[&] { ask(copy); }};
  }
  CHECK(refused == 0);
}

TEST_CASE("a forked child trains and predicts, on one thread") {
  const auto train = [](tn::model<classifier>& model) {
    tn::fit(model, unchecked{}, tn::cross_entropy{}, tn::adam{}, {.batch_size = 90, .threads = 2});
    return model.parameter("0.weight")[0];
  };
  tn::model<classifier> model{tn::seed{1}}, again{tn::seed{1}};
  const float expected = train(model);  // starts OpenMP's threads, which a child does not have
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    alarm(60);
    _exit(train(again) == expected ? 0 : 1);
  }
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}

namespace {

/// The bytes that a trainer of `Network` on `Backend` allocates, and those that are announced.
template <class Backend, class... Networks>
void check_workspaces() {
  const auto one = []<class Network>(Network) {
    for (const int batch : {1, 5, 16, 33}) {
      tn::model<Network, Backend> model;
      const tn::trainer trainer{model, tn::mse{}, tn::sgd{}, tn::fit_options{.batch_size = batch, .threads = 1}};
      CHECK(trainer.workspace_bytes() == Network::template workspace_bytes<Backend>(batch));
    }
  };
  (one(Networks{}), ...);
}

template <class Backend>
void check_dozen() {
  using namespace typenet;
  using square = input<2, 8, 8>;
  check_workspaces<
      Backend, network<square, conv2d<4, 3>>, network<square, conv2d<4, 3, padding<1>>, batch_norm<>, relu, max_pool2d<2>>,
      network<square, conv2d<6, 5, stride<2>>, relu, flatten, linear<7>>, network<square, conv2d<4, 3, groups<2>>, group_norm<2>>,
      network<square, batch_norm<>, relu>, network<square, flatten, linear<40>, relu, linear<3>, softmax>,
      network<input<400>, linear<120>, typenet::tanh, linear<84>, gaussian_rbf<10>>, network<square, avg_pool2d<2>, flatten, linear<2>>,
      network<square, residual<conv2d<2, 3, padding<1>>, relu>>, network<square, concat<conv2d<2, 1>, max_pool2d<1>>, dropout<0.5>>,
      network<square, trainable_subsample<2>, scaled_tanh>, network<input<16, 5, 5>, conv2d<120, 5>, flatten, linear<10>>>();
}

}  // namespace

TEST_CASE("the workspace is announced to the byte") {
  check_dozen<tn::cpu>();
  check_dozen<tn::cpu_single>();
  check_dozen<tn::eigen_backend<double>>();
  check_dozen<testing::scalar_backend<float, 1>>();
  static_assert(classifier::workspace_bytes<tn::cpu>(32) == classifier::workspace_bytes<float>(32));
}
