// SPDX-License-Identifier: MIT
/// @file
/// trainer: trains a model step by step; it can stop, and resume from a checkpoint. `fit` (train/fit.hpp) is the same in one call.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <typenet/backends/batch_state.hpp>
#include <typenet/core/config.hpp>
#include <typenet/core/error.hpp>
#include <typenet/core/random.hpp>
#include <typenet/data/dataset.hpp>
#include <typenet/data/split.hpp>
#include <typenet/graph/schedule.hpp>
#include <typenet/losses/loss.hpp>
#include <typenet/losses/target.hpp>
#include <typenet/optimizers/optimizer.hpp>
#include <typenet/runtime/batch_memory.hpp>
#include <typenet/runtime/curvature.hpp>
#include <typenet/runtime/executor.hpp>
#include <typenet/runtime/training_step.hpp>
#include <typenet/simd/execution.hpp>
#include <typenet/simd/lane_view.hpp>
#include <typenet/train/batch_loader.hpp>
#include <typenet/train/curvature_check.hpp>
#include <typenet/train/evaluate.hpp>
#include <typenet/train/options.hpp>
#include <typenet/train/prefetcher.hpp>
#include <typenet/train/report.hpp>
#include <typenet/train/samples_check.hpp>
#include <typenet/train/thread_tuner.hpp>

namespace typenet {

/// Trains a model. It owns everything that training needs besides the model's parameters, allocated once: a step allocates
/// nothing. @see fit, save_checkpoint, load_checkpoint
///
/// The same seed gives the same parameters to the last bit, for any number of threads, stopped and resumed or not.
template <class Model, class Loss, class Optimizer>
class trainer {
 public:
  using model_type = Model;
  using network = typename Model::network;
  using backend = typename Model::backend;
  using scalar = typename Model::scalar;
  using array = typename Model::backend::array;
  static constexpr int lanes = backend::lanes;
  static constexpr int states = static_cast<int>(Optimizer::state_names.size());

  /// @param model must outlive the trainer
  /// @throws argument_error if an option or a hyper-parameter is out of range
  trainer(Model& model, Loss loss, Optimizer optimizer, fit_options options = {})
      : model_{&model},
        loss_{loss},
        optimizer_{optimizer},
        options_{checked(std::move(options))},
        seed_{options_.seed.value_or(model.seed())},
        capacity_{network::padded_batch(options_.batch_size, lanes)},
        activations_{capacity_ * executor_type::activations},
        gradients_{capacity_ * executor_type::gradients},
        parameter_gradients_{network::parameter_arena},
        group_sums_{grouped_execution<typename backend::execution> ? capacity_ / lanes * detail::group_plan<compiled>::sums : 0},
        scratch_{executor_type::scratch_size(capacity_)},
        losses_{capacity_},
        correct_{capacity_},
        keys_{1},
        tally_{1},
        current_update_{1},
        layout_converter_{capacity_, std::max<index>(Model::inputs, Model::outputs)},
        staged_labels_(static_cast<std::size_t>(capacity_)),
        staged_numbers_(static_cast<std::size_t>(capacity_)) {
    static_assert(detail::check_curvature<Optimizer, network, Loss>());
    optimizer_.check();
    next_updates_.reserve(1);
    staging(0);
    for (auto& state : states_) state = array{network::parameter_arena};
    if constexpr (uses_chunks) batch_ = sample_memory{capacity_, Model::inputs};
    if (options_.threads > 0)
      tuner_ = detail::thread_tuner::fixed(options_.threads);
    else if (worth_a_team(options_.batch_size))
      tuner_ = detail::thread_tuner::by_trial(backend::max_threads());
  }

  [[nodiscard]] Model& model() { return *model_; }
  [[nodiscard]] const Model& model() const { return *model_; }
  /// May be changed between steps, as a schedule of the learning rate does.
  [[nodiscard]] Optimizer& optimizer() { return optimizer_; }
  [[nodiscard]] const Optimizer& optimizer() const { return optimizer_; }
  [[nodiscard]] const fit_options& options() const { return options_; }
  [[nodiscard]] typenet::seed seed() const { return seed_; }
  /// Threads in use; while the number is being chosen, the one under trial.
  [[nodiscard]] int threads() const { return tuner_.threads(); }
  [[nodiscard]] const training_progress& progress() const { return progress_; }
  /// The name of one of the optimizer's arrays, as in PyTorch.
  [[nodiscard]] static constexpr std::string_view state_name(int i) { return Optimizer::state_names[static_cast<std::size_t>(i)]; }
  /// One of the optimizer's arrays, laid out as the model's parameters.
  [[nodiscard]] array& optimizer_state(int i) { return states_[static_cast<std::size_t>(i)]; }
  [[nodiscard]] const array& optimizer_state(int i) const { return states_[static_cast<std::size_t>(i)]; }
  /// The gradients of the last step, laid out as the model's parameters.
  [[nodiscard]] const array& parameter_gradients() const { return parameter_gradients_; }

