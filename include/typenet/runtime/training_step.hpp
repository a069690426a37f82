// SPDX-License-Identifier: MIT
/// @file
/// What a backend runs of training and evaluation: a step, and the scoring of a batch.
#pragma once

#include <cstdint>
#include <type_traits>

#include <typenet/kernels/score.hpp>
#include <typenet/losses/target.hpp>
#include <typenet/runtime/executor.hpp>
#include <typenet/runtime/grouped_executor.hpp>

namespace typenet::detail {

/// What training has come to, in the backend's memory.
struct training_tally {
  double loss = 0;
  std::int64_t correct = 0;
  /// Steps of the chunk under way that are done.
  std::int64_t step = 0;
};

/// Targets that are classes, one label a lane, as a loss sees them block by block.
template <class Scalar>
struct class_labels {
  static constexpr bool is_class = true;
  const Scalar* labels;
  template <class Pack>
  TYPENET_HD class_target<Pack> at(index block) const {
    return {lane::load<Pack>(labels + block * lane::width<Pack>)};
  }
  /// Those of one group of `lanes` samples.
  [[nodiscard]] TYPENET_HD class_labels group(index which, int lanes) const { return {labels + which * lanes}; }
};
/// Targets that are numbers, laid out as the network's output.
template <class Scalar, int Lanes>
struct dense_values {
  static constexpr bool is_class = false;
  lane_view<const Scalar, Lanes> values;
  template <class Pack>
  TYPENET_HD dense_target<Pack, Lanes> at(index block) const {
    return {lane::block<Pack>(values, block)};
  }
  [[nodiscard]] TYPENET_HD dense_values group(index which, int /*lanes*/) const { return {{values.base + which * values.stride, values.stride}}; }
};

/// Where a step finds its samples. A device that repeats one recorded step takes each batch from a chunk of many; the host has the
/// batch where it was read.
template <class Scalar>
struct chunk_memory {
  const Scalar* input = nullptr;
  const Scalar* labels = nullptr;
  const std::uint32_t* samples = nullptr;
};

/// A few arrays of the same size.
template <class Scalar, int Count>
struct arrays {
  Scalar* of[Count > 0 ? Count : 1] = {};
};

/// Copies step `tally->step` of a chunk, and its update, to where the step looks for them.
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

/// 1 where the best output is that of the class, the first of equals; 0 elsewhere, and where there are no classes.
template <int Outputs, int Lanes, best_score Best, class Pack>
TYPENET_HD Pack right(const lane::scalar_t<Pack>* y, const class_target<Pack>& target) {
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
TYPENET_HD Pack right(const lane::scalar_t<Pack>*, const dense_target<Pack, Lanes>&) {
  return Pack(0);
}

/// The loss of every sample, its gradient at the network's output, and, for classes, whether the best output is right.
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
      for (int k = 0; k < outputs; ++k)
        lane::store(g + index{k} * lanes, lane::keep_lanes(lane::load<pack>(g + index{k} * lanes), valid));
    lane::store(correct + block * lane::width<pack>,
                      lane::keep_lanes(right<outputs, lanes, Compiled::best_output>(y, target), valid));
  });
}
/// The most numbers that an execution holds in one.
template <class Exec>
struct widest_pack {
  using type = typename Exec::pack;
};
template <one_sample_execution Exec>
struct widest_pack<Exec> {
  using type = typename Exec::vector;
};

/// One pass of the optimizer over all parameters at once; an item more adds the step's losses and hits to the tally.
template <class Compiled, class Exec, class Scalar, class Update, int States>
TYPENET_HD void update_parameters(Exec& exec, const Update* update, Scalar* parameters, const Scalar* gradients,
                                  const arrays<Scalar, States>& states, const Scalar* losses, const Scalar* correct, training_tally* tally) {
  using pack = typename Exec::pack;
  // Parameters are not of samples: whatever the lanes hold elsewhere, neighbours are in them here.
  using many = typename widest_pack<Exec>::type;
  constexpr index packs = ceil_div(Compiled::parameter_arena, lane::width<many>);
  constexpr int together = lane::grain<Exec>(16, 1);
  constexpr index items = ceil_div(packs, together);
  const index blocks = exec.blocks();
  exec.for_each(items + 1, [=] TYPENET_HD(index item) {
    if (item == items) {
      pack loss = 0, hit = loss;
      for (index b = 0; b < blocks; ++b) {
        loss = loss + lane::load<pack>(losses + b * lane::width<pack>);
        hit = hit + lane::load<pack>(correct + b * lane::width<pack>);
      }
      const Scalar sum = lane::sum(loss), count = lane::sum(hit);
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

/// A step of training, as a backend runs it: take a batch, forward, compare, backward, update.
template <class Compiled, class Layout, class Loss, class Update, int States, class Targets, bool UsesChunks>
struct training_step {
  using Scalar = typename Layout::scalar;
  static constexpr int Lanes = Layout::lanes;
  using executor_type = executor<Compiled, Layout>;

  batch_memory<Scalar> memory;
  Loss loss;
  Targets targets;
  arrays<Scalar, States> states;
  Scalar* losses = nullptr;
  Scalar* correct = nullptr;
  training_tally* tally = nullptr;
  /// This step's, and those of the chunk.
  Update* update = nullptr;
  const Update* updates = nullptr;
  chunk_memory<Scalar> chunk;
  Scalar* input = nullptr;
  Scalar* labels = nullptr;
  std::uint32_t* samples = nullptr;
  Scalar* parameters = nullptr;

  TYPENET_ANY_SIDE
  template <class Exec>
  TYPENET_HD void operator()(Exec& exec) const {
    if constexpr (UsesChunks) take_batch<Compiled>(exec, chunk, tally, input, labels, samples, updates, update);
    if constexpr (grouped_execution<Exec>) {
      grouped_executor<Compiled, Layout>::train(exec, memory, [&](Exec& part, const auto& output, const auto& gradient, index group) {
        compare_batch<Compiled>(part, loss, targets.group(group, Lanes), output, gradient, losses + group * Lanes, correct + group * Lanes);
      });
    } else {
      executor_type::forward(exec, memory);
      compare_batch<Compiled>(exec, loss, targets, executor_type::output(memory), executor_type::output_gradient(memory), losses, correct);
      executor_type::backward(exec, memory);
    }
    update_parameters<Compiled>(exec, update, parameters, memory.parameter_gradients, states, losses, correct, tally);
  }
};

}  // namespace typenet::detail
