// SPDX-License-Identifier: MIT
/// @file
/// What training reports: each epoch, each step, and where it stands.
#pragma once

#include <optional>
#include <vector>

#include <typenet/core/config.hpp>
#include <typenet/train/metrics.hpp>

namespace typenet {

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

/// Where training stands: all that a checkpoint needs besides arrays.
struct training_progress {
  index updates = 0;    ///< steps of the optimizer in all
  int epoch = 0;        ///< epochs completed
  index position = 0;   ///< samples of the epoch under way already trained on
  double loss_sum = 0;  ///< of those samples
  index correct = 0;    ///< among them
};

}  // namespace typenet
