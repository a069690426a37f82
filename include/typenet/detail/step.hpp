// SPDX-License-Identifier: MIT
/// @file
/// What a backend runs of training and evaluation: a step, and the scoring of a batch.
#pragma once

#include <cstdint>
#include <type_traits>

#include <typenet/detail/grouped_program.hpp>
#include <typenet/detail/program.hpp>
#include <typenet/detail/score.hpp>
#include <typenet/losses/target.hpp>

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
    return {values.template block<Pack>(block)};
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
template <class Lowered, class Exec, class Scalar, class Update>
TYPENET_HD void take_batch(Exec& exec, const chunk_memory<Scalar>& chunk, const training_tally* tally, Scalar* input, Scalar* labels,
                           std::uint32_t* samples, const Update* updates, Update* update) {
  using pack = typename Exec::pack;
  constexpr int lanes = Exec::lanes;
  constexpr index stride = index{Lowered::input_shape.size()} * lanes;
  const index blocks = exec.blocks();
  lane::for_each_pack<Lowered::input_shape.size()>(exec, [=] TYPENET_HD(index block, index offset) {
    const index before = tally->step * blocks;
    const lane_view<const Scalar, lanes> from{chunk.input, stride};
    const lane_view<Scalar, lanes> to{input, stride};
    lane::store<pack>(to.template block<pack>(block) + offset, lane::load<pack>(from.template block<pack>(before + block) + offset));
    if (offset == 0) {
      const index at = block * lane::width<pack>;
      const index in_chunk = (before + block) * lane::width<pack>;
      lane::store<pack>(labels + at, lane::load<pack>(chunk.labels + in_chunk));
      for (int s = lane::first_slot<pack>(); s < lane::first_slot<pack>() + lane::slots<pack>; ++s)
        samples[at + s] = chunk.samples[in_chunk + s];
      if (block == 0 && lane::leads<pack>()) *update = updates[tally->step];
    }
  });
}

/// 1 where the best output is that of the class, the first of equals; 0 elsewhere, and where there are no classes.
template <int Outputs, int Lanes, best_score Best, class Pack>
TYPENET_HD Pack right(const lane::scalar_t<Pack>* y, const class_target<Pack>& target) {
  Pack most = load_score<Best, Pack>(y);
  Pack which = lane::broadcast<Pack>(0);
  for (int k = 1; k < Outputs; ++k) {
    const Pack here = load_score<Best, Pack>(y + index{k} * Lanes);
    const auto more = lane::greater<Pack>(here, most);
    most = lane::select<Pack>(more, here, most);
    which = lane::select<Pack>(more, lane::broadcast<Pack>(static_cast<lane::scalar_t<Pack>>(k)), which);
  }
  return lane::select<Pack>(lane::equal<Pack>(which, target.label), lane::broadcast<Pack>(1), lane::broadcast<Pack>(0));
}
template <int Outputs, int Lanes, best_score Best, class Pack>
TYPENET_HD Pack right(const lane::scalar_t<Pack>*, const dense_target<Pack, Lanes>&) {
  return lane::broadcast<Pack>(0);
}

/// The loss of every sample, its gradient at the network's output, and, for classes, whether the best output is right.
template <class Lowered, class Exec, class Loss, class Targets, class Output, class Gradient, class Scalar>
TYPENET_HD void compare_batch(Exec& exec, const Loss& loss, const Targets& targets, const Output& output, const Gradient& gradient,
                              Scalar* losses, Scalar* hits) {
  using pack = typename Exec::pack;
  constexpr int lanes = Exec::lanes;
  constexpr int outputs = Lowered::output_shape.size();
  const index batch = exec.batch();
  const auto scale = static_cast<Scalar>(1.0 / static_cast<double>(exec.whole_batch()));
  exec.for_each(exec.blocks(), [=] TYPENET_HD(index block) {
    const Scalar* const y = output.template block<pack>(block);
    Scalar* const g = gradient.template block<pack>(block);
    const auto target = targets.template at<pack>(block);
    const int valid = lane::valid_lanes<pack>(block, batch);
    const pack own = loss.template operator()<pack, lanes, Lowered::output_shape>(y, target, g, scale);
    lane::store<pack>(losses + block * lane::width<pack>, lane::keep_lanes<pack>(own, valid));
    if (valid < lane::width<pack>)
      for (int k = 0; k < outputs; ++k)
        lane::store<pack>(g + index{k} * lanes, lane::keep_lanes<pack>(lane::load<pack>(g + index{k} * lanes), valid));
    lane::store<pack>(hits + block * lane::width<pack>,
                      lane::keep_lanes<pack>(right<outputs, lanes, Lowered::best_output>(y, target), valid));
  });
}
/// The most numbers that an execution holds in one.
template <class Exec>
struct widest_pack {
  using type = typename Exec::pack;
};
template <row_execution Exec>
struct widest_pack<Exec> {
  using type = typename Exec::row;
};

