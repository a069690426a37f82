// SPDX-License-Identifier: MIT
/// @file
/// trainer: trains a model epoch by epoch or step by step. It can stop, and resume from a checkpoint.
/// train/fit.hpp says how a kernel is reached from here.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <new>
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
#include <typenet/losses/loss.hpp>
#include <typenet/losses/target.hpp>
#include <typenet/optimizers/optimizer.hpp>
#include <typenet/runtime/curvature.hpp>
#include <typenet/runtime/executor.hpp>
#include <typenet/runtime/training_step.hpp>
#include <typenet/train/batch_loader.hpp>
#include <typenet/train/best_epoch.hpp>
#include <typenet/train/curvature_check.hpp>
#include <typenet/train/evaluate.hpp>
#include <typenet/train/options.hpp>
#include <typenet/train/prefetcher.hpp>
#include <typenet/train/report.hpp>
#include <typenet/train/sample_order.hpp>
#include <typenet/train/samples_check.hpp>
#include <typenet/train/step_check.hpp>
#include <typenet/train/thread_tuner.hpp>
#include <typenet/train/training_memory.hpp>

namespace typenet {

/// Trains a model. It owns all memory that training needs, except the model's; a step allocates nothing.
///
/// One seed gives one result, to the last bit: for any number of threads, stopped and resumed or not.
/// @tparam Model an instance of `model`
/// @tparam Loss a type that models `loss`
/// @tparam Optimizer a type that models `optimizer`
/// @see fit, save_checkpoint, load_checkpoint
template <class Model, class Loss, class Optimizer>
class trainer {
  static_assert(detail::check_optimizer<Optimizer>());

 public:
  using model_type = Model;
  using network = typename Model::network;
  using backend = typename Model::backend;
  using scalar = typename Model::scalar;
  using array = typename Model::backend::array;
  static constexpr int lanes = backend::lanes;
  static constexpr int states = static_cast<int>(Optimizer::state_names.size());

  /// Allocates the memory of all steps.
  /// @param model must outlive the trainer
  /// @throws argument_error if an option or a hyper-parameter is out of range, or the batch size needs more memory than there is
  trainer(Model& model, Loss loss, Optimizer optimizer, fit_options options = {}) try
      : model_{&model},
        loss_{loss},
        optimizer_{optimizer},
        options_{detail::checked(std::move(options), most_threads(backend::max_threads()))},
        seed_{options_.seed.value_or(model.seed())},
        capacity_{network::padded_batch(options_.batch_size, lanes)},
        memory_{capacity_},
        staging_{capacity_} {
    static_assert(detail::check_curvature<Optimizer, network, Loss>());
    optimizer_.check();
    if (options_.threads > 0)
      tuner_ = detail::thread_tuner::fixed(options_.threads);
    else if (worth_a_team(options_.batch_size))
      tuner_ = detail::thread_tuner::by_trial(backend::max_threads());
  } catch (const std::bad_alloc&) {
    throw argument_error(detail::no_memory_for(options.batch_size, network::template activation_bytes<backend>(options.batch_size) +
                                                                       network::template workspace_bytes<backend>(options.batch_size)));
  }

  [[nodiscard]] Model& model() { return *model_; }
  [[nodiscard]] const Model& model() const { return *model_; }
  /// The optimizer. Its hyper-parameters may be changed between steps.
  [[nodiscard]] Optimizer& optimizer() { return optimizer_; }
  [[nodiscard]] const Optimizer& optimizer() const { return optimizer_; }
  [[nodiscard]] const fit_options& options() const { return options_; }
  [[nodiscard]] typenet::seed seed() const { return seed_; }
  /// Threads of the next step; while the number is being chosen, the number under trial.
  [[nodiscard]] int threads() const { return tuner_.threads(); }
  [[nodiscard]] const training_progress& progress() const { return progress_; }
  /// The name of the optimizer's array `i`, as in PyTorch.
  [[nodiscard]] static constexpr std::string_view state_name(int i) { return Optimizer::state_names[static_cast<std::size_t>(i)]; }
  /// The optimizer's array `i`, laid out as the model's parameters.
  [[nodiscard]] array& optimizer_state(int i) { return memory_.optimizer_states[static_cast<std::size_t>(i)]; }
  [[nodiscard]] const array& optimizer_state(int i) const { return memory_.optimizer_states[static_cast<std::size_t>(i)]; }
  /// The gradients of the last step, laid out as the model's parameters.
  [[nodiscard]] const array& parameter_gradients() const { return memory_.parameter_gradients; }
  /// Bytes of the memory that a step needs beside its samples, values and optimizer states. `network::workspace_bytes` knows it in advance.
  [[nodiscard]] index workspace_bytes() const { return memory_.workspace_bytes(); }
  /// The step as a device recorded it, to repeat it.
  [[nodiscard]] const typename backend::recording& recording() const { return recording_; }
  /// The best epoch so far, where `fit_options::keep_best` is true.
  [[nodiscard]] const best_epoch<Model>& best() const { return best_; }
  /// Restores progress and seed from a checkpoint. Arrays are restored through `model()` and `optimizer_state()`.
  void resume_from(const training_progress& progress, typenet::seed s) {
    progress_ = progress;
    seed_ = s;
  }
  /// Restores the best epoch from a checkpoint.
  void restore_best(best_epoch<Model> best) { best_ = std::move(best); }

