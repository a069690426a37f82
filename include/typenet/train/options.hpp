// SPDX-License-Identifier: MIT
/// @file
/// fit_options: the options of training, and their check.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include <typenet/core/error.hpp>
#include <typenet/core/random.hpp>
#include <typenet/train/report.hpp>

namespace typenet {

/// The answer of a callback: training proceeds, or stops here. Training that was stopped can resume later, with the same results.
enum class control { proceed, stop };

/// The options of training.
struct fit_options {
  /// Epochs in all, counting the epochs before a checkpoint.
  int epochs = 1;
  /// Samples of a step. The last step of an epoch trains on the rest.
  int batch_size = 32;
  /// The seed of shuffling, dropout and augmentation; by default the model's.
  std::optional<typenet::seed> seed = std::nullopt;
  /// Threads of a step. 0: the fastest number, found by trial on the first steps and again where steps become slower. Results do not depend
  /// on it.
  int threads = 0;
  /// Called after every epoch.
  std::function<control(const epoch_report&)> on_epoch = nullptr;
  /// Called after every step; on a device, after every chunk of up to a few hundred steps.
  std::function<control(const step_report&)> on_step = nullptr;
  /// The fraction of the data, drawn by class, that is held out and evaluated after every epoch: at least 0 and below 1.
  double validation_split = 0;
  /// True: training ends with the weights of the best epoch, by validation accuracy, or by training loss where nothing is held out.
  bool keep_best = false;
  /// True: every epoch has a random order of its own. False: samples keep the order of the data set.
  bool shuffle = true;
  /// The learning rate of each epoch, counted from 1; by default the optimizer's throughout.
  std::function<double(int)> learning_rate = nullptr;
  /// False: training ends with an error where the loss, or a weight at the end of an epoch, is no finite number. True: it goes on.
  bool allow_non_finite = false;
};

namespace detail {

/// The options.
/// @param most_threads threads that the backend starts at most
/// @throws argument_error if one is out of range
inline fit_options checked(fit_options options, int most_threads) {
  const auto refuse = [](const std::string& what) { throw argument_error("fit: " + what); };
  if (options.epochs < 0) refuse("epochs must not be negative, got " + std::to_string(options.epochs));
  if (options.batch_size < 1) refuse("batch_size must be at least 1, got " + std::to_string(options.batch_size));
  if (options.threads < 0 || options.threads > most_threads)
    refuse("threads must be 0 (chosen by trial) to " + std::to_string(most_threads) + ", got " + std::to_string(options.threads));
  if (!(options.validation_split >= 0 && options.validation_split < 1))
    refuse("validation_split must be at least 0 and below 1, got " + std::to_string(options.validation_split));
  return options;
}

}  // namespace detail
}  // namespace typenet
