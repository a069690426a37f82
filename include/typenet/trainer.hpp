// SPDX-License-Identifier: MIT
/// @file
/// Training: `fit`, and the `trainer` beneath it that steps, stops and resumes.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <limits>
#include <numeric>
#include <optional>
#include <semaphore>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <typenet/data/dataset.hpp>
#include <typenet/evaluate.hpp>
#include <typenet/losses.hpp>
#include <typenet/metrics.hpp>
#include <typenet/model.hpp>
#include <typenet/optimizers.hpp>

namespace typenet {

/// What a callback wants: to go on, or to stop here. Training that was stopped can go on later, with the same results.
enum class control { proceed, stop };

/// One epoch of training, as it went.
struct epoch_report {
  int epoch = 0;        ///< from 1
  double loss = 0;      ///< mean over the epoch's samples, each under the weights of its own step
  double accuracy = 0;  ///< likewise, a fraction
  double seconds = 0;   ///< of training, without validation
  double samples_per_second = 0;
  std::optional<report> validation;  ///< where a part of the data was held out
};

/// Where training stands, for progress displays.
struct step_report {
  int epoch = 0;      ///< from 1
  index samples = 0;  ///< of this epoch, trained on so far
  index total = 0;    ///< samples of an epoch
  double loss = 0;    ///< mean over this epoch so far
};

/// What `fit` returns: a report for each epoch that it completed.
struct history {
  std::vector<epoch_report> epochs;
  /// The epoch whose weights the model holds: the last, or the best where `keep_best` was asked.
  int epoch = 0;
  /// Whether a callback stopped it before its last epoch ended.
  bool stopped = false;
};

/// How to train.
struct fit_options {
  int epochs = 1;
  /// Samples a step; what remains at the end of an epoch is a smaller step of its own.
  int batch_size = 32;
  /// For shuffling, dropout and augmentation; the model's own unless given.
  std::optional<typenet::seed> seed = std::nullopt;
  /// 0: as many as prove fastest in the first steps. Results do not depend on it.
  int threads = 0;
  /// Called after every epoch, and after every step.
  std::function<control(const epoch_report&)> on_epoch = nullptr;
  std::function<control(const step_report&)> on_step = nullptr;
  /// The fraction of the data, drawn by class, that is held out and evaluated after every epoch.
  double validation_split = 0;
  /// Ends with the weights of the epoch that did best: by validation accuracy, or by training loss where nothing is held out.
  bool keep_best = false;
  bool shuffle = true;
};

/// Where training stands: all that a checkpoint needs besides arrays.
struct training_progress {
  index updates = 0;    ///< steps of the optimizer in all
  int epoch = 0;        ///< epochs completed
  index position = 0;   ///< samples of the epoch under way already trained on
  double loss_sum = 0;  ///< of those samples
  index correct = 0;    ///< among them
};

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
        activations_{capacity_ * program::activations},
        gradients_{capacity_ * program::gradients},
        parameter_gradients_{network::parameter_arena},
        scratch_{network::scratch_size(capacity_)},
        losses_{capacity_} {
    optimizer_.check();
    for (auto& state : states_) state = typename backend::array{network::parameter_arena};
    for (slot& s : slots_) s = slot{capacity_};
    threads_ = options_.threads > 0 ? options_.threads : 1;
    tuning_ = options_.threads == 0 && backend::max_threads() > 1;
  }

  [[nodiscard]] Model& model() { return *model_; }
  [[nodiscard]] const Model& model() const { return *model_; }
  /// May be changed between steps, as a schedule of the learning rate does.
  [[nodiscard]] Optimizer& optimizer() { return optimizer_; }
  [[nodiscard]] const Optimizer& optimizer() const { return optimizer_; }
  [[nodiscard]] const fit_options& options() const { return options_; }
  [[nodiscard]] typenet::seed seed() const { return seed_; }
  /// Threads in use; while the number is being chosen, the one under trial.
  [[nodiscard]] int threads() const { return threads_; }
  [[nodiscard]] const training_progress& progress() const { return progress_; }
  /// The name of one of the optimizer's arrays, as in PyTorch.
  [[nodiscard]] static constexpr std::string_view state_name(int i) { return Optimizer::state_names[static_cast<std::size_t>(i)]; }
  /// One of the optimizer's arrays, laid out as the model's parameters.
  [[nodiscard]] std::span<scalar> optimizer_state(int i) { return states_[static_cast<std::size_t>(i)].span(); }
  [[nodiscard]] std::span<const scalar> optimizer_state(int i) const { return states_[static_cast<std::size_t>(i)].span(); }
  /// The gradients of the last step, laid out as the model's parameters.
  [[nodiscard]] std::span<const scalar> parameter_gradients() const { return parameter_gradients_.span(); }