  /// What a device recorded of the step, to repeat it.
  [[nodiscard]] const typename backend::recording& recording() const { return recording_; }

  /// The best epoch so far, where `keep_best` asked for it.
  struct best_epoch {
    int epoch = 0;
    double score = -std::numeric_limits<double>::infinity();
    array parameters, buffers;
  };
  [[nodiscard]] const best_epoch& best() const { return best_; }

  /// Puts back what a checkpoint holds; arrays are written through `model()` and `optimizer_state()`.
  void resume_from(const training_progress& progress, typenet::seed s) {
    progress_ = progress;
    seed_ = s;
  }
  void restore_best(best_epoch best) { best_ = std::move(best); }

  /// One step on samples at hand: `samples` [sample][channel][row][column] and the class of each.
  /// @returns the mean loss before the step
  /// @throws argument_error if the sizes do not fit, there are more samples than the batch size, or a class is out of range
  double step(std::span<const scalar> samples, std::span<const int> labels) {
    static_assert(detail::check_loss<Loss, network, class_targets<Model::outputs>>());
    const index count = checked_count(samples.size(), labels.size());
    for (std::size_t i = 0; i < labels.size(); ++i) {
      const int label = labels[i];
      if (label < 0 || label >= Model::outputs)
        throw argument_error("step: label " + std::to_string(label) + " is not one of the " + std::to_string(Model::outputs) +
                             " classes 0 to " + std::to_string(Model::outputs - 1));
      staged_labels_[i] = static_cast<scalar>(label);
    }
    sample_memory& staged = stage(samples, count);
    staged.labels.copy_from(staged_labels_);
    return step_staged(staged, count, labels_of(staged));
  }

  /// The same with a target for each output: `targets` [sample][output].
  double step(std::span<const scalar> samples, std::span<const scalar> targets) {
    static_assert(detail::check_loss<Loss, network, dense_targets<network::output_shape>>());
    const index count = checked_count(samples.size(), targets.size() / static_cast<std::size_t>(Model::outputs));
    sample_memory& staged = stage(samples, count);
    if (targets_.size() == 0) targets_ = array{capacity_ * Model::outputs};
    layout_converter_.to_lanes(model_->stream(), targets, count, Model::outputs, targets_.data());
    return step_staged(staged, count, detail::dense_values<scalar, lanes>{{targets_.data(), index{Model::outputs} * lanes}});
  }

  /// Estimates the second derivatives by which such an optimizer scales its steps, on as many samples as it says; `fit` does so before
  /// each epoch. They are `optimizer_state(0)`.
  template <dataset Data>
    requires detail::uses_curvature<Optimizer>
  void estimate_curvature(const Data& data) {
    static_assert(detail::check_samples<network, Data>());
    static_assert(detail::check_loss<Loss, network, class_targets<Data::classes>>());
    using workspace = detail::curvature_workspace<backend, network>;
    if (!curvature_) curvature_.emplace(capacity_);
    const index total = data.size();
    if (curvature_->order.size() != total) curvature_->order = typename backend::template memory<std::uint32_t>{total};
    detail::shuffle<backend>(model_->stream(), seed_, static_cast<std::uint32_t>(progress_.epoch), curvature_->order, curvature_->sort_keys,
                             random_stream::curvature);
    detail::batch_request wanted{.order = curvature_->order.data(),
                                  .first = 0,
                                  .count = 0,
                                  .batch = options_.batch_size,
                                  .padded = capacity_,
                                  .key = {.seed = seed_, .epoch = static_cast<std::uint32_t>(progress_.epoch)}};
    const index all = std::min<index>(total, optimizer_.curvature_samples);
    sample_memory& staged = staging(0);
    states_[0] = array{network::parameter_arena};
    detail::sample_reader<backend, Data> reader{data};
    reader.set_order(curvature_->order);
    for (; wanted.first < all; wanted.first += wanted.count) {
      wanted.count = std::min<index>(options_.batch_size, all - wanted.first);
      reader.read(model_->stream(), wanted, staged);
      const batch_state state{wanted.count, false, keys_.data(), staged.samples.data()};
      const detail::curvature_pass<typename workspace::compiled, detail::layout_of<backend>, Loss, labels_type> pass{
          curvature_->memory(*model_, staged.input.data(), capacity_), loss_, labels_of(staged),
          static_cast<scalar>(1.0 / static_cast<double>(all)), states_[0].data()};
      model_->stream().run(tuner_.threads(), state, pass);
      model_->stream().wait();  // before what it reads is written again
    }
  }