  /// Trains one step on samples in the program's memory.
  /// @param samples `[sample][channel][row][column]`
  /// @param labels `[sample]`: the class of each sample
  /// @returns the mean loss before the step
  /// @throws argument_error if the sizes do not fit, there are more samples than the batch size, or a class is out of range
  double step(std::span<const scalar> samples, std::span<const int> labels) {
    static_assert(detail::check_loss<Loss, network, class_targets<Model::outputs>>());
    const index count = detail::checked_count(options_.batch_size, Model::inputs, samples.size(), labels.size());
    detail::check_step_labels(labels, Model::outputs);
    stage(samples, count);
    return run_step(count, staging_.stage_labels(labels));
  }

  /// Trains one step on samples with a target for each output.
  /// @param samples `[sample][channel][row][column]`
  /// @param targets `[sample][output]`
  /// @returns the mean loss before the step
  /// @throws argument_error if the sizes do not fit, or there are more samples than the batch size
  double step(std::span<const scalar> samples, std::span<const scalar> targets) {
    static_assert(detail::check_loss<Loss, network, dense_targets<network::output_shape>>());
    const index count = detail::checked_count(options_.batch_size, Model::inputs, samples.size(),
                                              targets.size() / static_cast<std::size_t>(Model::outputs));
    stage(samples, count);
    return run_step(count, staging_.stage_targets(model_->stream(), targets, count));
  }

  /// Estimates the second derivatives that the optimizer scales its steps by, on `curvature_samples` samples, and writes them to
  /// `optimizer_state(0)`. `fit` calls it before each epoch.
  template <class Data>
    requires detail::uses_curvature<Optimizer>
  void estimate_curvature(const Data& data) {
    if constexpr (detail::check_data<network, Loss, Data>()) {
      uploaded_arrays arrays;
      run_curvature(data, arrays);
    }
  }

  /// Trains until `fit_options::epochs` are complete, counting the epochs before a checkpoint.
  /// @tparam Data a type that models `dataset`
  /// @throws argument_error if the data set is empty, has a label that is not a class, or has another size than the one that the epoch
  /// under way began with; or if `validation_split` leaves no samples on one side
  /// @throws training_error if the loss or a weight is no finite number, unless `fit_options::allow_non_finite`
  template <class Data>
  history fit(const Data& data) {
    if constexpr (detail::check_data<network, Loss, Data>())
      return split_and_fit(data);
    else
      return {};
  }

 private:
  using sample_memory = detail::sample_memory<backend>;
  using uploaded_arrays = detail::uploaded_arrays<backend>;
  using staging_type = detail::batch_staging<backend, Model::inputs, Model::outputs>;
  static constexpr bool uses_chunks = staging_type::uses_chunks;

  /// Holds out a part of the data where `validation_split` asks for it, then trains.
  template <class Data>
  history split_and_fit(const Data& data) {
    if (data.size() < 1) throw argument_error("fit: the data set is empty");
    detail::check_labels_of("fit", data);
    uploaded_arrays arrays;
    if (options_.validation_split > 0) {
      const auto [training, held_out] = stratified_split(data, options_.validation_split, seed_);
      if (training.size() < 1 || held_out.size() < 1)
        throw argument_error("fit: a validation_split of " + std::to_string(options_.validation_split) + " leaves " +
                             std::to_string(training.size()) + " samples to train on and " + std::to_string(held_out.size()) +
                             " to validate on; both need at least one");
      return fit_epochs(training, &held_out, arrays);
    }
    return fit_epochs(data, static_cast<const Data*>(nullptr), arrays);
  }

