// SPDX-License-Identifier: MIT
/// @file
/// softmax: scores to probabilities. The arithmetic is in kernels/softmax.hpp.
#pragma once

#include <typenet/core/diagnostics.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/kernels/softmax.hpp>
#include <typenet/layer/layer.hpp>

namespace typenet {

/// exp(x_c) / Σ exp(x), over the features of a vector, or over the channels at each position of an image. Large scores do not overflow.
/// `cross_entropy` reads the scores before a softmax: train networks that end without this layer.
/// @see torch.nn.Softmax (dim = 1)
struct softmax : layer_defaults {
  static constexpr bool backward_reads_input = false;
  static constexpr bool backward_reads_output = true;
  static constexpr bool in_place = true;

  template <shape In>
  static constexpr auto check() {
    return accepted{};
  }
  static constexpr shape output(shape in) { return in; }

  template <shape In, class Exec, class Data>
  TYPENET_HD static void forward(Exec& exec, const Data& data) {
    detail::softmax_kernel<In>::forward(exec, data);
  }
  template <shape In, bool Accumulate, class Exec, class Data>
  TYPENET_HD static void backward_input(Exec& exec, const Data& data) {
    detail::softmax_kernel<In>::template backward_input<Accumulate>(exec, data);
  }
};

}  // namespace typenet