/// One pass of the optimizer over all parameters at once; an item more adds the step's losses and hits to the tally.
template <class Lowered, class Exec, class Scalar, class Update, int States>
TYPENET_HD void update_parameters(Exec& exec, const Update* update, Scalar* parameters, const Scalar* gradients,
                                  const arrays<Scalar, States>& states, const Scalar* losses, const Scalar* hits, training_tally* tally) {
  using pack = typename Exec::pack;
  // Parameters are not of samples: whatever the lanes hold elsewhere, neighbours are in them here.
  using many = typename widest_pack<Exec>::type;
  constexpr index packs = ceil_div(Lowered::parameter_arena, lane::width<many>);
  constexpr int together = lane::grain<Exec>(16, 1);
  constexpr index items = ceil_div(packs, together);
  const index blocks = exec.blocks();
  exec.for_each(items + 1, [=] TYPENET_HD(index item) {
    if (item == items) {
      pack loss = lane::broadcast<pack>(0), hit = loss;
      for (index b = 0; b < blocks; ++b) {
        loss = loss + lane::load<pack>(losses + b * lane::width<pack>);
        hit = hit + lane::load<pack>(hits + b * lane::width<pack>);
      }
      const Scalar sum = lane::sum<pack>(loss), count = lane::sum<pack>(hit);
      if (lane::leads<pack>()) {
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
      lane::store<many>(parameters + at, weight);
      for (int i = 0; i < States; ++i) lane::store<many>(states.of[i] + at, own[i]);
    }
  });
}

/// A step of training, as a backend runs it: take a batch, forward, compare, backward, update.
template <class Lowered, class Scalar, int Lanes, class Loss, class Update, int States, class Targets, bool Takes>
struct training_step {
  using program = lowered_program<Lowered, Scalar, Lanes>;

  batch_memory<Scalar> memory;
  Loss loss;
  Targets targets;
  arrays<Scalar, States> states;
  Scalar* losses = nullptr;
  Scalar* hits = nullptr;
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
    if constexpr (Takes) take_batch<Lowered>(exec, chunk, tally, input, labels, samples, updates, update);
    if constexpr (grouped_execution<Exec>) {
      grouped_program<Lowered, Scalar, Lanes>::train(exec, memory, [&](Exec& part, const auto& output, const auto& gradient, index group) {
        compare_batch<Lowered>(part, loss, targets.group(group, Lanes), output, gradient, losses + group * Lanes, hits + group * Lanes);
      });
    } else {
      program::forward(exec, memory);
      compare_batch<Lowered>(exec, loss, targets, program::output(memory), program::output_gradient(memory), losses, hits);
      program::backward(exec, memory);
    }
    update_parameters<Lowered>(exec, update, parameters, memory.parameter_gradients, states, losses, hits, tally);
  }
};

/// A pass of inference.
template <class Lowered, class Scalar, int Lanes>
struct inference_pass {
  batch_memory<Scalar> memory;

  TYPENET_ANY_SIDE
  template <class Exec>
  TYPENET_HD void operator()(Exec& exec) const {
    lowered_program<Lowered, Scalar, Lanes>::forward(exec, memory);
  }
};

/// A loss of nothing, for evaluation without one.
struct no_loss {};

/// Scores a batch: for each sample its loss, the class predicted, and the true class's rank.
template <class Lowered, class Scalar, int Lanes, class Loss>
struct scoring_pass {
  using program = lowered_program<Lowered, Scalar, Lanes>;
  batch_memory<Scalar> memory;
  Loss loss;
  const Scalar* labels = nullptr;
  Scalar* losses = nullptr;
  Scalar* predicted = nullptr;
  Scalar* ranks = nullptr;

  TYPENET_ANY_SIDE
  template <class Exec>
  TYPENET_HD void operator()(Exec& exec) const {
    using pack = typename Exec::pack;
    program::forward(exec, memory);
    const auto output = program::output(memory);
    const scoring_pass self = *this;
    exec.for_each(exec.blocks(), [=] TYPENET_HD(index block) {
      const Scalar* const y = output.template block<pack>(block);
      const index at = block * lane::width<pack>;
      const class_target<pack> target{lane::load<pack>(self.labels + at)};
      const auto s = score_of<pack, Lanes, Lowered::best_output>(y, Lowered::output_shape.size(), target.label);
      lane::store<pack>(self.predicted + at, s.predicted);
      lane::store<pack>(self.ranks + at, s.rank);
      lane::store<pack>(self.losses + at, loss_of<pack>(self.loss, y, target));
    });
  }

  template <class Pack, class Which, class Target>
  TYPENET_HD static Pack loss_of(const Which& loss, const Scalar* y, const Target& target) {
    if constexpr (std::is_same_v<Which, no_loss>)
      return lane::broadcast<Pack>(0);
    else
      return loss.template operator()<Pack, Lanes, Lowered::output_shape>(y, target, nullptr, Scalar{1});
  }
};

}  // namespace typenet::detail