  /// Trains epoch after epoch.
  /// @param held_out the data to validate on; null: none
  /// @param arrays where a device keeps the arrays of both data sets
  template <class Data, class HeldOut>
  history fit_epochs(const Data& data, const HeldOut* held_out, uploaded_arrays& arrays) {
    detail::check_position(progress_, data.size());
    history past;
    while (progress_.epoch < options_.epochs) {
      epoch_report now;
      if (!run_epoch(data, arrays, now)) {
        past.stopped = true;
        past.epoch = progress_.epoch;
        return past;  // within an epoch, which a later call completes
      }
      check_weights();
      if (held_out != nullptr) now.validation = detail::evaluate_batches(*model_, *held_out, loss_, arrays);
      if (options_.keep_best) best_.consider(now, *model_);
      past.epochs.push_back(now);
      if (options_.on_epoch && options_.on_epoch(now) == control::stop && progress_.epoch < options_.epochs) {
        past.stopped = true;
        break;
      }
    }
    past.epoch = progress_.epoch;
    if (options_.keep_best && best_.epoch > 0) {
      best_.restore(*model_);
      past.epoch = best_.epoch;
    }
    return past;
  }

  /// Checks the weights at the end of an epoch.
  /// @throws training_error if one is no finite number, unless `fit_options::allow_non_finite`
  void check_weights() const {
    if (options_.allow_non_finite) return;
    if (const std::string_view name = model_->first_non_finite(); !name.empty())
      throw training_error("fit: after epoch " + std::to_string(progress_.epoch) + " the tensor '" + std::string{name} +
                           "' holds a number that is not finite; " + detail::diverged_advice);
  }

  /// Trains one epoch, or the rest of an epoch that was stopped.
  /// @returns true where the epoch is complete
  template <class Data>
  bool run_epoch(const Data& data, uploaded_arrays& arrays, epoch_report& now) {
    using prefetcher = detail::prefetcher<backend, Data>;
    const index total = data.size();
    const auto start = std::chrono::steady_clock::now();
    const index began_at = progress_.position;
    const detail::batch_request wanted = request(order_epoch(total), began_at, total - began_at);
    reserve_chunks(prefetcher::most_steps(capacity_, Model::inputs));
    if (options_.learning_rate) optimizer_.learning_rate = options_.learning_rate(progress_.epoch + 1);
    if constexpr (detail::uses_curvature<Optimizer>)
      if (began_at == 0) run_curvature(data, arrays);
    bool stopped = false;
    {
      prefetcher batches{data, arrays, model_->stream(), wanted, order_.numbers(), staging_.buffers()};
      while (progress_.position < total && !stopped) {
        const detail::sample_chunk<backend> chunk = batches.next();
        const auto step_start = std::chrono::steady_clock::now();
        const detail::training_tally tally = run_chunk(chunk);
        if (chunk.count == options_.batch_size) tuner_.add(std::chrono::steady_clock::now() - step_start);
        progress_.position += chunk.count;
        progress_.samples = total;
        progress_.loss_sum = tally.loss;
        progress_.correct = tally.correct;
        if (!options_.allow_non_finite) detail::check_loss_sum(progress_);
        batches.release();
        stopped = report_step(total) == control::stop && progress_.position < total;
      }
    }
    if (stopped) return false;
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    now.epoch = ++progress_.epoch;
    now.loss = progress_.loss_sum / static_cast<double>(total);
    now.accuracy = static_cast<double>(progress_.correct) / static_cast<double>(total);
    now.seconds = seconds.count();
    now.samples_per_second = static_cast<double>(total - began_at) / seconds.count();
    progress_ = {.updates = progress_.updates, .epoch = progress_.epoch};
    return true;
  }

  /// Shuffles the epoch's order, a function of seed and epoch alone.
  /// @returns `[place]`: the number of the sample there; null where `fit_options::shuffle` is false
  const std::uint32_t* order_epoch(index total) {
    if (!options_.shuffle) return nullptr;
    return order_.shuffle(model_->stream(), seed_, epoch_number(), total, random_stream::shuffle);
  }

  /// The number that random draws of the epoch under way are keyed by: the epochs that are complete.
  [[nodiscard]] std::uint32_t epoch_number() const { return static_cast<std::uint32_t>(progress_.epoch); }

  /// The request for `count` samples of the epoch from place `first` on.
  detail::batch_request request(const std::uint32_t* order, index first, index count) const {
    return {.order = order,
            .first = first,
            .count = count,
            .batch = options_.batch_size,
            .padded = capacity_,
            .key = {.seed = seed_, .epoch = epoch_number()}};
  }

  /// Allocates the memory of chunks of up to `steps` batches.
  void reserve_chunks(index steps) {
    staging_.buffer(0, steps);
    if constexpr (uses_chunks)
      memory_.reserve_updates(steps);
    else
      staging_.buffer(1);
  }

  /// Calls `fit_options::on_step`. @returns the callback's answer
  control report_step(index total) const {
    if (!options_.on_step) return control::proceed;
    return options_.on_step({progress_.epoch + 1, progress_.position, total, progress_.loss_sum / static_cast<double>(progress_.position)});
  }

