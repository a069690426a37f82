// SPDX-License-Identifier: MIT
// Checks that the Thrust backend gives equal bits on one device: for repeated, interrupted and resumed trainings. Files carry weights
// between backends bit for bit.
#include <doctest/doctest.h>

#include <vector>

#include <typenet/io.hpp>

#include "../io/scratch_folder.hpp"
#include "support.hpp"

namespace tn = typenet;
using namespace on_thrust;

namespace {

/// A data set that the host reads: it returns the samples of another data set.
struct by_host {
  static constexpr tn::shape sample_shape{1, 8, 8};
  static constexpr int classes = 4;
  const bars_set* whole;

  [[nodiscard]] tn::index size() const { return whole->size(); }
  [[nodiscard]] int label(tn::index i) const { return whole->label(i); }
  void read(tn::index i, const tn::sample_key& key, std::span<float> out) const { whole->read(i, key, out); }
};

template <class Backend, class Data>
auto trained(const Data& data, const tn::fit_options& options) {
  tn::model<classifier, Backend> model{tn::seed{3}};
  tn::fit(model, data, tn::cross_entropy{}, tn::adam{.learning_rate = 3e-3}, options);
  return learned(model);
}

template <class Backend, class Data>
void check_repeated(const Data& data) {
  for (const int batch : {32, 70}) {
    const tn::fit_options options{.epochs = 2, .batch_size = batch};
    const auto once = trained<Backend>(data, options);
    CHECK(same_bits(trained<Backend>(data, options), once));
    auto other_seed = options;
    other_seed.seed = tn::seed{4};
    CHECK_FALSE(same_bits(trained<Backend>(data, other_seed), once));
    // The number of host threads does not change the result.
    auto threads = options;
    threads.threads = 2;
    CHECK(same_bits(trained<Backend>(data, threads), once));
  }
}

/// The number of samples of an epoch: 300 steps of two samples, in chunks of 256 and 44, and one step of one sample.
constexpr int many = 601;

template <class Scalar, class Data>
void check_stopping(const Data& data, int every) {
  using backend = tn::thrust_backend<Scalar>;
  const tn::adam optimizer{.learning_rate = 3e-3};
  const auto straight = trained<backend>(data, {.epochs = 3, .batch_size = 2});
  tn::model<classifier, backend> model{tn::seed{3}};
  int calls = 0, rounds = 1;
  std::vector<tn::index> stopped_at;
  tn::trainer trainer{model, tn::cross_entropy{}, optimizer,
                      tn::fit_options{.epochs = 3, .batch_size = 2, .on_step = [&](const tn::step_report& r) {
                                        stopped_at.push_back(r.samples);
                                        return ++calls % every == 0 ? tn::control::stop : tn::control::proceed;
                                      }}};
  while (trainer.fit(data).stopped) ++rounds;
  // Training stopped several times, also within an epoch.
  CHECK(rounds > 3);
  CHECK(std::find(stopped_at.begin(), stopped_at.end(), 512) != stopped_at.end());
  CHECK(trainer.progress().updates == 3 * 301);
  CHECK(same_bits(learned(model), straight));
}

template <class Optimizer>
void check_resuming(const Optimizer& optimizer, bool keep_best) {
  const scratch_folder folder;
  const auto file = folder / "c.safetensors";
  const auto data = bars(many + 60, 1);
  const tn::fit_options options{.epochs = 3, .batch_size = 2, .validation_split = 60.0 / (many + 60), .keep_best = keep_best};
  tn::model<classifier, tn::gpu> straight{tn::seed{9}};
  tn::fit(straight, data, tn::cross_entropy{}, optimizer, options);

  auto interrupted = options;
  int calls = 0;
  interrupted.on_step = [&](const tn::step_report&) { return ++calls == 4 ? tn::control::stop : tn::control::proceed; };
  {
    tn::model<classifier, tn::gpu> model{tn::seed{9}};
    tn::trainer trainer{model, tn::cross_entropy{}, optimizer, interrupted};
    CHECK(trainer.fit(data).stopped);
    CHECK(trainer.progress().epoch == 1);
    CHECK(trainer.progress().position == 512);
    tn::save_checkpoint(file, trainer);
  }
  // A resumed training gets every number from the file, whatever the seed of its model.
  tn::model<classifier, tn::gpu> model{tn::seed{1234}};
  tn::trainer trainer{model, tn::cross_entropy{}, optimizer, options};
  tn::load_checkpoint(file, trainer);
  CHECK(trainer.progress().updates == 301 + 256);
  CHECK_FALSE(trainer.fit(data).stopped);
  CHECK(same_bits(learned(model), learned(straight)));
}

template <class From, class To>
void check_weights_move() {
  const scratch_folder folder;
  const auto file = folder / "w.safetensors";
  tn::model<classifier, From> from{tn::seed{9}};
  tn::fit(from, bars(70, 1), tn::cross_entropy{}, tn::adam{}, {.threads = 1});
  tn::save_weights(file, from);
  tn::model<classifier, To> to{tn::seed{10}};
  CHECK_FALSE(same_bits(learned(to), learned(from)));
  tn::load_weights(file, to);
  CHECK(same_bits(learned(to), learned(from)));
  const auto image = rows_of<typename From::scalar>(bars(1, 2));
  const auto here = to.predict(image), there = from.predict(image);
  CHECK(distance(here, there) < (sizeof(typename From::scalar) == 8 ? 1e-12 : 1e-5));
}

}  // namespace