  /// Trains until `epochs` are complete in all, counting those of a resumed checkpoint.
  template <dataset Data>
  history fit(const Data& data) {
    if (data.size() < 1) throw argument_error("fit: the data set is empty");
    if (options_.validation_split > 0) {
      const auto [training, held_out] = stratified_split(data, options_.validation_split, seed_);
      if (training.size() < 1 || held_out.size() < 1)
        throw argument_error("fit: a validation_split of " + std::to_string(options_.validation_split) + " leaves " +
                             std::to_string(training.size()) + " samples to train on and " + std::to_string(held_out.size()) +
                             " to validate on; both need at least one");
      return fit_epochs(training, &held_out);
    }
    return fit_epochs(data, static_cast<const Data*>(nullptr));
  }

 private:
  using executor_type = detail::executor_for<network, backend>;
  using compiled = detail::compiled_for<network, backend>;
  using update_type = decltype(std::declval<const Optimizer&>().template update<scalar>(index{1}));
  using sample_memory = detail::sample_memory<backend>;
  using labels_type = detail::class_labels<scalar>;
  /// A device repeats one recorded step, which takes its batch from wherever the chunk has come to.
  static constexpr bool uses_chunks = !backend::host_memory;

  /// Whether the layers of a step have so much to do, some microseconds each, that threads could gain more than their meetings cost.
  static constexpr bool worth_a_team(int samples) { return 3 * network::macs * samples / network::layer_count >= 200'000; }

  static fit_options checked(fit_options options) {
    const auto refuse = [](const std::string& what) { throw argument_error("fit: " + what); };
    if (options.epochs < 0) refuse("epochs must not be negative, got " + std::to_string(options.epochs));
    if (options.batch_size < 1) refuse("batch_size must be at least 1, got " + std::to_string(options.batch_size));
    if (options.threads < 0) refuse("threads must be 0 (chosen by trial) or more, got " + std::to_string(options.threads));
    if (!(options.validation_split >= 0 && options.validation_split < 1))
      refuse("validation_split must be at least 0 and below 1, got " + std::to_string(options.validation_split));
    return options;
  }

  index checked_count(std::size_t numbers, std::size_t targets) const {
    const auto count = static_cast<index>(targets);
    if (count < 1 || count > options_.batch_size || static_cast<index>(numbers) != count * Model::inputs)
      throw argument_error("step: expected 1 to " + std::to_string(options_.batch_size) + " samples of " + std::to_string(Model::inputs) +
                           " numbers and a target for each, got " + std::to_string(numbers) + " numbers and " + std::to_string(targets) +
                           " targets");
    return count;
  }

  /// Samples at hand, where a step reads its batch.
  sample_memory& stage(std::span<const scalar> samples, index count) {
    sample_memory& staged = uses_chunks ? batch_ : staging(0);
    layout_converter_.to_lanes(model_->stream(), samples, count, Model::inputs, staged.input.data());
    // They have no number in a data set: each step's are new.
    for (std::size_t i = 0; i < staged_numbers_.size(); ++i)
      staged_numbers_[i] = static_cast<std::uint32_t>(progress_.updates * capacity_) + static_cast<std::uint32_t>(i);
    staged.samples.copy_from(staged_numbers_);
    return staged;
  }
  labels_type labels_of(const sample_memory& r) const { return {r.labels.data()}; }

  /// Makes room for chunks of `steps` batches.
  sample_memory& staging(std::size_t which, index steps = 1) {
    if (staging_[which].labels.size() < steps * capacity_) staging_[which] = sample_memory{steps * capacity_, Model::inputs};
    return staging_[which];
  }

  template <class Targets>
  double step_staged(sample_memory& staged, index count, const Targets& targets) {
    const detail::training_tally none[] = {{}};
    tally_.copy_from(none);
    write_updates(1);
    current_update_.copy_from(next_updates_);
    const batch_state state = begin(count, staged);
    model_->stream().run(tuner_.threads(), state, step_of<false>(staged, targets));
    ++progress_.updates;
    return read_tally().loss / static_cast<double>(count);
  }

  /// The arithmetic of the next `steps` updates.
  void write_updates(index steps) {
    next_updates_.clear();
    for (index i = 1; i <= steps; ++i) next_updates_.push_back(optimizer_.template update<scalar>(progress_.updates + i));
  }
  batch_state begin(index count, const sample_memory& batch) {
    const batch_keys keys[] = {{seed_, static_cast<std::uint32_t>(progress_.epoch)}};
    keys_.copy_from(keys);
    return {count, true, keys_.data(), batch.samples.data()};
  }
  detail::training_tally read_tally() {
    model_->stream().wait();
    std::array<detail::training_tally, 1> tally;
    tally_.copy_to(tally);
    return tally[0];
  }

  /// Forward, loss, backward and update, on the batch in `staged` or on one taken from `chunk`.
  template <bool UsesChunks, class Targets>
  auto step_of(sample_memory& staged, const Targets& targets, const sample_memory* chunk = nullptr) {
    detail::training_step<compiled, detail::layout_of<backend>, Loss, update_type, states, Targets, UsesChunks> step{
        .memory = {}, .loss = loss_, .targets = targets, .states = {}, .chunk = {}};
    step.memory.input = staged.input.data();
    step.memory.activations = activations_.data();
    step.memory.gradients = gradients_.data();
    step.memory.parameters = model_->parameter_array().data();
    step.memory.parameter_gradients = parameter_gradients_.data();
    step.memory.group_sums = group_sums_.data();
    step.memory.buffers = model_->buffer_array().data();
    step.memory.scratch = scratch_.data();
    step.memory.capacity = capacity_;
    step.parameters = model_->parameter_array().data();
    for (std::size_t i = 0; i < states_.size(); ++i) step.states.of[i] = states_[i].data();
    step.losses = losses_.data();
    step.correct = correct_.data();
    step.tally = tally_.data();
    step.update = current_update_.data();
    if constexpr (UsesChunks) {
      step.updates = updates_.data();
      step.chunk = {chunk->input.data(), chunk->labels.data(), chunk->samples.data()};
      step.input = staged.input.data();
      step.labels = staged.labels.data();
      step.samples = staged.samples.data();
    }
    return step;
  }

  /// All steps of a chunk.
  /// @returns what the epoch has come to
  detail::training_tally run_chunk(const detail::sample_chunk<backend>& chunk) {
    const detail::training_tally so_far[] = {{progress_.loss_sum, progress_.correct, 0}};
    tally_.copy_from(so_far);
    write_updates(chunk.steps);
    auto& stream = model_->stream();
    if constexpr (uses_chunks) {
      updates_.copy_from(next_updates_);
      const auto step = step_of<true>(batch_, labels_of(batch_), chunk.memory);
      const index batch = chunk.count / chunk.steps;
      const batch_state state = begin(batch, batch_);
      if (batch == options_.batch_size)
        stream.repeat(recording_, tuner_.threads(), state, step, chunk.steps);
      else
        stream.run(tuner_.threads(), state, step);
    } else {
      current_update_.copy_from(next_updates_);
      stream.run(tuner_.threads(), begin(chunk.count, *chunk.memory), step_of<false>(*chunk.memory, labels_of(*chunk.memory)));
    }
    progress_.updates += chunk.steps;
    return read_tally();
  }

  template <class Data, class HeldOut>
  history fit_epochs(const Data& data, const HeldOut* held_out) {
    history past;
    while (progress_.epoch < options_.epochs) {
      epoch_report now;
      if (!run_epoch(data, now)) {
        past.stopped = true;
        past.epoch = progress_.epoch;
        return past;  // within an epoch: to be gone on with
      }
      if (held_out != nullptr) now.validation = evaluate(*model_, *held_out, loss_);
      if (options_.keep_best) remember(now);
      past.epochs.push_back(now);
      if (options_.on_epoch && options_.on_epoch(now) == control::stop && progress_.epoch < options_.epochs) {
        past.stopped = true;
        break;
      }
    }
    past.epoch = progress_.epoch;
    if (options_.keep_best && best_.epoch > 0) {
      model_->parameter_array() = best_.parameters;
      model_->buffer_array() = best_.buffers;
      past.epoch = best_.epoch;
    }
    return past;
  }

  void remember(const epoch_report& now) {
    const double score = now.validation ? now.validation->accuracy : -now.loss;
    if (score > best_.score) best_ = {now.epoch, score, model_->parameter_array(), model_->buffer_array()};
  }

  /// One epoch, or what is left of it.
  /// @returns whether it was completed
  template <class Data>
  bool run_epoch(const Data& data, epoch_report& now) {
    static_assert(detail::check_samples<network, Data>());
    static_assert(detail::check_loss<Loss, network, class_targets<Data::classes>>());
    using prefetcher = detail::prefetcher<backend, Data>;
    const index total = data.size();
    const auto start = std::chrono::steady_clock::now();
    const index began_at = progress_.position;
    const detail::batch_request wanted{.order = order_epoch(total),
                                        .first = began_at,
                                        .count = total - began_at,
                                        .batch = options_.batch_size,
                                        .padded = capacity_,
                                        .key = {.seed = seed_, .epoch = static_cast<std::uint32_t>(progress_.epoch)}};
    const index most_steps = prefetcher::most_steps(capacity_, Model::inputs);
    staging(0, most_steps);
    if constexpr (uses_chunks) {
      if (updates_.size() < most_steps) updates_ = typename backend::template memory<update_type>{most_steps};
    } else {
      staging(1);
    }
    if (options_.learning_rate) optimizer_.learning_rate = options_.learning_rate(progress_.epoch + 1);
    if constexpr (detail::uses_curvature<Optimizer>)
      if (began_at == 0) estimate_curvature(data);
    bool stopped = false;
    {
      prefetcher feed{data, model_->stream(), wanted, order_, staging_};
      while (progress_.position < total && !stopped) {
        const detail::sample_chunk<backend> chunk = feed.next();
        const auto step_start = std::chrono::steady_clock::now();
        const detail::training_tally tally = run_chunk(chunk);
        if (chunk.count == options_.batch_size) tuner_.add(std::chrono::steady_clock::now() - step_start);
        progress_.position += chunk.count;
        progress_.loss_sum = tally.loss;
        progress_.correct = tally.correct;
        feed.release();
        if (options_.on_step && options_.on_step({progress_.epoch + 1, progress_.position, total,
                                                  progress_.loss_sum / static_cast<double>(progress_.position)}) == control::stop)
          stopped = progress_.position < total;
      }
    }
    if (stopped) return false;
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    now.epoch = ++progress_.epoch;
    now.loss = progress_.loss_sum / static_cast<double>(total);
    now.accuracy = static_cast<double>(progress_.correct) / static_cast<double>(total);
    now.seconds = seconds.count();
    now.samples_per_second = static_cast<double>(total - began_at) / seconds.count();
    progress_.position = 0;
    progress_.loss_sum = 0;
    progress_.correct = 0;
    return true;
  }

  /// The epoch's order, a function of seed and epoch alone; null: as they lie.
  const std::uint32_t* order_epoch(index total) {
    if (!options_.shuffle) return nullptr;
    if (order_.size() != total) order_ = typename backend::template memory<std::uint32_t>{total};
    detail::shuffle<backend>(model_->stream(), seed_, static_cast<std::uint32_t>(progress_.epoch), order_, sort_keys_);
    return order_.data();
  }

  Model* model_;
  Loss loss_;
  Optimizer optimizer_;
  fit_options options_;
  typenet::seed seed_;
  index capacity_;
  array activations_, gradients_, parameter_gradients_, group_sums_, scratch_, losses_, correct_, targets_;
  std::array<array, static_cast<std::size_t>(states)> states_;
  typename backend::template memory<batch_keys> keys_;
  typename backend::template memory<detail::training_tally> tally_;
  typename backend::template memory<update_type> current_update_, updates_;
  std::vector<update_type> next_updates_;
  typename backend::layout_converter layout_converter_;
  std::vector<scalar> staged_labels_;
  std::vector<std::uint32_t> staged_numbers_;
  typename backend::recording recording_;
  /// Where a device's step reads; and where chunks arrive.
  sample_memory batch_;
  std::array<sample_memory, 2> staging_;
  typename backend::template memory<std::uint32_t> order_;
  typename backend::template memory<std::uint64_t> sort_keys_;
  std::optional<detail::curvature_workspace<backend, network>> curvature_;
  training_progress progress_;
  best_epoch best_;
  detail::thread_tuner tuner_;
};

}  // namespace typenet
