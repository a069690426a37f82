// SPDX-License-Identifier: MIT
/// @file
/// fit: trains a model in one call.
#pragma once

#include <typenet/data/dataset.hpp>
#include <typenet/train/options.hpp>
#include <typenet/train/report.hpp>
#include <typenet/train/trainer.hpp>

namespace typenet {

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
