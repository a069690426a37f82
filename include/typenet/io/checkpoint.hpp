// SPDX-License-Identifier: MIT
/// @file
/// save_checkpoint and load_checkpoint: the whole state of a training as a safetensors file. It holds the weights as `save_weights` writes
/// them (io/weights.hpp), and further tensors:
///
/// - `optimizer.<state>.<parameter>`: the optimizer's arrays, each laid out as its parameter
/// - `training.counters`: updates, epochs, position, correct samples, and the seed, as 64-bit integers
/// - `training.samples`: samples of the data set, where an epoch is under way
/// - `training.loss_sum`: the sum of the losses of the current epoch
/// - `best.<tensor>`, `training.best_epoch`, `training.best_score`: the best epoch, where `keep_best` has found one
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <typenet/core/random.hpp>
#include <typenet/core/type_name.hpp>
#include <typenet/io/weights.hpp>
#include <typenet/train/report.hpp>

namespace typenet {

/// Writes the state of a training: the weights, the optimizer's arrays, the progress, and the best epoch. It replaces an earlier file as a
/// whole; where writing fails, the earlier file stays.
/// @tparam Trainer an instance of `trainer` (train/trainer.hpp)
/// @throws file_error if it cannot be written
template <class Trainer>
void save_checkpoint(const std::filesystem::path& path, const Trainer& trainer) {
  using network = typename Trainer::network;
  detail::weight_writer<network> out;
  out.file.add_metadata("format", "pt");
  out.file.add_metadata("optimizer", std::string{detail::type_name<std::remove_cvref_t<decltype(trainer.optimizer())>>().view()});
  const auto parameters = detail::host_copy(trainer.model().parameter_array()), buffers = detail::host_copy(trainer.model().buffer_array());
  out.add(std::span{parameters}, std::span{buffers});
  std::vector<std::remove_const_t<decltype(parameters)>> states;
  for (int i = 0; i < Trainer::states; ++i) states.push_back(detail::host_copy(trainer.optimizer_state(i)));
  for (int i = 0; i < Trainer::states; ++i)
    out.add_parameters(std::span{std::as_const(states[static_cast<std::size_t>(i)])},
                       std::string{detail::optimizer_prefix} + std::string{trainer.state_name(i)} + ".");
  const training_progress& p = trainer.progress();
  const std::int64_t counters[] = {p.updates, p.epoch, p.position, p.correct, static_cast<std::int64_t>(trainer.seed().value)};
  const double sums[] = {p.loss_sum};
  out.file.add("training.counters", {5}, std::span<const std::int64_t>{counters});
  out.file.add("training.loss_sum", {1}, std::span<const double>{sums});
  const std::int64_t samples[] = {p.samples};
  if (p.position > 0) out.file.add("training.samples", {1}, std::span<const std::int64_t>{samples});
  const auto& best = trainer.best();
  const std::int64_t best_epoch[] = {best.epoch};
  const double best_score[] = {best.score};
  const auto best_parameters = detail::host_copy(best.parameters), best_buffers = detail::host_copy(best.buffers);
  if (best.epoch > 0) {
    out.add(std::span{best_parameters}, std::span{best_buffers}, std::string{detail::best_prefix});
    out.file.add("training.best_epoch", {1}, std::span<const std::int64_t>{best_epoch});
    out.file.add("training.best_score", {1}, std::span<const double>{best_score});
  }
  out.file.write(path);
}

/// Restores the state of a training from a file of `save_checkpoint`. Training then gives the results, to the last bit, of a training that
/// was not interrupted. Where the file is refused, trainer and model keep their state.
/// @tparam Trainer an instance of `trainer` (train/trainer.hpp)
/// @throws file_error if the file is malformed, of another network, another optimizer, or holds weights alone
template <class Trainer>
void load_checkpoint(const std::filesystem::path& path, Trainer& trainer) {
  using network = typename Trainer::network;
  using model = typename Trainer::model_type;
  using scalar = typename Trainer::scalar;
  using array = typename model::array;
  detail::weight_reader<network> in{path};
  const std::string optimizer{detail::type_name<std::remove_cvref_t<decltype(trainer.optimizer())>>().view()};
  if (in.file.find("training.counters") == nullptr) in.fail("it holds weights alone, not a training that could go on");
  if (const auto saved = in.file.metadata().find("optimizer"); saved != in.file.metadata().end() && saved->second != optimizer)
    in.fail("it was saved while training with " + saved->second + ", not " + optimizer);
  detail::staged_weights<model> staged, best;
  in.read(std::span{staged.parameters}, std::span{staged.buffers});
  std::vector<std::vector<scalar>> states;
  for (int i = 0; i < Trainer::states; ++i) {
    states.emplace_back(static_cast<std::size_t>(network::parameter_arena));
    in.read_parameters(std::span{states.back()}, std::string{detail::optimizer_prefix} + std::string{trainer.state_name(i)} + ".");
  }
  std::int64_t counters[5];
  double sums[1];
  in.file.read("training.counters", std::span<std::int64_t>{counters});
  in.file.read("training.loss_sum", std::span<double>{sums});
  std::int64_t samples[1] = {0}, best_epoch[1] = {0};
  double best_score[1] = {0};
  if (in.file.find("training.samples") != nullptr) in.file.read("training.samples", std::span<std::int64_t>{samples});
  if (in.file.find("training.best_epoch") != nullptr) {
    in.file.read("training.best_epoch", std::span<std::int64_t>{best_epoch});
    in.file.read("training.best_score", std::span<double>{best_score});
    in.read(std::span{best.parameters}, std::span{best.buffers}, std::string{detail::best_prefix});
  }
  in.expect_no_more([](std::string_view name) { return name.starts_with(detail::training_prefix); });
  const auto expect = [&](const char* what, std::int64_t value, std::int64_t least, std::int64_t most) {
    if (value < least || value > most)
      in.fail("it says that " + std::to_string(value) + " is " + what + "; expected " + std::to_string(least) + " to " +
              std::to_string(most));
  };
  // No training reaches these limits; sums of counts below them cannot overflow.
  constexpr std::int64_t most_updates = std::int64_t{1} << 53, most_epochs = std::numeric_limits<int>::max() - 1;
  expect("the number of updates", counters[0], 0, most_updates);
  expect("the number of epochs", counters[1], 0, most_epochs);
  expect("the position in the epoch", counters[2], 0, most_updates);
  expect("the number of correct samples", counters[3], 0, counters[2]);
  expect("the number of samples", samples[0], 0, most_updates);
  expect("the best epoch", best_epoch[0], 0, counters[1]);

  staged.commit(trainer.model());
  for (int i = 0; i < Trainer::states; ++i) trainer.optimizer_state(i).copy_from(states[static_cast<std::size_t>(i)]);
  trainer.resume_from({.updates = counters[0],
                       .epoch = static_cast<int>(counters[1]),
                       .position = counters[2],
                       .loss_sum = sums[0],
                       .correct = counters[3],
                       .samples = samples[0]},
                      seed{static_cast<std::uint64_t>(counters[4])});
  if (best_epoch[0] > 0) {
    array parameters{network::parameter_arena}, buffers{network::buffer_arena};
    parameters.copy_from(best.parameters);
    buffers.copy_from(best.buffers);
    trainer.restore_best({static_cast<int>(best_epoch[0]), best_score[0], std::move(parameters), std::move(buffers)});
  }
}

}  // namespace typenet
