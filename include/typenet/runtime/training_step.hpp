// SPDX-License-Identifier: MIT
/// @file
/// The training step, which a trainer runs on a backend: take a batch, forward, loss, backward, update.
#pragma once

#include <cstdint>

#include <typenet/core/ceil_div.hpp>
#include <typenet/core/config.hpp>
#include <typenet/core/same_value.hpp>
#include <typenet/kernels/score.hpp>
#include <typenet/layer/tensor_spec.hpp>
#include <typenet/losses/target.hpp>
#include <typenet/runtime/batch_memory.hpp>
#include <typenet/runtime/executor.hpp>
#include <typenet/runtime/grouped_executor.hpp>
#include <typenet/simd/execution.hpp>
#include <typenet/simd/lane_view.hpp>
#include <typenet/simd/loops.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet::detail {

/// The results of the steps since the trainer last read them, in the backend's memory.
struct training_tally {
  double loss = 0;           ///< the sum of the losses of the samples
  std::int64_t correct = 0;  ///< samples whose predicted class is right
  std::int64_t step = 0;     ///< steps of the current chunk that are done
};

/// Targets that are classes, as a loss reads them block by block.
template <class Scalar>
struct class_labels {
  static constexpr bool is_class = true;
  const Scalar* labels;  ///< `[lane of the batch]`: the class of each sample, aligned to the pack

  friend bool operator==(const class_labels&, const class_labels&) = default;

  /// The targets of one block.
  template <class Pack>
  TYPENET_HD class_target<Pack> at(index block) const {
    return {lane::load<Pack>(labels + block * lane::width<Pack>)};
  }
  /// The targets of one group of `lanes` samples.
  [[nodiscard]] TYPENET_HD class_labels group(index which, int lanes) const { return {labels + which * lanes}; }
};
/// Targets that are numbers, as a loss reads them block by block.
template <class Scalar, int Lanes>
struct dense_values {
  static constexpr bool is_class = false;
  lane_view<const Scalar, Lanes> values;  ///< `[group][output][lane]`

  friend bool operator==(const dense_values&, const dense_values&) = default;

  /// The targets of one block.
  template <class Pack>
  TYPENET_HD dense_target<Pack, Lanes> at(index block) const {
    return {lane::block<Pack>(values, block)};
  }
  /// The targets of one group of `lanes` samples.
  [[nodiscard]] TYPENET_HD dense_values group(index which, int /*lanes*/) const {
    return {{values.base + which * values.stride, values.stride}};
  }
};

/// A chunk: the samples of several steps, one batch after another. A device that repeats one recorded step takes each batch from a chunk.
template <class Scalar>
struct chunk_memory {
  const Scalar* input = nullptr;           ///< `[batch][group][element][lane]`
  const Scalar* labels = nullptr;          ///< `[batch][lane of the batch]`: the class of each sample
  const std::uint32_t* samples = nullptr;  ///< `[batch][lane of the batch]`: the number of each sample

  friend bool operator==(const chunk_memory&, const chunk_memory&) = default;
};

/// `Count` arrays of equal size. An array of its own type can be copied to a device.
template <class Scalar, int Count>
struct arrays {
  Scalar* of[Count > 0 ? Count : 1] = {};

  friend bool operator==(const arrays&, const arrays&) = default;
};

/// Copies batch `tally->step` of a chunk, and the update of that step, to the memory of the step.
/// @param input `[group][element][lane]`, @param labels `[lane of the batch]`, @param samples `[lane of the batch]`: receive the batch
/// @param updates `[step]`: the updates of the chunk
/// @param update receives the update of this step
template <class Compiled, class Exec, class Scalar, class Update>
TYPENET_HD void take_batch(Exec& exec, const chunk_memory<Scalar>& chunk, const training_tally* tally, Scalar* input, Scalar* labels,
                           std::uint32_t* samples, const Update* updates, Update* update) {
  using pack = typename Exec::pack;
  constexpr int lanes = Exec::lanes;
  constexpr index stride = index{Compiled::input_shape.size()} * lanes;
  const index blocks = exec.blocks();
  lane::for_each_pack<Compiled::input_shape.size()>(exec, [=] TYPENET_HD(index block, index offset) {
    const index before = tally->step * blocks;
    const lane_view<const Scalar, lanes> from{chunk.input, stride};
    const lane_view<Scalar, lanes> to{input, stride};
    lane::store(lane::block<pack>(to, block) + offset, lane::load<pack>(lane::block<pack>(from, before + block) + offset));
    if (offset == 0) {
      const index at = block * lane::width<pack>;
      const index in_chunk = (before + block) * lane::width<pack>;
      lane::store(labels + at, lane::load<pack>(chunk.labels + in_chunk));
      for (int s = lane::first_lane<pack>(); s < lane::first_lane<pack>() + lane::lanes_per_thread<pack>; ++s)
        samples[at + s] = chunk.samples[in_chunk + s];
      if (block == 0 && lane::is_leader<pack>()) *update = updates[tally->step];
    }
  });
}