TEST_CASE("training twice gives the same bits") {
  SUBCASE("float") { check_repeated<tn::gpu>(bars(150, 1)); }
  SUBCASE("double") { check_repeated<tn::thrust_backend<double>>(bars(150, 1)); }
  SUBCASE("on augmented images") { check_repeated<tn::gpu>(turned_bars(150, 1)); }
  SUBCASE("on a data set that only the host can read") { check_repeated<tn::gpu>(host_only{bars(150, 1)}); }
}

TEST_CASE("a data set gives the same bits read by the device or by the host") {
  const auto data = bars(150, 1);
  CHECK(same_bits(trained<tn::gpu>(by_host{&data}, {.epochs = 2}), trained<tn::gpu>(data, {.epochs = 2})));
}

TEST_CASE("training that was stopped within an epoch goes on with the same bits") {
  SUBCASE("float") { check_stopping<float>(bars(many, 1), 1); }
  SUBCASE("double, now and then") { check_stopping<double>(bars(many, 1), 2); }
  SUBCASE("on augmented images") { check_stopping<float>(turned_bars(many, 1), 1); }
  SUBCASE("on a data set that only the host can read") { check_stopping<float>(host_only{bars(many, 1)}, 1); }
}

TEST_CASE("training that was stopped between epochs goes on with the same bits") {
  const auto data = turned_bars(150, 1);
  const auto straight = trained<tn::gpu>(data, {.epochs = 3});
  tn::model<classifier, tn::gpu> model{tn::seed{3}};
  int calls = 0;
  tn::trainer trainer{model, tn::cross_entropy{}, tn::adam{.learning_rate = 3e-3},
                      tn::fit_options{.epochs = 3, .on_epoch = [&](const tn::epoch_report& e) {
                                        CHECK(e.epoch == ++calls);
                                        return calls == 1 ? tn::control::stop : tn::control::proceed;
                                      }}};
  const auto first = trainer.fit(data);
  CHECK(first.stopped);
  CHECK(first.epochs.size() == 1);
  const auto second = trainer.fit(data);
  CHECK_FALSE(second.stopped);
  CHECK(second.epochs.size() == 2);
  CHECK(same_bits(learned(model), straight));
}

TEST_CASE("training that goes on from a checkpoint gives the same bits") {
  SUBCASE("adam") { check_resuming(tn::adam{.learning_rate = 1e-2}, false); }
  SUBCASE("sgd") { check_resuming(tn::sgd{.learning_rate = 1e-2, .momentum = 0.9}, false); }
  SUBCASE("rmsprop") { check_resuming(tn::rmsprop{.learning_rate = 1e-3, .momentum = 0.5, .centered = true}, false); }
  SUBCASE("and with the best epoch kept") { check_resuming(tn::adam{.learning_rate = 5e-2}, true); }
}

TEST_CASE("weights move between backends bit for bit") {
  SUBCASE("to the CPU") { check_weights_move<tn::gpu, tn::cpu>(); }
  SUBCASE("from the CPU") { check_weights_move<tn::cpu, tn::gpu>(); }
  SUBCASE("in double") { check_weights_move<tn::thrust_backend<double>, tn::eigen_backend<double>>(); }
}

TEST_CASE("training goes on from a checkpoint on another backend") {
  const scratch_folder folder;
  const auto file = folder / "c.safetensors";
  const auto data = bars(150, 1);
  const tn::adam optimizer{.learning_rate = 3e-3};
  const tn::fit_options options{.epochs = 2, .threads = 1};
  tn::model<classifier, tn::thrust_backend<double>> here{tn::seed{3}};
  tn::trainer first{here, tn::cross_entropy{}, optimizer, tn::fit_options{.epochs = 1}};
  first.fit(data);
  tn::save_checkpoint(file, first);

  tn::model<classifier, tn::eigen_backend<double>> there;
  tn::trainer rest{there, tn::cross_entropy{}, optimizer, options};
  tn::load_checkpoint(file, rest);
  CHECK(rest.fit(data).epochs.size() == 1);
  tn::model<classifier, tn::eigen_backend<double>> straight{tn::seed{3}};
  tn::fit(straight, data, tn::cross_entropy{}, optimizer, options);
  CHECK(distance(learned(there), learned(straight)) < 1e-7);
}

TEST_CASE("a refused file leaves model and training as they were") {
  using wider = tn::network<tn::input<1, 8, 8>, tn::conv2d<7, 3>, tn::batch_norm<>, tn::relu, tn::flatten, tn::linear<4>>;
  const scratch_folder folder;
  const auto file = folder / "c.safetensors";
  tn::model<classifier, tn::gpu> model{tn::seed{3}};
  tn::trainer trainer{model, tn::cross_entropy{}, tn::adam{}, tn::fit_options{}};
  trainer.fit(bars(40, 1));
  tn::save_checkpoint(file, trainer);
  tn::model<wider, tn::gpu> other{tn::seed{1}};
  const auto before = learned(other);
  CHECK_THROWS_AS(tn::load_weights(file, other), tn::file_error);
  CHECK(same_bits(learned(other), before));
  tn::model<classifier, tn::gpu> same{tn::seed{1}};
  const auto untrained = learned(same);
  tn::trainer by_sgd{same, tn::cross_entropy{}, tn::sgd{}, tn::fit_options{}};
  CHECK_THROWS_AS(tn::load_checkpoint(file, by_sgd), tn::file_error);
  CHECK(same_bits(learned(same), untrained));
  CHECK(by_sgd.progress().updates == 0);
}
