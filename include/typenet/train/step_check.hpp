// SPDX-License-Identifier: MIT
/// @file
/// The checks of samples and labels that a program gives to `trainer::step`, and of the progress of training.
#pragma once

#include <cmath>
#include <cstddef>
#include <span>
#include <string>

#include <typenet/core/config.hpp>
#include <typenet/core/error.hpp>
#include <typenet/train/report.hpp>

namespace typenet::detail {

/// The number of samples that a step was given.
/// @param inputs numbers of a sample
/// @throws argument_error unless there are 1 to `batch_size` samples and a target for each
inline index checked_count(int batch_size, int inputs, std::size_t numbers, std::size_t targets) {
  const auto count = static_cast<index>(targets);
  if (count < 1 || count > batch_size || static_cast<index>(numbers) != count * inputs)
    throw argument_error("step: expected 1 to " + std::to_string(batch_size) + " samples of " + std::to_string(inputs) +
                         " numbers and a target for each, got " + std::to_string(numbers) + " numbers and " + std::to_string(targets) +
                         " targets");
  return count;
}

/// The message about a batch size whose memory cannot be had.
/// @param bytes of the values and the workspace of a step
inline std::string no_memory_for(int batch_size, index bytes) {
  return "fit: there is no memory for steps of " + std::to_string(batch_size) + " samples, which need " + std::to_string(bytes) +
         " bytes; a smaller batch_size needs less";
}

/// Checks the labels that a step was given.
/// @throws argument_error if one is not among the classes 0 to `classes` - 1
inline void check_step_labels(std::span<const int> labels, int classes) {
  for (const int label : labels)
    if (label < 0 || label >= classes)
      throw argument_error("step: label " + std::to_string(label) + " is not one of the " + std::to_string(classes) + " classes 0 to " +
                           std::to_string(classes - 1));
}

/// The end of a message about training that has diverged.
inline constexpr const char* diverged_advice = "training has diverged. A lower learning rate helps; fit_options::allow_non_finite goes on";

/// Checks the losses of an epoch so far.
/// @throws training_error if their sum is no finite number
inline void check_loss_sum(const training_progress& p) {
  if (!std::isfinite(p.loss_sum))
    throw training_error("fit: in epoch " + std::to_string(p.epoch + 1) + " the loss of the first " + std::to_string(p.position) +
                         " samples is not finite; " + diverged_advice);
}

/// Checks that an epoch under way can be completed on a data set.
/// @param samples samples of the data set
/// @throws argument_error if the epoch began on a data set of another size, or has more samples behind it than there are
inline void check_position(const training_progress& p, index samples) {
  if (p.position == 0) return;
  if (p.position < samples && (p.samples == 0 || p.samples == samples)) return;
  throw argument_error("fit: the training stands at sample " + std::to_string(p.position) +
                       (p.samples == 0 ? std::string{} : " of " + std::to_string(p.samples)) + " of epoch " + std::to_string(p.epoch + 1) +
                       ", and the data set has " + std::to_string(samples) + " samples; go on with the data set that the epoch began with");
}

}  // namespace typenet::detail