  /// Trains all steps of a chunk.
  /// @returns the tally of the epoch so far
  detail::training_tally run_chunk(const detail::sample_chunk<backend>& chunk) {
    auto& stream = model_->stream();
    memory_.write_tally({progress_.loss_sum, progress_.correct, 0});
    memory_.template write_updates<uses_chunks>(optimizer_, progress_.updates, chunk.steps);
    if constexpr (uses_chunks) {
      sample_memory& batch = staging_.batch();
      const auto step = memory_.template step<true>(*model_, loss_, batch, staging_.labels_of(batch), chunk.memory);
      const index count = chunk.count / chunk.steps;
      const batch_state state = begin(count, batch);
      if (count == options_.batch_size)
        stream.repeat(recording_, tuner_.threads(), state, step, chunk.steps);
      else
        stream.run(tuner_.threads(), state, step);
    } else {
      sample_memory& batch = *chunk.memory;
      const batch_state state = begin(chunk.count, batch);
      stream.run(tuner_.threads(), state, memory_.template step<false>(*model_, loss_, batch, staging_.labels_of(batch)));
    }
    progress_.updates += chunk.steps;
    return memory_.read_tally(stream);
  }

  /// Trains one step on the staged batch. @returns its mean loss
  template <class Targets>
  double run_step(index count, const Targets& targets) {
    sample_memory& batch = staging_.batch();
    memory_.write_tally({});
    memory_.template write_updates<false>(optimizer_, progress_.updates, 1);
    const batch_state state = begin(count, batch);
    model_->stream().repeat(recording_, tuner_.threads(), state, memory_.template step<false>(*model_, loss_, batch, targets), 1);
    ++progress_.updates;
    return memory_.read_tally(model_->stream()).loss / static_cast<double>(count);
  }

  /// The state of a batch of `count` samples in the current epoch.
  batch_state begin(index count, const sample_memory& batch) { return memory_.begin({seed_, epoch_number()}, count, batch.samples.data()); }

  /// Copies samples in the program's memory to the batch. They belong to no data set: every step numbers its samples anew.
  void stage(std::span<const scalar> samples, index count) {
    staging_.stage(model_->stream(), samples, count, static_cast<std::uint32_t>(progress_.updates * capacity_));
  }

  /// Runs the curvature pass over the samples that the optimizer asks for.
  template <class Data>
  void run_curvature(const Data& data, uploaded_arrays& arrays) {
    using workspace = detail::curvature_workspace<backend, network>;
    if (!curvature_) curvature_.emplace(capacity_);
    const index total = data.size();
    const std::uint32_t* const order = curvature_order_.shuffle(model_->stream(), seed_, epoch_number(), total, random_stream::curvature);
    detail::batch_request wanted = request(order, 0, 0);
    const index all = std::min<index>(total, optimizer_.curvature_samples);
    sample_memory& staged = staging_.buffer(0);
    // In place: a recorded step holds the address.
    memory_.optimizer_states[0].copy_from(std::vector<scalar>(static_cast<std::size_t>(network::parameter_arena)));
    detail::sample_reader<backend, Data> reader{data, arrays};
    reader.set_order(curvature_order_.numbers());
    for (; wanted.first < all; wanted.first += wanted.count) {
      wanted.count = std::min<index>(options_.batch_size, all - wanted.first);
      reader.read(model_->stream(), wanted, staged);
      const batch_state state{wanted.count, false, memory_.keys(), staged.samples.data()};
      const detail::curvature_pass<typename workspace::compiled, detail::layout_of<backend>, Loss, typename staging_type::labels_type> pass{
          curvature_->memory(*model_, staged.input.data(), capacity_), loss_, staging_.labels_of(staged),
          static_cast<scalar>(1.0 / static_cast<double>(all)), memory_.optimizer_states[0].data()};
      model_->stream().run(tuner_.threads(), state, pass);
      model_->stream().wait();  // before the next batch overwrites its samples
    }
  }

  /// True where each layer of a step takes so long, some microseconds, that threads gain more than their barriers cost.
  static constexpr bool worth_a_team(int samples) { return 3 * network::macs * samples / network::layer_count >= 200'000; }

  Model* model_;
  Loss loss_;
  Optimizer optimizer_;
  fit_options options_;
  typenet::seed seed_;
  index capacity_;  ///< the batch size, padded to a multiple of the lanes
  detail::training_memory<Model, Optimizer> memory_;
  staging_type staging_;
  typename backend::recording recording_;
  detail::sample_order<backend> order_;            ///< of the epoch
  detail::sample_order<backend> curvature_order_;  ///< of the samples that second derivatives are estimated on
  std::optional<detail::curvature_workspace<backend, network>> curvature_;
  training_progress progress_;
  best_epoch<Model> best_;
  detail::thread_tuner tuner_;
};

}  // namespace typenet
