// SPDX-License-Identifier: MIT
/// @file
/// The reports of training: of an epoch, of a step, of a whole call of `fit`, and the progress that a checkpoint holds.
#pragma once

#include <optional>
#include <vector>

#include <typenet/core/config.hpp>
#include <typenet/train/metrics.hpp>

namespace typenet {

/// The report of one epoch of training.
struct epoch_report {
  int epoch = 0;        ///< from 1
  double loss = 0;      ///< mean over the epoch's samples, each under the weights of its own step
  double accuracy = 0;  ///< fraction of the epoch's samples classified correctly, each under the weights of its own step
  double seconds = 0;   ///< of training, without validation
  double samples_per_second = 0;
  std::optional<report> validation;  ///< where a part of the data was held out
};

/// The report of one step, for progress displays.
struct step_report {
  int epoch = 0;      ///< from 1
  index samples = 0;  ///< samples of this epoch trained so far
  index total = 0;    ///< samples of an epoch
  double loss = 0;    ///< mean over the samples of this epoch trained so far
};

/// The result of `fit`: a report for each epoch that it completed.
struct history {
  std::vector<epoch_report> epochs;
  /// The epoch whose weights the model holds: the last, or the best where `keep_best` is true.
  int epoch = 0;
  /// True where a callback stopped training before its last epoch ended.
  bool stopped = false;
};

/// The progress of training: all that a checkpoint holds except arrays.
struct training_progress {
  index updates = 0;    ///< steps of the optimizer in all
  int epoch = 0;        ///< epochs completed
  index position = 0;   ///< samples of the current epoch trained so far
  double loss_sum = 0;  ///< sum of the losses of these samples
  index correct = 0;    ///< number of these samples classified correctly
  index samples = 0;    ///< samples of the data set where `position` is above 0; 0: unknown
};

}  // namespace typenet