  /// The best epoch so far, where `keep_best` asked for it.
  struct best_epoch {
    int epoch = 0;
    double score = -std::numeric_limits<double>::infinity();
    typename backend::array parameters, buffers;
  };
  [[nodiscard]] const best_epoch& best() const { return best_; }

  /// Puts back what a checkpoint holds; arrays are written through `model()` and `optimizer_state()`.
  void resume_from(const training_progress& progress, typenet::seed s) {
    progress_ = progress;
    seed_ = s;
  }
  void restore_best(int epoch, double score, std::span<const scalar> parameters, std::span<const scalar> buffers) {
    best_.epoch = epoch;
    best_.score = score;
    best_.parameters = typename backend::array{network::parameter_arena};
    best_.buffers = typename backend::array{network::buffer_arena};
    std::copy(parameters.begin(), parameters.end(), best_.parameters.data());
    std::copy(buffers.begin(), buffers.end(), best_.buffers.data());
  }

  /// One step on samples at hand: `samples` [sample][channel][row][column] and the class of each.
  /// @returns the mean loss before the step
  /// @throws argument_error if the sizes do not fit, there are more samples than the batch size, or a class is out of range
  double step(std::span<const scalar> samples, std::span<const int> labels) {
    static_cast<void>(sizeof(detail::loss_check<Loss, network, class_targets<Model::outputs>>));
    const index count = checked_count(samples.size(), labels.size());
    slot& s = slots_[0];
    fill(s, samples, count);
    for (index i = 0; i < count; ++i) {
      const int label = labels[static_cast<std::size_t>(i)];
      if (label < 0 || label >= Model::outputs)
        throw argument_error("step: label " + std::to_string(label) + " is not one of the " + std::to_string(Model::outputs) +
                             " classes 0 to " + std::to_string(Model::outputs - 1));
      s.labels.data()[i] = static_cast<scalar>(label);
    }
    run_step(s, [&s](index block) { return class_target<pack>{lane::load<pack>(s.labels.data() + block * lane::width<pack>)}; });
    return finish_step(s).loss / static_cast<double>(count);
  }

