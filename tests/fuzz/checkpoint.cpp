// SPDX-License-Identifier: MIT
// Reads the input as a checkpoint and goes on training from it. A trainer whose file is refused keeps its state. A state that is accepted
// can be saved, and comes back with equal bits. Training from it ends, and its reports are those of a training.
#include <algorithm>
#include <memory>

#include "fuzz.hpp"

namespace {

/// A model and its trainer.
struct training {
  fuzz::model model{fuzz::tn::seed{1}};
  fuzz::trainer trainer;
  int steps = 0;

  training() : trainer{model, {}, {.learning_rate = 1e-3}, options()} {}

  /// Training that would not end is stopped, and counted, at a step that no resumed training reaches.
  static constexpr int too_many = 100;
  fuzz::tn::fit_options options() {
    fuzz::tn::fit_options all = fuzz::training_options();
    all.on_step = [this](const fuzz::tn::step_report&) {
      return ++steps < too_many ? fuzz::tn::control::proceed : fuzz::tn::control::stop;
    };
    return all;
  }
  [[nodiscard]] std::string bits() const {
    const fuzz::tn::training_progress& p = trainer.progress();
    const std::int64_t counters[] = {p.updates, p.epoch, p.position, p.correct, static_cast<std::int64_t>(trainer.seed().value)};
    const double sums[] = {p.loss_sum, trainer.best().score};
    const int best[] = {trainer.best().epoch};
    return fuzz::bits_of(model) + fuzz::bits_of(trainer.optimizer_state(0), trainer.optimizer_state(1), std::span{counters},
                                                std::span{sums}, std::span{best}, trainer.best().parameters, trainer.best().buffers);
  }
};

/// Trains on from the state of a checkpoint that was accepted.
void go_on(training& resumed) {
  const fuzz::tn::training_progress before = resumed.trainer.progress();
  fuzz::demand(before.updates >= 0 && before.epoch >= 0 && before.position >= 0, "counters are not negative");
  fuzz::tn::history past;
  try {
    past = resumed.trainer.fit(fuzz::samples());
  } catch (const fuzz::tn::error&) {
    return;  // a checkpoint of other data, or numbers that no training survives
  }
  fuzz::demand(resumed.steps < training::too_many, "a resumed training ends");
  fuzz::demand(past.epoch >= 0 && past.epoch <= std::max(before.epoch, resumed.trainer.options().epochs),
               "the epoch of the weights exists");
  for (const fuzz::tn::epoch_report& epoch : past.epochs) {
    fuzz::demand(epoch.epoch > before.epoch && epoch.epoch <= resumed.trainer.options().epochs,
                 "epochs are counted from the checkpoint's on");
    fuzz::demand(epoch.samples_per_second >= 0, "a speed is not negative");
    fuzz::demand(epoch.accuracy >= 0 && epoch.accuracy <= 1, "an accuracy is a fraction");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static auto read = std::make_unique<training>();
  static const std::string fresh_bits = read->bits();
  const auto file = fuzz::input_file("checkpoint", {data, size});
  try {
    fuzz::tn::load_checkpoint(file, read->trainer);
  } catch (const fuzz::tn::error&) {
    fuzz::demand(read->bits() == fresh_bits, "a trainer whose file is refused keeps its state");
    return 0;
  }
  ++fuzz::accepted;
  // The next input gets a trainer that has loaded nothing.
  const std::unique_ptr<training> resumed = std::exchange(read, std::make_unique<training>());
  fuzz::tn::save_checkpoint(file, resumed->trainer);
  training again;
  fuzz::tn::load_checkpoint(file, again.trainer);
  fuzz::demand(again.bits() == resumed->bits(), "a state that was accepted is saved and read again with equal bits");
  go_on(*resumed);
  return 0;
}
