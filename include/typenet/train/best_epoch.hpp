// SPDX-License-Identifier: MIT
/// @file
/// best_epoch: the best epoch of a training, with its weights.
#pragma once

#include <limits>

#include <typenet/train/report.hpp>

namespace typenet {

/// An epoch and its weights.
/// @tparam Model an instance of `model`
template <class Model>
struct best_epoch {
  int epoch = 0;                                            ///< from 1; 0: there is none yet
  double score = -std::numeric_limits<double>::infinity();  ///< validation accuracy, or the negative training loss
  typename Model::array parameters, buffers;                ///< laid out as the model's

  /// Takes an epoch and the weights of `model` where the epoch is the best so far.
  void consider(const epoch_report& now, const Model& model) {
    const double of_now = now.validation ? now.validation->accuracy : -now.loss;
    if (of_now > score) *this = {now.epoch, of_now, model.parameter_array(), model.buffer_array()};
  }
  /// Gives the weights to `model`.
  void restore(Model& model) const {
    model.parameter_array() = parameters;
    model.buffer_array() = buffers;
  }
};

}  // namespace typenet