  /// The same with a target for each output: `targets` [sample][output].
  double step(std::span<const scalar> samples, std::span<const scalar> targets) {
    static_cast<void>(sizeof(detail::loss_check<Loss, network, dense_targets<network::output_shape>>));
    const index count = checked_count(samples.size(), targets.size() / static_cast<std::size_t>(Model::outputs));
    slot& s = slots_[0];
    fill(s, samples, count);
    if (targets_.size() == 0) targets_ = typename backend::array{capacity_ * Model::outputs};
    for (index group = 0; group * lanes < count; ++group)
      detail::load_lanes<pack, lanes>(targets.data() + group * lanes * Model::outputs, Model::outputs,
                                      static_cast<int>(std::min<index>(lanes, count - group * lanes)), Model::outputs,
                                      targets_.data() + group * lanes * Model::outputs);
    const lane_view<const scalar, lanes> view{targets_.data(), index{Model::outputs} * lanes};
    run_step(s, [view](index block) { return dense_target<pack, lanes>{view.template block<pack>(block)}; });
    return finish_step(s).loss / static_cast<double>(count);
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
  using program = detail::program<network, scalar, lanes>;
  using pack = typename backend::pack;

  /// A batch on its way: read by one thread while another trains on the batch before it.
  struct slot {
    slot() = default;
    explicit slot(index capacity) : input{capacity * Model::inputs}, labels{capacity}, samples(static_cast<std::size_t>(capacity)) {}
    typename backend::array input;
    typename backend::array labels;
    std::vector<std::uint32_t> samples;
    index count = 0;
  };
  struct step_result {
    double loss = 0;
    index correct = 0;
  };

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

  void fill(slot& s, std::span<const scalar> samples, index count) {
    s.count = count;
    for (index group = 0; group * lanes < count; ++group)
      detail::load_lanes<pack, lanes>(samples.data() + group * lanes * Model::inputs, Model::inputs,
                                      static_cast<int>(std::min<index>(lanes, count - group * lanes)), Model::inputs,
                                      s.input.data() + group * lanes * Model::inputs);
    // Samples at hand have no number in a data set: each step's are new.
    for (index i = 0; i < capacity_; ++i)
      s.samples[static_cast<std::size_t>(i)] = static_cast<std::uint32_t>(progress_.updates * capacity_ + i);
  }

  /// Forward, loss, backward and update, in one parallel region.
  template <class TargetOf>
  void run_step(const slot& s, const TargetOf& target_of) {
    ++progress_.updates;
    detail::batch_memory<scalar> memory;
    memory.input = s.input.data();
    memory.activations = activations_.data();
    memory.gradients = gradients_.data();
    memory.parameters = model_->parameter_arena().data();
    memory.parameter_gradients = parameter_gradients_.data();
    memory.buffers = model_->buffer_arena().data();
    memory.scratch = scratch_.data();
    memory.capacity = capacity_;
    const batch_state state{s.count, true, seed_, static_cast<std::uint32_t>(progress_.epoch), s.samples.data()};
    const auto update = optimizer_.template update<scalar>(progress_.updates);
    scalar* const parameters = model_->parameter_arena().data();
    backend::run(threads_, [&](const auto& member) {
      typename backend::execution run{state, member};
      program::forward(run, memory);
      compare(run, memory, target_of);
      program::backward(run, memory);
      constexpr index packs = network::parameter_arena / lane::width<pack>;
      constexpr index together = 16;
      run.for_each(detail::ceil_div(packs, together), [&](index item) {
        const index last = std::min(packs, (item + 1) * together);
        for (index p = item * together; p < last; ++p) {
          const index at = p * lane::width<pack>;
          pack weight = lane::load<pack>(parameters + at);
          pack own[states > 0 ? states : 1];
          for (int i = 0; i < states; ++i) own[i] = lane::load<pack>(states_[static_cast<std::size_t>(i)].data() + at);
          update(weight, lane::load<pack>(parameter_gradients_.data() + at), own);
          lane::store<pack>(parameters + at, weight);
          for (int i = 0; i < states; ++i) lane::store<pack>(states_[static_cast<std::size_t>(i)].data() + at, own[i]);
        }
      });
    });
  }

  /// The loss of every sample, and the gradient of the output.
  template <class Execution, class TargetOf>
  void compare(Execution& run, const detail::batch_memory<scalar>& memory, const TargetOf& target_of) {
    const auto output = program::output(memory);
    const auto gradient = program::output_gradient(memory);
    const auto scale = static_cast<scalar>(1.0 / static_cast<double>(run.batch()));
    run.for_each(run.blocks(), [&](index block) {
      scalar* const g = gradient.template block<pack>(block);
      pack loss =
          loss_.template operator()<pack, lanes, network::output_shape>(output.template block<pack>(block), target_of(block), g, scale);
      const int valid = lane::valid_lanes<pack>(block, run.batch());
      if (valid < lane::width<pack>) {
        loss = lane::keep_lanes<pack>(loss, valid);
        for (int k = 0; k < Model::outputs; ++k)
          lane::store<pack>(g + index{k} * lanes, lane::keep_lanes<pack>(lane::load<pack>(g + index{k} * lanes), valid));
      }
      lane::store<pack>(losses_.data() + block * lane::width<pack>, loss);
    });
  }

  /// Sums the step's losses and counts its right answers, sample by sample.
  step_result finish_step(const slot& s) {
    detail::batch_memory<scalar> memory;
    memory.activations = activations_.data();
    memory.input = s.input.data();
    const auto output = program::output(memory);
    step_result result;
    for (index i = 0; i < s.count; ++i) {
      result.loss += static_cast<double>(losses_.data()[i]);
      const scalar* y = output.base + i / lanes * output.stride + i % lanes;
      int most = 0;
      for (int k = 1; k < Model::outputs; ++k)
        if (y[index{k} * lanes] > y[index{most} * lanes]) most = k;
      if (static_cast<scalar>(most) == s.labels.data()[i]) ++result.correct;
    }
    return result;
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
      std::copy_n(best_.parameters.data(), network::parameter_arena, model_->parameter_arena().data());
      std::copy_n(best_.buffers.data(), network::buffer_arena, model_->buffer_arena().data());
      past.epoch = best_.epoch;
    }
    return past;
  }

