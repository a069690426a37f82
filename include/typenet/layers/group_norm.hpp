// SPDX-License-Identifier: MIT
/// @file
/// group_norm: groups of channels normalised within each sample.
#pragma once

#include <typenet/core/real.hpp>
#include <typenet/layer/layer.hpp>

namespace typenet {

/// y = γ (x − μ) / √(σ² + ε) + β, with μ and σ² (biased) of each sample over each of `Groups` groups of channels and all
/// positions; γ and β per channel. Parameters: `weight` (γ), `bias` (β).
/// @see Wu and He 2018; torch.nn.GroupNorm
template <int Groups, real Epsilon = 1e-5>
struct group_norm : layer_defaults {
  template <shape In>
  static constexpr auto check() {
    if constexpr (Groups < 1)
      return needs::positive_sizes{};
    else if constexpr (In.channels() % Groups != 0)
      return needs::channels_divisible_by<Groups>{};
    else
      return accepted{};
  }
  static constexpr shape output(shape in) { return in; }
  static constexpr auto parameters(shape in) {
    const int channels = in.channels();
    return std::array<parameter_spec, 2>{parameter_spec{"weight", parameter_role::scale, 1, {channels, 1, 1, 1}, 1, 1},
                                         parameter_spec{"bias", parameter_role::shift, 1, {channels, 1, 1, 1}, 1, 1}};
  }
  /// Mean and 1/σ of each group.
  static constexpr index saved_size(shape) { return 2 * Groups; }

  template <shape In, class Exec, class Data>
  TYPENET_HD static void forward(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    using scalar = typename Exec::scalar;
    constexpr int size = In.size() / Groups;
    constexpr int area = In.area();
    constexpr int channels = In.channels() / Groups;
    exec.for_each(exec.blocks() * Groups, [=] TYPENET_HD(index item) {
      const index block = item / Groups;
      const index group = item % Groups;
      const scalar* x = data.input.template block<pack>(block) + group * size * Exec::lanes;
      scalar* y = data.output.template block<pack>(block) + group * size * Exec::lanes;
      scalar* saved = data.saved.template block<pack>(block) + 2 * group * Exec::lanes;
      const pack share = lane::broadcast<pack>(static_cast<scalar>(1.0 / size));
      pack mean = lane::broadcast<pack>(0);
      for (int e = 0; e < size; ++e) mean = mean + lane::load<pack>(x + index{e} * Exec::lanes);
      mean = mean * share;
      pack variance = lane::broadcast<pack>(0);
      for (int e = 0; e < size; ++e) {
        const pack d = lane::load<pack>(x + index{e} * Exec::lanes) - mean;
        variance = lane::fma<pack>(d, d, variance);
      }
      const pack inverse = lane::broadcast<pack>(1) /
                           lane::sqrt<pack>(lane::fma<pack>(variance, share, lane::broadcast<pack>(static_cast<scalar>(Epsilon.value()))));
      lane::store<pack>(saved, mean);
      lane::store<pack>(saved + Exec::lanes, inverse);
      for (int c = 0; c < channels; ++c) {
        const pack scale = inverse * lane::broadcast<pack>(data.parameters[0][group * channels + c]);
        const pack shift = lane::broadcast<pack>(data.parameters[1][group * channels + c]);
        for (int e = c * area; e < (c + 1) * area; ++e)
          lane::store<pack>(y + index{e} * Exec::lanes, lane::fma<pack>(lane::load<pack>(x + index{e} * Exec::lanes) - mean, scale, shift));
      }
    });
  }

  template <shape In, class Exec, class Data>
  TYPENET_HD static void backward_parameters(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    using scalar = typename Exec::scalar;
    constexpr int area = In.area();
    constexpr int channels = In.channels() / Groups;
    exec.template reduce<2>(
        In.channels(), exec.blocks() * area,
        [=] TYPENET_HD(index channel, index first, index last, pack(&total)[2]) {
          lane::for_each_run(first, last, area, [&](index block, index begin, index end) {
            const scalar* x = data.input.template block<pack>(block) + channel * area * Exec::lanes;
            const scalar* g = data.output_gradient.template block<pack>(block) + channel * area * Exec::lanes;
            const scalar* saved = data.saved.template block<pack>(block) + 2 * (channel / channels) * Exec::lanes;
            const pack mean = lane::load<pack>(saved);
            pack here = lane::broadcast<pack>(0);
            for (index e = begin; e < end; ++e) {
              const pack gi = lane::load<pack>(g + e * Exec::lanes);
              total[0] = total[0] + gi;
              here = lane::fma<pack>(gi, lane::load<pack>(x + e * Exec::lanes) - mean, here);
            }
            total[1] = lane::fma<pack>(here, lane::load<pack>(saved + Exec::lanes), total[1]);
          });
        },
        [=] TYPENET_HD(index channel, const scalar(&total)[2]) {
          data.gradients[0][channel] = total[1];
          data.gradients[1][channel] = total[0];
        });
  }

  template <shape In, bool Accumulate, class Exec, class Data>
  TYPENET_HD static void backward_input(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    using scalar = typename Exec::scalar;
    constexpr int size = In.size() / Groups;
    constexpr int area = In.area();
    constexpr int channels = In.channels() / Groups;
    exec.for_each(exec.blocks() * Groups, [=] TYPENET_HD(index item) {
      const index block = item / Groups;
      const index group = item % Groups;
      const scalar* x = data.input.template block<pack>(block) + group * size * Exec::lanes;
      const scalar* g = data.output_gradient.template block<pack>(block) + group * size * Exec::lanes;
      scalar* to = data.input_gradient.template block<pack>(block) + group * size * Exec::lanes;
      const scalar* saved = data.saved.template block<pack>(block) + 2 * group * Exec::lanes;
      const pack mean = lane::load<pack>(saved);
      const pack inverse = lane::load<pack>(saved + Exec::lanes);
      const pack share = lane::broadcast<pack>(static_cast<scalar>(1.0 / size));
      pack sum = lane::broadcast<pack>(0);
      pack product = sum;
      for (int c = 0; c < channels; ++c) {
        const pack weight = lane::broadcast<pack>(data.parameters[0][group * channels + c]);
        for (int e = c * area; e < (c + 1) * area; ++e) {
          const pack gi = lane::load<pack>(g + index{e} * Exec::lanes) * weight;
          sum = sum + gi;
          product = lane::fma<pack>(gi, lane::load<pack>(x + index{e} * Exec::lanes) - mean, product);
        }
      }
      // dx = 1/σ (γ dy − mean(γ dy) − x̂ mean(γ dy x̂))
      const pack b = lane::broadcast<pack>(0) - product * inverse * inverse * inverse * share;
      const pack c0 = lane::broadcast<pack>(0) - sum * inverse * share;
      for (int c = 0; c < channels; ++c) {
        const pack a = inverse * lane::broadcast<pack>(data.parameters[0][group * channels + c]);
        for (int e = c * area; e < (c + 1) * area; ++e) {
          const index at = index{e} * Exec::lanes;
          const pack dx = lane::fma<pack>(lane::load<pack>(g + at), a, lane::fma<pack>(lane::load<pack>(x + at) - mean, b, c0));
          lane::put<Accumulate, pack>(to + at, dx);
        }
      }
    });
  }
};

}  // namespace typenet
