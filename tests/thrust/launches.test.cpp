// SPDX-License-Identifier: MIT
// Tests every launch mode of a device: single kernels, a recorded graph, and one cooperative kernel for many steps. On the host the modes
// are equal.
#include <doctest/doctest.h>

#include <vector>

#include "support.hpp"

namespace tn = typenet;
using namespace on_thrust;

namespace {

struct outcome {
  std::vector<double> losses;
  std::vector<float> learned;
  tn::report found;
};

/// Trains two epochs of full batches and a remainder, then one step on given samples, then a third epoch. The single step is other work, so
/// that the third epoch is recorded anew.
template <tn::device_launch Launch, class Net>
outcome run() {
  const auto data = turned_bars(150, 1);
  tn::model<Net, tn::thrust_backend<float, Launch>> model{tn::seed{3}};
  outcome result;
  const tn::fit_options options{.epochs = 3, .on_epoch = [&](const tn::epoch_report& e) {
                                  result.losses.push_back(e.loss);
                                  return e.epoch == 2 ? tn::control::stop : tn::control::proceed;
                                }};
  tn::trainer trainer{model, tn::cross_entropy{}, tn::adam{.learning_rate = 3e-3}, options};
  trainer.fit(data);
  const auto images = rows_of<float>(bars(9, 2));
  result.losses.push_back(trainer.step(std::span<const float>{images}, std::span<const int>{std::vector<int>(9, 2)}));
  trainer.fit(data);
  CHECK(trainer.progress().epoch == 3);
  CHECK(trainer.progress().updates == 3 * 5 + 1);
  result.learned = learned(model);
  result.found = tn::evaluate(model, data, tn::cross_entropy{});
  return result;
}

template <class Net>
void check_launches() {
  const auto graph = run<tn::device_launch::graph, Net>();
  const auto stream = run<tn::device_launch::stream, Net>();
  const auto persistent = run<tn::device_launch::persistent, Net>();
  REQUIRE(graph.losses.size() == 4);
  CHECK(graph.losses[3] < graph.losses[0]);
  // A graph replays the kernels of the stream.
  CHECK(graph.losses == stream.losses);
  CHECK(same_bits(graph.learned, stream.learned));
  CHECK(graph.found.predicted == stream.found.predicted);
  // The cooperative kernel is compiled separately and may round differently.
  CHECK(distance(persistent.losses, graph.losses) < 1e-4);
  CHECK(distance(persistent.learned, graph.learned) < 1e-3);
  CHECK(distance(persistent.found.loss, graph.found.loss) < 1e-3);
  const auto again = run<tn::device_launch::persistent, Net>();
  CHECK(again.losses == persistent.losses);
  CHECK(same_bits(again.learned, persistent.learned));
}

template <tn::device_launch Launch>
void check_copies() {
  using model_type = tn::model<classifier, tn::thrust_backend<float, Launch>>;
  const auto data = bars(96, 1);
  const tn::adam optimizer{.learning_rate = 3e-3};
  model_type straight{tn::seed{3}};
  tn::fit(straight, data, tn::cross_entropy{}, optimizer, {.epochs = 3});

  model_type model{tn::seed{3}};
  const tn::fit_options options{.epochs = 3, .on_epoch = [](const tn::epoch_report&) { return tn::control::stop; }};
  tn::trainer first{model, tn::cross_entropy{}, optimizer, options};
  first.fit(data);
  auto copy = first;
  copy.fit(data);
  CHECK(first.progress().epoch == 1);
  auto moved = std::move(copy);
  moved.fit(data);
  CHECK(moved.progress().epoch == 3);
  CHECK(same_bits(learned(model), learned(straight)));
}

}  // namespace

TEST_CASE("a network learns the same however its steps are launched") {
  SUBCASE("small") { check_launches<smooth>(); }
  SUBCASE("with dropout and batch norm") { check_launches<classifier>(); }
}

TEST_CASE("a trainer can be copied and moved between epochs") {
  // A recorded step holds addresses: it must use the current memory of the trainer.
  SUBCASE("stream") { check_copies<tn::device_launch::stream>(); }
  SUBCASE("graph") { check_copies<tn::device_launch::graph>(); }
  SUBCASE("persistent") { check_copies<tn::device_launch::persistent>(); }
}
