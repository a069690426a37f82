// SPDX-License-Identifier: MIT
/// @file
/// How well a model does on a data set.
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

/// Runs a data set through a model, batch by batch, and scores it where the model is; the program sees scores alone.
template <class Model, class Data, class Loss>
typenet::report evaluate(Model& model, const Data& data, const Loss& loss) {
  using backend = typename Model::backend;
  using network = typename Model::network;
  using scalar = typename Model::scalar;
  static_assert(check_samples<network, Data>());
  constexpr bool has_loss = !std::is_same_v<Loss, no_loss>;
  constexpr index batch = Model::batch;
  metrics_accumulator metrics{Data::classes, true};
  sample_reader<backend, Data> reader{data};
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

/// Accuracy, confusion and the rest of `report` over a whole data set; the class is the best output, the largest unless they are
/// penalties.
template <class Model, dataset Data, class Loss>
report evaluate(Model& model, const Data& data, const Loss& loss) {
  static_assert(detail::check_loss<Loss, typename Model::network, class_targets<Data::classes>>());
  return detail::evaluate(model, data, loss);
}

/// The same without a loss, which the report then has none of (NaN).
template <class Model, dataset Data>
report evaluate(Model& model, const Data& data) {
  static_assert(detail::check_loss<mse, typename Model::network, class_targets<Data::classes>>());
  return detail::evaluate(model, data, detail::no_loss{});
}

}  // namespace typenet
