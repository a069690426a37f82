// SPDX-License-Identifier: MIT
/// @file
/// softmax: scores as probabilities.
#pragma once

#include <typenet/layer/layer.hpp>

namespace typenet {

/// exp(x_c) / Σ exp(x), over the features of a vector or the channels at each position of an image, without overflow.
/// `cross_entropy` wants the scores before it: train without this layer. @see torch.nn.Softmax (dim = 1)
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
    using pack = typename Exec::pack;
    using scalar = typename Exec::scalar;
    constexpr index step = index{In.area()} * Exec::lanes;
    exec.for_each(exec.blocks() * In.area(), [=] TYPENET_HD(index item) {
      const index block = item / In.area();
      const index position = item % In.area() * Exec::lanes;
      const scalar* x = data.input.template block<pack>(block) + position;
      scalar* y = data.output.template block<pack>(block) + position;
      pack most = lane::load<pack>(x);
      for (int c = 1; c < In.channels(); ++c) most = lane::max<pack>(most, lane::load<pack>(x + c * step));
      pack sum = lane::broadcast<pack>(0);
      for (int c = 0; c < In.channels(); ++c) {
        const pack e = lane::exp<pack>(lane::load<pack>(x + c * step) - most);
        lane::store<pack>(y + c * step, e);
        sum = sum + e;
      }
      const pack scale = lane::broadcast<pack>(1) / sum;
      for (int c = 0; c < In.channels(); ++c) lane::store<pack>(y + c * step, lane::load<pack>(y + c * step) * scale);
    });
  }

  template <shape In, bool Accumulate, class Exec, class Data>
  TYPENET_HD static void backward_input(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    using scalar = typename Exec::scalar;
    constexpr index step = index{In.area()} * Exec::lanes;
    exec.for_each(exec.blocks() * In.area(), [=] TYPENET_HD(index item) {
      const index block = item / In.area();
      const index position = item % In.area() * Exec::lanes;
      const scalar* y = data.output.template block<pack>(block) + position;
      const scalar* g = data.output_gradient.template block<pack>(block) + position;
      scalar* to = data.input_gradient.template block<pack>(block) + position;
      pack dot = lane::broadcast<pack>(0);
      for (int c = 0; c < In.channels(); ++c) dot = lane::fma<pack>(lane::load<pack>(y + c * step), lane::load<pack>(g + c * step), dot);
      for (int c = 0; c < In.channels(); ++c)
        lane::put<Accumulate, pack>(to + c * step, lane::load<pack>(y + c * step) * (lane::load<pack>(g + c * step) - dot));
    });
  }
};

}  // namespace typenet
