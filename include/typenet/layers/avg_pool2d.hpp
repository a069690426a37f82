// SPDX-License-Identifier: MIT
/// @file
/// avg_pool2d: the mean of each window. global_avg_pool2d: the mean of each channel.
#pragma once

#include <typenet/core/config.hpp>
#include <typenet/core/diagnostics.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/layer/layer.hpp>
#include <typenet/layers/pooling_base.hpp>
#include <typenet/simd/lane_view.hpp>
#include <typenet/simd/loops.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet {

/// The mean of each window. Options: `stride` (the window by default), `padding` (of zeros, which count).
/// @tparam Window the window: 2, or `kernel<2, 3>`
/// @see torch.nn.AvgPool2d
template <auto Window, class... Options>
struct avg_pool2d : detail::pooling<avg_pool2d<Window, Options...>, Window, Options...> {
  static constexpr bool backward_reads_input = false;
  template <class Scalar>
  static constexpr Scalar padding_value = 0;

  template <class Pack, int Count>
  TYPENET_HD TYPENET_INLINE static Pack combine(const Pack (&x)[Count]) {
    Pack sum = x[0];
    TYPENET_UNROLL
    for (int i = 1; i < Count; ++i) sum = sum + x[i];
    return sum * static_cast<lane::scalar_t<Pack>>(1.0 / Count);
  }
  template <class Pack, int Count>
  TYPENET_HD TYPENET_INLINE static void distribute_gradient(const Pack (&)[Count], const Pack& gradient, Pack (&to)[Count]) {
    const Pack each = gradient * static_cast<lane::scalar_t<Pack>>(1.0 / Count);
    TYPENET_UNROLL
    for (int i = 0; i < Count; ++i) to[i] = each;
  }
};

/// The mean of each channel: channels x height x width to channels x 1 x 1.
/// @see torch.nn.AdaptiveAvgPool2d(1)
struct global_avg_pool2d : layer_defaults {
  static constexpr bool backward_reads_input = false;

  template <shape In>
  static constexpr auto check() {
    if constexpr (In.rank != 3)
      return needs::an_image{};
    else
      return accepted{};
  }
  static constexpr shape output(shape in) { return shape{in.channels(), 1, 1}; }

  template <shape In, class Exec, class Data>
  TYPENET_HD static void forward(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    using scalar = typename Exec::scalar;
    exec.for_each(exec.blocks() * In.channels(), [=] TYPENET_HD(index item) {
      const index block = item / In.channels();
      const index channel = item % In.channels();
      const scalar* from = lane::block<pack>(data.input, block) + channel * In.area() * Exec::lanes;
      pack sum = 0;
      for (int e = 0; e < In.area(); ++e) sum = sum + lane::load<pack>(from + index{e} * Exec::lanes);
      lane::store(lane::block<pack>(data.output, block) + channel * Exec::lanes, sum * static_cast<scalar>(1.0 / In.area()));
    });
  }

  template <shape In, bool Accumulate, class Exec, class Data>
  TYPENET_HD static void backward_input(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    using scalar = typename Exec::scalar;
    lane::for_each_pack<In.size()>(exec, [=] TYPENET_HD(index block, index offset) {
      const index channel = offset / (In.area() * Exec::lanes);
      const pack g = lane::load<pack>(lane::block<pack>(data.output_gradient, block) + channel * Exec::lanes);
      lane::store_or_add<Accumulate>(lane::block<pack>(data.input_gradient, block) + offset, g * static_cast<scalar>(1.0 / In.area()));
    });
  }
};

}  // namespace typenet
