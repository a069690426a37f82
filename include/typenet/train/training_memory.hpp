// SPDX-License-Identifier: MIT
/// @file
/// The memory of a trainer in its backend: the arrays of a step, and the samples that wait for one. All of it is allocated before the
/// first step. `training_memory::step` binds the arrays to the step that a backend runs (runtime/training_step.hpp).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <typenet/backends/batch_state.hpp>
#include <typenet/core/config.hpp>
#include <typenet/core/random.hpp>
#include <typenet/graph/schedule.hpp>
#include <typenet/runtime/batch_memory.hpp>
#include <typenet/runtime/executor.hpp>
#include <typenet/runtime/training_step.hpp>
#include <typenet/simd/execution.hpp>
#include <typenet/simd/lane_view.hpp>
#include <typenet/train/batch_loader.hpp>

namespace typenet::detail {

/// The arrays of a training step, except the model's and the samples.
template <class Model, class Optimizer>
class training_memory {
 public:
  using network = typename Model::network;
  using backend = typename Model::backend;
  using scalar = typename Model::scalar;
  using array = typename backend::array;
  using compiled = compiled_for<network, backend>;
  using executor_type = executor_for<network, backend>;
  using update_type = decltype(std::declval<const Optimizer&>().template update<scalar>(index{1}));
  static constexpr int lanes = backend::lanes;
  static constexpr int states = static_cast<int>(Optimizer::state_names.size());

  /// @param capacity samples of the largest batch, a multiple of the lanes
  explicit training_memory(index capacity)
      : parameter_gradients{network::parameter_arena},
        capacity_{capacity},
        activations_{capacity * executor_type::activations},
        gradients_{capacity * executor_type::gradients},
        group_sums_{grouped_execution<typename backend::execution> ? capacity / lanes * group_plan<compiled>::sums : 0},
        scratch_{executor_type::scratch_size(capacity)},
        losses_{capacity},
        correct_{capacity},
        control_{1} {
    for (auto& state : optimizer_states) state = array{network::parameter_arena};
  }

  array parameter_gradients;                                             ///< laid out as the model's parameters
  std::array<array, static_cast<std::size_t>(states)> optimizer_states;  ///< each laid out as the model's parameters

  /// Allocates the updates of chunks of up to `steps` steps.
  void reserve_updates(index steps) {
    if (updates_.size() < steps) updates_ = typename backend::template memory<update_type>{steps};
  }

  /// Sets the arithmetic of the `steps` updates that follow the first `done`.
  /// @tparam UsesChunks true: of the updates of a chunk, which are written at once; false: of the next step
  template <bool UsesChunks>
  void write_updates(const Optimizer& optimizer, index done, index steps) {
    if constexpr (UsesChunks) {
      next_updates_.clear();
      for (index i = 1; i <= steps; ++i) next_updates_.push_back(optimizer.template update<scalar>(done + i));
      updates_.copy_from(next_updates_);
    } else {
      next_.update = optimizer.template update<scalar>(done + 1);
    }
  }
  /// Sets the tally that the next steps add to.
  void write_tally(const training_tally& tally) { next_.tally = tally; }

  /// Sets the keys of random draws, and writes all that was set to the backend's memory, in one copy.
  /// @returns the state of a batch of `count` samples; `samples` has the number of the sample in each lane
  batch_state begin(const batch_keys& keys, index count, const std::uint32_t* samples) {
    next_.keys = keys;
    control_.copy_from(std::span<const control>{&next_, 1});
    return {count, true, this->keys(), samples};
  }

  /// The tally after all steps in the stream.
  training_tally read_tally(typename backend::stream& stream) {
    stream.wait();
    std::array<control, 1> now;
    control_.copy_to(now);
    return now[0].tally;
  }

  /// Bytes of the gradients of values and parameters, their sums by groups, and the scratch memory.
  [[nodiscard]] index workspace_bytes() const {
    return (gradients_.size() + parameter_gradients.size() + group_sums_.size() + scratch_.size()) * index{sizeof(scalar)};
  }

  /// The keys of random draws, in the backend's memory.
  [[nodiscard]] const batch_keys* keys() const { return &control_.data()->keys; }

