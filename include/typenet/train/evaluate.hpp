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
#include <typenet/losses.hpp>
#include <typenet/model.hpp>
#include <typenet/runtime/training_step.hpp>
#include <typenet/train/batch_loader.hpp>
#include <typenet/train/metrics.hpp>

namespace typenet {

/// Never defined: its name is the message.
template <class Needs, class Got>
struct data_error;

namespace detail {

template <class Got>
struct needs_samples;
template <int... Extents>
struct needs_samples<got<Extents...>> {
  using type = needs::samples_of<Extents...>;
};

template <int... Input, int... Samples>
constexpr sentence samples_text(got<Input...>*, got<Samples...>*) {
  sentence s{"typenet: the network takes samples of "};
  s.add(shape{Input...});
  return s.add("; the data set's are ").add(shape{Samples...});
}

/// Complete where the network takes such samples; elsewhere one message says what it takes. An ill-formed network has been reported.
template <class Network, class Samples, class Input = typename got_of<Network::input_shape>::type>
struct samples_check {
#if defined(__cpp_static_assert) && __cpp_static_assert >= 202306L
  static_assert(!sizeof(Network*), samples_text(static_cast<Input*>(nullptr), static_cast<Samples*>(nullptr)));
#else
  // The undefined type's name is the message.
  static_assert(sizeof(data_error<typename needs_samples<Input>::type, Samples>) != 0,
                "typenet: the data set's samples have another shape than the network's input");
#endif
};
template <class Network, class Samples>
struct samples_check<Network, Samples, Samples> {};
template <class Network, class Samples, class Input>
  requires(!Network::fits && !std::is_same_v<Samples, Input>)
struct samples_check<Network, Samples, Input> {};

/// Runs a data set through a model, batch by batch, and scores it where the model is; the program sees scores alone.
template <class Model, class Data, class Loss>
typenet::report evaluate(Model& model, const Data& data, const Loss& loss) {
  using backend = typename Model::backend;
  using network = typename Model::network;
  using scalar = typename Model::scalar;
  static_cast<void>(sizeof(samples_check<network, typename got_of<Data::sample_shape>::type>));
  constexpr bool has_loss = !std::is_same_v<Loss, no_loss>;
  constexpr index batch = Model::batch;
  metrics_accumulator metrics{Data::classes, true};
  sample_reader<backend, Data> reader{data};
  sample_memory<backend> samples{batch, Model::inputs};
  typename backend::array losses{batch}, predicted{batch}, ranks{batch};
  std::vector<scalar> host_losses, host_predicted, host_ranks;
  scoring_pass<lowered_for<network, backend>, scalar, Model::lanes, Loss> pass{.memory = model.inference_memory(samples.input.data()),
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
  static_cast<void>(sizeof(detail::loss_check<Loss, typename Model::network, class_targets<Data::classes>>));
  return detail::evaluate(model, data, loss);
}

/// The same without a loss, which the report then has none of (NaN).
template <class Model, dataset Data>
report evaluate(Model& model, const Data& data) {
  static_cast<void>(sizeof(detail::loss_check<mse, typename Model::network, class_targets<Data::classes>>));
  return detail::evaluate(model, data, detail::no_loss{});
}

}  // namespace typenet
