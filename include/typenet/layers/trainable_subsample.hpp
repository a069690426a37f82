// SPDX-License-Identifier: MIT
/// @file
/// trainable_subsample: the sum of each window, times a learned coefficient plus a learned bias.
#pragma once

#include <array>

#include <typenet/core/ceil_div.hpp>
#include <typenet/core/config.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/kernels/pooling.hpp>
#include <typenet/layer/layer.hpp>
#include <typenet/layers/pooling_base.hpp>
#include <typenet/simd/lane_view.hpp>
#include <typenet/simd/loops.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet {

/// y = w_c Σ x + b_c over each window of channel c. Σ x is the sum of the window, not its mean; no activation follows.
/// Parameters: `weight` (w) [channels], `bias` (b) [channels], with the fan-in of one window.
/// Options: `stride` (the window by default), `padding` (of zeros).
/// @tparam Window the window: 2, or `kernel<2, 3>`
/// @see LeCun et al. 1998, layers S2 and S4
template <auto Window, class... Options>
struct trainable_subsample : detail::pooling<trainable_subsample<Window, Options...>, Window, Options...> {
 private:
  using base = detail::pooling<trainable_subsample<Window, Options...>, Window, Options...>;
  template <shape In>
  using kernels = detail::pooling_kernel<trainable_subsample<Window, Options...>, In>;

 public:
  template <class Scalar>
  static constexpr Scalar padding_value = 0;

  static constexpr auto parameters(shape in) {
    const int channels = in.channels();
    // The largest number of windows that read one input.
    const int fan_out = static_cast<int>(detail::ceil_div(base::kernel.height, base::stride.height) *
                                         detail::ceil_div(base::kernel.width, base::stride.width));
    return std::array<parameter_spec, 2>{parameter_spec{"weight", parameter_role::weight, 1, {channels, 1, 1, 1}, base::count, fan_out},
                                         parameter_spec{"bias", parameter_role::bias, 1, {channels, 1, 1, 1}, base::count, fan_out}};
  }
  /// One multiplication for each output. Additions within a window do not count.
  static constexpr index macs(shape in) { return base::output(in).size(); }
  static constexpr index connections(shape in) { return index{base::count + 1} * base::output(in).size(); }
  /// Fused chains have no pooling with parameters.
  template <shape In>
  static constexpr fusion_role role() {
    return fusion_role::alone;
  }

  /// The arithmetic of the windows of one channel.
  template <class Pack>
  struct channel {
    Pack weight, bias;

    template <class P, int Count>
    TYPENET_HD TYPENET_INLINE P combine(const P (&x)[Count]) const {
      return lane::fma(sum<P>(x), weight, bias);
    }
    template <class P, int Count>
    TYPENET_HD TYPENET_INLINE void distribute_gradient(const P (&)[Count], const P& gradient, P (&to)[Count]) const {
      const P each = gradient * weight;
      TYPENET_UNROLL
      for (int i = 0; i < Count; ++i) to[i] = each;
    }
  };
  template <class Pack, class Data>
  TYPENET_HD TYPENET_INLINE static channel<Pack> of_channel(const Data& data, index c) {
    return {Pack(data.parameters[0][c]), Pack(data.parameters[1][c])};
  }

  template <shape In, class Exec, class Data>
  TYPENET_HD static void backward_parameters(Exec& exec, const Data& data) {
    sum_gradients<In, false>(exec, data);
  }
  template <shape In, bool Wanted, bool Accumulate, class Exec, class Data>
  TYPENET_HD static void backward_curvature(Exec& exec, const Data& data) {
    sum_gradients<In, true>(exec, data);
    if constexpr (Wanted) kernels<In>::template backward_input<Accumulate, true>(exec, data);
  }

  /// dw_c = Σ over windows of dy Σ x, and db_c = Σ over windows of dy.
  /// @tparam Squared true for second derivatives, which take (Σ x)² in place of Σ x
  template <shape In, bool Squared, class Exec, class Data>
  TYPENET_HD static void sum_gradients(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    using scalar = typename Exec::scalar;
    constexpr int columns = base::output(In).width();
    constexpr int windows = base::output(In).area();
    exec.template reduce<2>(
        In.channels(), exec.blocks() * windows,
        [=] TYPENET_HD(index c, index first, index last, pack(&total)[2]) {
          lane::for_each_run(first, last, windows, [&](index block, index begin, index end) {
            const scalar* x = lane::block<pack>(data.input, block) + c * In.area() * Exec::lanes;
            const scalar* g = lane::block<pack>(data.output_gradient, block) + c * windows * Exec::lanes;
            for (int e = static_cast<int>(begin); e < static_cast<int>(end); ++e) {
              pack inputs[base::count];
              kernels<In>::template read<Exec::lanes>(x, e / columns, e % columns, inputs);
              const pack gradient = lane::load<pack>(g + index{e} * Exec::lanes);
              const pack all = sum<pack>(inputs);
              total[0] = lane::fma(gradient, Squared ? all * all : all, total[0]);
              total[1] = total[1] + gradient;
            }
          });
        },
        [=] TYPENET_HD(index c, const scalar(&total)[2]) {
          data.gradients[0][c] = total[0];
          data.gradients[1][c] = total[1];
        });
  }

  /// The sum of the inputs of one window.
  template <class Pack, int Count>
  TYPENET_HD TYPENET_INLINE static Pack sum(const Pack (&x)[Count]) {
    Pack all = x[0];
    TYPENET_UNROLL
    for (int i = 1; i < Count; ++i) all = all + x[i];
    return all;
  }
};

}  // namespace typenet