  /// The step on the batch in `batch`: forward, loss, backward and update.
  /// @tparam UsesChunks true: the step first copies its batch and its update from `chunk`
  template <bool UsesChunks, class Loss, class Targets>
  auto step(Model& model, const Loss& loss, sample_memory<backend>& batch, const Targets& targets,
            const sample_memory<backend>* chunk = nullptr) {
    training_step<compiled, layout_of<backend>, Loss, update_type, states, Targets, UsesChunks> step{
        .memory = {}, .loss = {loss}, .targets = targets, .states = {}, .chunk = {}};
    step.memory.input = batch.input.data();
    step.memory.activations = activations_.data();
    step.memory.gradients = gradients_.data();
    step.memory.parameters = model.parameter_array().data();
    step.memory.parameter_gradients = parameter_gradients.data();
    step.memory.group_sums = group_sums_.data();
    step.memory.buffers = model.buffer_array().data();
    step.memory.scratch = scratch_.data();
    step.memory.capacity = capacity_;
    step.parameters = model.parameter_array().data();
    for (std::size_t i = 0; i < optimizer_states.size(); ++i) step.states.of[i] = optimizer_states[i].data();
    step.losses = losses_.data();
    step.correct = correct_.data();
    step.tally = &control_.data()->tally;
    step.update = &control_.data()->update;
    if constexpr (UsesChunks) {
      step.updates = updates_.data();
      step.chunk = {chunk->input.data(), chunk->labels.data(), chunk->samples.data()};
      step.input = batch.input.data();
      step.labels = batch.labels.data();
      step.samples = batch.samples.data();
    }
    return step;
  }

 private:
  /// The small things that a step reads and writes, side by side: a copy to a device costs the same for one of them as for all.
  struct control {
    batch_keys keys;
    training_tally tally;
    update_type update;
  };

  index capacity_;                                          ///< samples of the largest batch, a multiple of the lanes
  array activations_, gradients_, group_sums_, scratch_;    ///< as `batch_memory` says
  array losses_, correct_;                                  ///< `[sample]`
  typename backend::template memory<control> control_;      ///< one
  typename backend::template memory<update_type> updates_;  ///< `[step]`: of a chunk
  control next_;                                            ///< in the program's memory, on its way to the backend
  std::vector<update_type> next_updates_;                   ///< in the program's memory, on their way to the backend
};

/// The samples of a trainer: two buffers that the prefetcher fills in turn, and the batch that a step reads.
template <class Backend, int Inputs, int Outputs>
class batch_staging {
 public:
  using scalar = typename Backend::scalar;
  using array = typename Backend::array;
  using memory = sample_memory<Backend>;
  using labels_type = class_labels<scalar>;
  static constexpr int lanes = Backend::lanes;
  /// True where a backend repeats one recorded step, which copies each batch from a chunk of many. A step otherwise reads its batch from a
  /// buffer.
  static constexpr bool uses_chunks = !Backend::host_memory;

  /// @param capacity samples of the largest batch, a multiple of the lanes
  explicit batch_staging(index capacity)
      : capacity_{capacity},
        layout_converter_{capacity, std::max<index>(Inputs, Outputs)},
        labels_(static_cast<std::size_t>(capacity)),
        numbers_(static_cast<std::size_t>(capacity)) {
    buffer(0);
    if constexpr (uses_chunks) batch_ = memory{capacity, Inputs};
  }

  /// One of the two buffers, large enough for `steps` batches.
  memory& buffer(std::size_t which, index steps = 1) {
    if (buffers_[which].labels.size() < steps * capacity_) buffers_[which] = memory{steps * capacity_, Inputs};
    return buffers_[which];
  }
  std::array<memory, 2>& buffers() { return buffers_; }
  /// The batch that a step reads.
  memory& batch() { return uses_chunks ? batch_ : buffer(0); }

  /// Copies `count` samples of the program into the batch and numbers them from `first` on.
  /// @param samples `[sample][channel][row][column]`
  void stage(typename Backend::stream& stream, std::span<const scalar> samples, index count, std::uint32_t first) {
    layout_converter_.to_lanes(stream, samples, count, Inputs, batch().input.data());
    for (std::size_t i = 0; i < numbers_.size(); ++i) numbers_[i] = first + static_cast<std::uint32_t>(i);
    batch().samples.copy_from(numbers_);
  }
  /// Copies the label of each sample into the batch.
  labels_type stage_labels(std::span<const int> labels) {
    for (std::size_t i = 0; i < labels.size(); ++i) labels_[i] = static_cast<scalar>(labels[i]);
    batch().labels.copy_from(labels_);
    return labels_of(batch());
  }
  /// Copies `count` samples' targets into the backend's memory. @param targets `[sample][output]`
  dense_values<scalar, lanes> stage_targets(typename Backend::stream& stream, std::span<const scalar> targets, index count) {
    if (targets_.size() == 0) targets_ = array{capacity_ * Outputs};
    layout_converter_.to_lanes(stream, targets, count, Outputs, targets_.data());
    return {{targets_.data(), index{Outputs} * lanes}};
  }

  /// The labels of samples, as a loss reads them.
  static labels_type labels_of(const memory& samples) { return {samples.labels.data()}; }

 private:
  index capacity_;  ///< samples of the largest batch, a multiple of the lanes
  typename Backend::layout_converter layout_converter_;
  std::vector<scalar> labels_;          ///< `[sample]`, in the program's memory
  std::vector<std::uint32_t> numbers_;  ///< `[sample]`, in the program's memory
  memory batch_;                        ///< used where `uses_chunks`
  std::array<memory, 2> buffers_;
  array targets_;  ///< `[group][output][lane]`
};

}  // namespace typenet::detail