/// 1 in each lane whose best output is that of the target's class, 0 in the others. Of equal outputs the first is the best. Targets that
/// are no classes give 0.
/// @param y the outputs of one block, output k at `y + k * Lanes`
template <int Outputs, int Lanes, best_score Best, class Pack>
TYPENET_HD Pack correct_prediction(const lane::scalar_t<Pack>* y, const class_target<Pack>& target) {
  Pack most = load_score<Best, Pack>(y);
  Pack which = 0;
  for (int k = 1; k < Outputs; ++k) {
    const Pack here = load_score<Best, Pack>(y + index{k} * Lanes);
    const auto more = lane::greater(here, most);
    most = lane::select(more, here, most);
    which = lane::select(more, static_cast<lane::scalar_t<Pack>>(k), which);
  }
  return lane::select(lane::equal(which, target.label), Pack(1), Pack(0));
}
template <int Outputs, int Lanes, best_score Best, class Pack>
TYPENET_HD Pack correct_prediction(const lane::scalar_t<Pack>*, const dense_target<Pack, Lanes>&) {
  return Pack(0);
}

/// Computes for each sample the loss and its gradient by the output, and, for classes, whether the prediction is correct.
/// @param losses `[lane of the batch]`: receives the losses, 0 past the end of the batch
/// @param correct `[lane of the batch]`: receives 1 for a correct prediction, otherwise 0
template <class Compiled, class Exec, class Loss, class Targets, class Output, class Gradient, class Scalar>
TYPENET_HD void compare_batch(Exec& exec, const Loss& loss, const Targets& targets, const Output& output, const Gradient& gradient,
                              Scalar* losses, Scalar* correct) {
  using pack = typename Exec::pack;
  constexpr int lanes = Exec::lanes;
  constexpr int outputs = Compiled::output_shape.size();
  const index batch = exec.batch();
  const auto scale = static_cast<Scalar>(1.0 / static_cast<double>(exec.whole_batch()));
  exec.for_each(exec.blocks(), [=] TYPENET_HD(index block) {
    const Scalar* const y = lane::block<pack>(output, block);
    Scalar* const g = lane::block<pack>(gradient, block);
    const auto target = targets.template at<pack>(block);
    const int valid = lane::valid_lanes<pack>(block, batch);
    const pack own = loss.template operator()<pack, lanes, Compiled::output_shape>(y, target, g, scale);
    lane::store(losses + block * lane::width<pack>, lane::keep_lanes(own, valid));
    if (valid < lane::width<pack>)
      for (int k = 0; k < outputs; ++k) lane::store(g + index{k} * lanes, lane::keep_lanes(lane::load<pack>(g + index{k} * lanes), valid));
    lane::store(correct + block * lane::width<pack>,
                lane::keep_lanes(correct_prediction<outputs, lanes, Compiled::best_output>(y, target), valid));
  });
}
/// The widest pack of an execution.
template <class Exec>
struct widest_pack {
  using type = typename Exec::pack;
};
template <one_sample_execution Exec>
struct widest_pack<Exec> {
  using type = typename Exec::vector;
};

