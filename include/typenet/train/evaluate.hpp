// SPDX-License-Identifier: MIT
/// @file
/// evaluate: scores a model on a data set.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <type_traits>
#include <utility>
#include <vector>

#include <typenet/data/dataset.hpp>
#include <typenet/losses/loss.hpp>
#include <typenet/losses/mse.hpp>
#include <typenet/model.hpp>
#include <typenet/runtime/scoring.hpp>
#include <typenet/train/batch_loader.hpp>
#include <typenet/train/metrics.hpp>
#include <typenet/train/samples_check.hpp>

namespace typenet {

namespace detail {

/// Runs a data set through a model, batch by batch. The model's backend computes the scores; the program reads the scores alone.
/// @param arrays where a device keeps the data set's arrays
template <class Model, class Data, class Loss>
typenet::report evaluate_batches(Model& model, const Data& data, const Loss& loss, uploaded_arrays<typename Model::backend>& arrays) {
  using backend = typename Model::backend;
  using network = typename Model::network;
  using scalar = typename Model::scalar;
  static_assert(check_samples<network, Data>());
  constexpr bool has_loss = !std::is_same_v<Loss, no_loss>;
  constexpr index batch = Model::batch;
  metrics_accumulator metrics{Data::classes, true};
  sample_reader<backend, Data> reader{data, arrays};
  sample_memory<backend> samples{batch, Model::inputs};
  typename backend::array losses{batch}, predicted{batch}, ranks{batch};
  std::vector<scalar> host_losses, host_predicted, host_ranks;
  scoring_pass<compiled_for<network, backend>, layout_of<backend>, Loss> pass{.memory = model.inference_memory(samples.input.data()),
                                                                              .loss = loss,
                                                                              .labels = samples.labels.data(),
                                                                              .losses = losses.data(),
                                                                              .predicted = predicted.data(),
                                                                              .ranks = ranks.data()};
  for (index first = 0; first < data.size(); first += batch) {
    const index count = std::min(batch, data.size() - first);
    reader.read(model.stream(),
                {.order = nullptr, .first = first, .count = count, .batch = batch, .padded = batch, .key = sample_key::evaluation()},
                samples);
    model.stream().run(1, batch_state{count, false}, pass);
    model.stream().wait();
    for (const auto& [from, to] : {std::pair{&losses, &host_losses}, {&predicted, &host_predicted}, {&ranks, &host_ranks}}) {
      to->resize(static_cast<std::size_t>(count));
      from->copy_to(*to);
    }
    for (index i = 0; i < count; ++i) {
      const auto at = static_cast<std::size_t>(i);
      metrics.add(data.label(first + i),
                  {.predicted = static_cast<int>(host_predicted[at]),
                   .rank = static_cast<int>(host_ranks[at]),
                   .loss = has_loss ? static_cast<double>(host_losses[at]) : std::numeric_limits<double>::quiet_NaN()});
    }
  }
  return metrics.result();
}

}  // namespace detail

/// Evaluates a model on a data set. The predicted class is the class of the best output: the largest, or the smallest where the network's
/// outputs are penalties.
/// @tparam Data a type that models `dataset`
/// @tparam Loss a type that models `loss`
template <class Model, class Data, class Loss>
report evaluate(Model& model, const Data& data, const Loss& loss) {
  static_assert(detail::check_dataset<Data>());
  if constexpr (dataset<Data>) {
    static_assert(detail::check_loss<Loss, typename Model::network, class_targets<Data::classes>>());
    detail::uploaded_arrays<typename Model::backend> arrays;
    return detail::evaluate_batches(model, data, loss, arrays);
  } else {
    return {};
  }
}

/// Evaluates a model on a data set without a loss: the report's loss is NaN.
/// @tparam Data a type that models `dataset`
template <class Model, class Data>
report evaluate(Model& model, const Data& data) {
  static_assert(detail::check_dataset<Data>());
  if constexpr (dataset<Data>) {
    static_assert(detail::check_loss<mse, typename Model::network, class_targets<Data::classes>>());
    detail::uploaded_arrays<typename Model::backend> arrays;
    return detail::evaluate_batches(model, data, detail::no_loss{}, arrays);
  } else {
    return {};
  }
}

}  // namespace typenet
