// SPDX-License-Identifier: MIT
/// @file
/// The scoring pass, which `evaluate` runs on a backend.
#pragma once

#include <type_traits>

#include <typenet/core/config.hpp>
#include <typenet/kernels/score.hpp>
#include <typenet/losses/target.hpp>
#include <typenet/runtime/batch_memory.hpp>
#include <typenet/runtime/executor.hpp>
#include <typenet/simd/lane_view.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet::detail {

/// Stands for the loss in an evaluation without a loss.
struct no_loss {};

/// Scores a batch: for each sample its loss, the predicted class, and the rank of the true class.
/// @tparam Layout a `batch_layout`
/// @tparam Loss a loss, or `no_loss`
template <class Compiled, class Layout, class Loss>
struct scoring_pass {
  using Scalar = typename Layout::scalar;
  static constexpr int Lanes = Layout::lanes;
  using executor_type = executor<Compiled, Layout>;
  batch_memory<Scalar> memory;
  Loss loss;
  const Scalar* labels = nullptr;  ///< `[lane of the batch]`: the true class of each sample
  Scalar* losses = nullptr;        ///< `[lane of the batch]`: receives the loss; 0 with `no_loss`
  Scalar* predicted = nullptr;     ///< `[lane of the batch]`: receives the predicted class
  Scalar* ranks = nullptr;         ///< `[lane of the batch]`: receives the number of classes ranked before the true class

  TYPENET_ANY_SIDE
  template <class Exec>
  TYPENET_HD void operator()(Exec& exec) const {
    using pack = typename Exec::pack;
    executor_type::forward(exec, memory);
    const auto output = executor_type::output(memory);
    const scoring_pass self = *this;
    exec.for_each(exec.blocks(), [=] TYPENET_HD(index block) {
      const Scalar* const y = lane::block<pack>(output, block);
      const index at = block * lane::width<pack>;
      const class_target<pack> target{lane::load<pack>(self.labels + at)};
      const auto s = score_of<pack, Lanes, Compiled::best_output>(y, Compiled::output_shape.size(), target.label);
      lane::store(self.predicted + at, s.predicted);
      lane::store(self.ranks + at, s.rank);
      lane::store(self.losses + at, loss_of<pack>(self.loss, y, target));
    });
  }

  /// The loss of the samples of one pack, whose outputs begin at `y`; 0 with `no_loss`.
  template <class Pack, class Which, class Target>
  TYPENET_HD static Pack loss_of(const Which& loss, const Scalar* y, const Target& target) {
    if constexpr (std::is_same_v<Which, no_loss>)
      return Pack(0);
    else
      return loss.template operator()<Pack, Lanes, Compiled::output_shape>(y, target, nullptr, Scalar{1});
  }
};

}  // namespace typenet::detail
