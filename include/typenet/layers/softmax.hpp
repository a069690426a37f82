// SPDX-License-Identifier: MIT
/// @file
/// softmax: scores as probabilities.
#pragma once

#include <typenet/layer/layer.hpp>
#include <typenet/simd/loops.hpp>
#include <typenet/simd/lane_view.hpp>

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
      const scalar* x = lane::block<pack>(data.input, block) + position;
      scalar* y = lane::block<pack>(data.output, block) + position;
      pack most = lane::load<pack>(x);
      for (int c = 1; c < In.channels(); ++c) most = lane::max(most, lane::load<pack>(x + c * step));
      pack sum = 0;
      for (int c = 0; c < In.channels(); ++c) {
        const pack e = lane::exp(lane::load<pack>(x + c * step) - most);
        lane::store(y + c * step, e);
        sum = sum + e;
      }
      const pack scale = 1 / sum;
      for (int c = 0; c < In.channels(); ++c) lane::store(y + c * step, lane::load<pack>(y + c * step) * scale);
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
      const scalar* y = lane::block<pack>(data.output, block) + position;
      const scalar* g = lane::block<pack>(data.output_gradient, block) + position;
      scalar* to = lane::block<pack>(data.input_gradient, block) + position;
      pack dot = 0;
      for (int c = 0; c < In.channels(); ++c) dot = lane::fma(lane::load<pack>(y + c * step), lane::load<pack>(g + c * step), dot);
      for (int c = 0; c < In.channels(); ++c)
        lane::store_or_add<Accumulate>(to + c * step, lane::load<pack>(y + c * step) * (lane::load<pack>(g + c * step) - dot));
    });
  }
};

}  // namespace typenet
