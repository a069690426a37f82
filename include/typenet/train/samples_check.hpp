// SPDX-License-Identifier: MIT
/// @file
/// The checks of a data set against a network and a loss.
#pragma once

#include <typenet/core/diagnostics.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/data/dataset.hpp>
#include <typenet/losses/loss.hpp>
#include <typenet/losses/target.hpp>

namespace typenet {

/// Never defined: its name is the message.
template <class Needs, class Got>
struct data_error;

namespace needs {
/// Samples of the network's input shape.
template <int... Extents>
struct samples_of;
}  // namespace needs

namespace detail {

/// The sentence about samples of another shape than the network's input.
template <shape Input, shape Samples>
struct samples_text {
  static constexpr sentence text() {
    return sentence{"typenet: the network takes samples of "}.add(Input).add("; the data set's are ").add(Samples);
  }
};

/// `needs::samples_of` with the extents of a `got`.
template <class Got>
struct needs_samples;
template <int... Extents>
struct needs_samples<got<Extents...>> {
  using type = needs::samples_of<Extents...>;
};

/// Reports a data set whose samples have another shape than the network's input. An ill-formed network has been reported already.
template <class Network, class Data>
constexpr bool check_samples() {
  if constexpr (Network::fits)
    if constexpr (Data::sample_shape != Network::input_shape)
      return report_error<data_error<typename needs_samples<got_t<Network::input_shape>>::type, got_t<Data::sample_shape>>,
                          samples_text<Network::input_shape, Data::sample_shape>>();
  return true;
}

/// Reports a type that is no data set, or a data set that does not fit the network and the loss.
/// @returns true where `Data` is a data set
template <class Network, class Loss, class Data>
constexpr bool check_data() {
  static_assert(check_dataset<Data>());
  if constexpr (dataset<Data>) {
    static_assert(check_samples<Network, Data>());
    static_assert(check_loss<Loss, Network, class_targets<Data::classes>>());
  }
  return dataset<Data>;
}

}  // namespace detail
}  // namespace typenet
