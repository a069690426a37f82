// SPDX-License-Identifier: MIT
/// @file
/// The checks of samples and labels that a program gives to `trainer::step`.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include <typenet/core/config.hpp>
#include <typenet/core/error.hpp>

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

/// Checks the labels that a step was given.
/// @throws argument_error if one is not among the classes 0 to `classes` - 1
inline void check_step_labels(std::span<const int> labels, int classes) {
  for (const int label : labels)
    if (label < 0 || label >= classes)
      throw argument_error("step: label " + std::to_string(label) + " is not one of the " + std::to_string(classes) + " classes 0 to " +
                           std::to_string(classes - 1));
}

}  // namespace typenet::detail
