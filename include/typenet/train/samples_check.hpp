// SPDX-License-Identifier: MIT
/// @file
/// The check of a data set's samples against a network's input.
#pragma once

#include <typenet/core/diagnostics.hpp>
#include <typenet/core/shape.hpp>

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

}  // namespace detail
}  // namespace typenet