/// Applies the optimizer to all parameters. One more work item adds the losses and the correct predictions of the step to the tally.
/// @param update the optimizer's rule for this step: `update(weight, gradient, states)` changes packs of parameters
/// @param parameters, gradients, states arenas of equal layout
/// @param losses, correct `[lane of the batch]`
template <class Compiled, class Exec, class Scalar, class Update, int States>
TYPENET_HD void update_parameters(Exec& exec, const Update* update, Scalar* parameters, const Scalar* gradients,
                                  const arrays<Scalar, States>& states, const Scalar* losses, const Scalar* correct,
                                  training_tally* tally) {
  using pack = typename Exec::pack;
  // The lanes hold neighboring parameters here, not samples.
  using many = typename widest_pack<Exec>::type;
  constexpr index packs = ceil_div(Compiled::parameter_arena, lane::width<many>);
  constexpr int together = lane::grain<Exec>(16, 1);
  constexpr index items = ceil_div(packs, together);
  const index blocks = exec.blocks();
  exec.for_each(items + 1, [=] TYPENET_HD(index item) {
    if (item == items) {
      pack loss = 0, right = loss;
      for (index b = 0; b < blocks; ++b) {
        loss = loss + lane::load<pack>(losses + b * lane::width<pack>);
        right = right + lane::load<pack>(correct + b * lane::width<pack>);
      }
      const Scalar sum = lane::sum(loss), count = lane::sum(right);
      if (lane::is_leader<pack>()) {
        tally->loss += static_cast<double>(sum);
        tally->correct += static_cast<std::int64_t>(count);
        ++tally->step;
      }
      return;
    }
    const Update change = *update;
    const index last = item * together + together < packs ? item * together + together : packs;
    for (index p = item * together; p < last; ++p) {
      const index at = p * lane::width<many>;
      many weight = lane::load<many>(parameters + at);
      many own[States > 0 ? States : 1];
      for (int i = 0; i < States; ++i) own[i] = lane::load<many>(states.of[i] + at);
      change(weight, lane::load<many>(gradients + at), own);
      lane::store(parameters + at, weight);
      for (int i = 0; i < States; ++i) lane::store(states.of[i] + at, own[i]);
    }
  });
}

/// A training step.
/// @tparam Layout a `batch_layout`
/// @tparam Update the rule of the optimizer for one step
/// @tparam States arrays that the optimizer keeps, each laid out as the parameters
/// @tparam Targets `class_labels` or `dense_values`
/// @tparam UsesChunks true where the step takes its batch from a chunk
template <class Compiled, class Layout, class Loss, class Update, int States, class Targets, bool UsesChunks>
struct training_step {
  using Scalar = typename Layout::scalar;
  static constexpr int Lanes = Layout::lanes;
  using executor_type = executor<Compiled, Layout>;

  batch_memory<Scalar> memory;
  comparable<Loss> loss;
  Targets targets;
  arrays<Scalar, States> states;     ///< each laid out as the parameters
  Scalar* losses = nullptr;          ///< `[lane of the batch]`
  Scalar* correct = nullptr;         ///< `[lane of the batch]`: 1 for a correct prediction, otherwise 0
  training_tally* tally = nullptr;   ///< one
  Update* update = nullptr;          ///< the update of this step
  const Update* updates = nullptr;   ///< `[step]`: the updates of the chunk
  chunk_memory<Scalar> chunk;        ///< used where `UsesChunks`
  Scalar* input = nullptr;           ///< `[group][element][lane]`: receives the batch where `UsesChunks`
  Scalar* labels = nullptr;          ///< `[lane of the batch]`: receives the classes where `UsesChunks`
  std::uint32_t* samples = nullptr;  ///< `[lane of the batch]`: receives the numbers of the samples where `UsesChunks`
  Scalar* parameters = nullptr;      ///< the arena of parameters, which the step updates

  /// Whether two steps are the same work on the same memory. A device may then replay its recording of one in place of the other.
  friend bool operator==(const training_step&, const training_step&) = default;

  TYPENET_ANY_SIDE
  template <class Exec>
  TYPENET_HD void operator()(Exec& exec) const {
    if constexpr (UsesChunks) take_batch<Compiled>(exec, chunk, tally, input, labels, samples, updates, update);
    if constexpr (grouped_execution<Exec>) {
      grouped_executor<Compiled, Layout>::train(exec, memory, [&](Exec& part, const auto& output, const auto& gradient, index group) {
        compare_batch<Compiled>(part, loss.value, targets.group(group, Lanes), output, gradient, losses + group * Lanes,
                                correct + group * Lanes);
      });
    } else {
      executor_type::forward(exec, memory);
      compare_batch<Compiled>(exec, loss.value, targets, executor_type::output(memory), executor_type::output_gradient(memory), losses,
                              correct);
      executor_type::backward(exec, memory);
    }
    update_parameters<Compiled>(exec, update, parameters, memory.parameter_gradients, states, losses, correct, tally);
  }
};

}  // namespace typenet::detail
