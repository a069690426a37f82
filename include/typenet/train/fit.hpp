// SPDX-License-Identifier: MIT
/// @file
/// fit: trains a model in one call.
///
/// From `fit` to a kernel: `fit` (train/fit.hpp) makes a trainer and calls `trainer::fit`. It calls `run_epoch` until all epochs are
/// complete.
/// - a `prefetcher` (train/prefetcher.hpp) reads batches while the trainer trains
/// - `run_chunk` gives each batch to `stream::run` (backends/), as a `training_step` (runtime/training_step.hpp)
/// - the step calls `executor`, or `grouped_executor`, for the passes forward and backward (runtime/)
/// - they call each layer's `forward`, `backward_input` and `backward_parameters` (layers/), which call kernels (kernels/)
/// - `update_parameters` (runtime/training_step.hpp) ends the step with the optimizer's arithmetic (optimizers/)
#pragma once

#include <typenet/data/dataset.hpp>
#include <typenet/optimizers/optimizer.hpp>
#include <typenet/train/options.hpp>
#include <typenet/train/report.hpp>
#include <typenet/train/trainer.hpp>

namespace typenet {

/// Trains `model` on `data` in shuffled mini-batches; every epoch uses each sample once.
/// ```
/// fit(model, train, mse{}, adam{.learning_rate = 3e-4}, {.epochs = 60, .batch_size = 32});
/// ```
/// @tparam Data a type that models `dataset`
/// @tparam Loss a type that models `loss`
/// @tparam Optimizer a type that models `optimizer`
/// @throws argument_error if an option or a hyper-parameter is out of range, or the data set is empty
template <class Model, class Data, class Loss, class Optimizer>
history fit(Model& model, const Data& data, const Loss& loss, const Optimizer& optimizer, const fit_options& options = {}) {
  static_assert(detail::check_dataset<Data>());
  static_assert(detail::check_optimizer<Optimizer>());
  if constexpr (dataset<Data> && typenet::optimizer<Optimizer>)
    return trainer<Model, Loss, Optimizer>{model, loss, optimizer, options}.fit(data);
  else
    return {};
}

}  // namespace typenet
