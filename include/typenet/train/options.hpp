// SPDX-License-Identifier: MIT
/// @file
/// fit_options: how to train.
#pragma once

#include <functional>
#include <optional>

#include <typenet/core/random.hpp>
#include <typenet/train/report.hpp>

namespace typenet {

/// What a callback wants: to go on, or to stop here. Training that was stopped can go on later, with the same results.
enum class control { proceed, stop };

/// How to train.
struct fit_options {
  int epochs = 1;
  /// Samples a step; what remains at the end of an epoch is a smaller step of its own.
  int batch_size = 32;
  /// For shuffling, dropout and augmentation; the model's own unless given.
  std::optional<typenet::seed> seed = std::nullopt;
  /// 0: as many as prove fastest, tried on the first steps and again where steps become slower. Results do not depend on it.
  int threads = 0;
  /// Called after every epoch, and after every step; on a device, whose steps run on their own, after every few hundred.
  std::function<control(const epoch_report&)> on_epoch = nullptr;
  std::function<control(const step_report&)> on_step = nullptr;
  /// The fraction of the data, drawn by class, that is held out and evaluated after every epoch.
  double validation_split = 0;
  /// Ends with the weights of the epoch that did best: by validation accuracy, or by training loss where nothing is held out.
  bool keep_best = false;
  bool shuffle = true;
  /// The learning rate of each epoch, counted from 1; the optimizer's own throughout where there is none.
  std::function<double(int)> learning_rate = nullptr;
};

}  // namespace typenet