  void remember(const epoch_report& now) {
    const double score = now.validation ? now.validation->accuracy : -now.loss;
    if (score <= best_.score) return;
    restore_best(now.epoch, score, std::as_const(*model_).parameter_arena(), std::as_const(*model_).buffer_arena());
  }

  /// One epoch, or what is left of it.
  /// @returns whether it was completed
  template <class Data>
  bool run_epoch(const Data& data, epoch_report& now) {
    static_cast<void>(sizeof(detail::samples_check<network, typename detail::got_of<Data::sample_shape>::type>));
    static_cast<void>(sizeof(detail::loss_check<Loss, network, class_targets<Data::classes>>));
    const index total = data.size();
    order_epoch(total);
    const auto start = std::chrono::steady_clock::now();
    const index began_at = progress_.position;
    bool stopped = false;
    {
      feeder<Data> feed{*this, data};
      while (progress_.position < total && !stopped) {
        slot& s = feed.next();
        const auto step_start = std::chrono::steady_clock::now();
        run_step(s, [&s](index block) { return class_target<pack>{lane::load<pack>(s.labels.data() + block * lane::width<pack>)}; });
        if (tuning_ && s.count == options_.batch_size) tune(std::chrono::steady_clock::now() - step_start);
        const step_result result = finish_step(s);
        progress_.position += s.count;
        progress_.loss_sum += result.loss;
        progress_.correct += result.correct;
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

  /// The epoch's order: a Fisher–Yates shuffle keyed by seed and epoch alone.
  void order_epoch(index total) {
    order_.resize(static_cast<std::size_t>(total));
    std::iota(order_.begin(), order_.end(), 0u);
    if (!options_.shuffle) return;
    random_sequence random{counter_rng{seed_, random_stream::shuffle}, static_cast<std::uint32_t>(progress_.epoch), 0};
    for (std::size_t i = order_.size(); i > 1; --i) std::swap(order_[i - 1], order_[random.below(static_cast<std::uint32_t>(i))]);
  }

  /// Reads batches on a thread of its own, one ahead of the training.
  template <class Data>
  class feeder {
   public:
    feeder(trainer& owner, const Data& data) : owner_{&owner}, data_{&data}, thread_{[this] { work(); }} {}
    feeder(const feeder&) = delete;
    feeder& operator=(const feeder&) = delete;
    ~feeder() {
      stop_.store(true);
      free_.release();
      thread_.join();
    }
    slot& next() {
      filled_.acquire();
      if (failed_.load(std::memory_order_acquire)) std::rethrow_exception(failure_);
      return owner_->slots_[static_cast<std::size_t>(taken_++ % 2)];
    }
    void release() { free_.release(); }

   private:
    void work() {
      try {
        const index total = data_->size();
        std::vector<float> rows(static_cast<std::size_t>(lanes * Model::inputs));
        std::vector<scalar> converted(std::is_same_v<scalar, float> ? 0 : rows.size());
        const sample_key key{.seed = owner_->seed_, .epoch = static_cast<std::uint32_t>(owner_->progress_.epoch)};
        int which = 0;
        for (index first = owner_->progress_.position; first < total;) {
          free_.acquire();
          if (stop_.load()) return;
          slot& s = owner_->slots_[static_cast<std::size_t>(which++ % 2)];
          const index count = std::min<index>(owner_->options_.batch_size, total - first);
          for (index group = 0; group * lanes < count; ++group)
            read_group(s, first + group * lanes, group, static_cast<int>(std::min<index>(lanes, count - group * lanes)), key, rows,
                       converted);
          s.count = count;
          first += count;
          filled_.release();
        }
      } catch (...) {
        failure_ = std::current_exception();
        failed_.store(true, std::memory_order_release);
        filled_.release();
      }
    }
    void read_group(slot& s, index first, index group, int count, const sample_key& key, std::vector<float>& rows,
                    std::vector<scalar>& converted) const {
      for (int l = 0; l < count; ++l) {
        const index sample = owner_->order_[static_cast<std::size_t>(first + l)];
        data_->read(sample, key, std::span<float>{rows}.subspan(static_cast<std::size_t>(l * Model::inputs), Model::inputs));
        s.labels.data()[group * lanes + l] = static_cast<scalar>(data_->label(sample));
        s.samples[static_cast<std::size_t>(group * lanes + l)] = static_cast<std::uint32_t>(sample);
      }
      scalar* const to = s.input.data() + group * lanes * Model::inputs;
      if constexpr (std::is_same_v<scalar, float>) {
        detail::load_lanes<pack, lanes>(rows.data(), Model::inputs, count, Model::inputs, to);
      } else {
        std::copy(rows.begin(), rows.end(), converted.begin());
        detail::load_lanes<pack, lanes>(converted.data(), Model::inputs, count, Model::inputs, to);
      }
    }

    trainer* owner_;
    const Data* data_;
    std::counting_semaphore<4> filled_{0};
    std::counting_semaphore<4> free_{2};
    std::atomic<bool> stop_{false};
    std::exception_ptr failure_;
    std::atomic<bool> failed_{false};
    index taken_ = 0;
    std::thread thread_;
  };

  /// Tries teams of 1, 2, 4 … threads on real steps and settles on the one whose median step is shortest; a larger one only where
  /// it gains over 3 %.
  void tune(std::chrono::steady_clock::duration took) {
    trials_[static_cast<std::size_t>(trial_)] = std::chrono::duration<double>(took).count();
    if (++trial_ < static_cast<int>(trials_.size())) return;
    trial_ = 0;
    // The first steps of a team warm its caches.
    const auto middle = trials_.begin() + 4 + (trials_.end() - trials_.begin() - 4) / 2;
    std::nth_element(trials_.begin() + 4, middle, trials_.end());
    if (chosen_threads_ == 0 || *middle < 0.97 * chosen_seconds_) {
      chosen_threads_ = threads_;
      chosen_seconds_ = *middle;
    }
    if (threads_ < backend::max_threads()) {
      threads_ = std::min(2 * threads_, backend::max_threads());
    } else {
      threads_ = chosen_threads_;
      tuning_ = false;
    }
  }

  Model* model_;
  Loss loss_;
  Optimizer optimizer_;
  fit_options options_;
  typenet::seed seed_;
  index capacity_;
  typename backend::array activations_, gradients_, parameter_gradients_, scratch_, losses_, targets_;
  std::array<typename backend::array, static_cast<std::size_t>(states)> states_;
  std::array<slot, 2> slots_;
  std::vector<std::uint32_t> order_;
  training_progress progress_;
  best_epoch best_;
  int threads_ = 1;
  bool tuning_ = false;
  int trial_ = 0;
  std::array<double, 19> trials_{};
  int chosen_threads_ = 0;
  double chosen_seconds_ = 0;
};

/// Trains `model` on `data`: shuffled mini-batches, every sample once an epoch.
/// ```
/// fit(model, train, mse{}, adam{.learning_rate = 3e-4}, {.epochs = 60, .batch_size = 32});
/// ```
/// @throws argument_error if an option is out of range or the data set is empty
template <class Model, dataset Data, class Loss, class Optimizer>
history fit(Model& model, const Data& data, const Loss& loss, const Optimizer& optimizer, const fit_options& options = {}) {
  return trainer<Model, Loss, Optimizer>{model, loss, optimizer, options}.fit(data);
}

}  // namespace typenet
