// SPDX-License-Identifier: MIT
/// @file
/// How well a model does on a data set.
#pragma once

#include <array>
#include <span>

#include <typenet/data/dataset.hpp>
#include <typenet/losses.hpp>
#include <typenet/metrics.hpp>
#include <typenet/model.hpp>

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

template <class Model, class Data, class Add>
void for_each_answer(Model& model, const Data& data, const Add& add) {
  static_cast<void>(sizeof(samples_check<typename Model::network, typename got_of<Data::sample_shape>::type>));
  std::array<typename Model::scalar, static_cast<std::size_t>(Model::lanes * Model::outputs)> answers;
  for (index first = 0; first < data.size(); first += Model::lanes) {
    const int count = static_cast<int>(data.size() - first < Model::lanes ? data.size() - first : index{Model::lanes});
    model.predict_with([&](index i, std::span<float> row) { data.read(i, sample_key::evaluation(), row); }, first, count, answers);
    for (int l = 0; l < count; ++l)
      add(std::span<const typename Model::scalar>{answers}.subspan(static_cast<std::size_t>(l * Model::outputs), Model::outputs),
          data.label(first + l));
  }
}

}  // namespace detail

/// Accuracy, confusion and the rest of `report` over a whole data set; the class is the largest output.
template <class Model, dataset Data, class Loss>
report evaluate(Model& model, const Data& data, const Loss& loss) {
  using scalar = typename Model::scalar;
  static_cast<void>(sizeof(detail::loss_check<Loss, typename Model::network, class_targets<Data::classes>>));
  metrics_accumulator metrics{Data::classes, true};
  detail::for_each_answer(model, data, [&](std::span<const scalar> answer, int label) {
    const class_target<scalar> target{static_cast<scalar>(label)};
    const scalar one = loss.template operator()<scalar, 1, Model::network::output_shape>(answer.data(), target, nullptr, scalar{1});
    metrics.add(answer, label, static_cast<double>(one));
  });
  return metrics.result();
}

/// The same without a loss, which the report then has none of (NaN).
template <class Model, dataset Data>
report evaluate(Model& model, const Data& data) {
  using scalar = typename Model::scalar;
  static_cast<void>(sizeof(detail::loss_check<mse, typename Model::network, class_targets<Data::classes>>));
  metrics_accumulator metrics{Data::classes, true};
  detail::for_each_answer(model, data, [&](std::span<const scalar> answer, int label) { metrics.add(answer, label); });
  return metrics.result();
}

}  // namespace typenet
