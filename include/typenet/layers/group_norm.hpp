// SPDX-License-Identifier: MIT
/// @file
/// group_norm: groups of channels normalised within each sample.
#pragma once

#include <typenet/core/real.hpp>
#include <typenet/layer/layer.hpp>
#include <typenet/simd/loops.hpp>
#include <typenet/simd/lane_view.hpp>

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
      const scalar* x = lane::block<pack>(data.input, block) + group * size * Exec::lanes;
      scalar* y = lane::block<pack>(data.output, block) + group * size * Exec::lanes;
      scalar* saved = lane::block<pack>(data.saved, block) + 2 * group * Exec::lanes;
      const pack share = static_cast<scalar>(1.0 / size);
      pack mean = 0;
      for (int e = 0; e < size; ++e) mean = mean + lane::load<pack>(x + index{e} * Exec::lanes);
      mean = mean * share;
      pack variance = 0;
      for (int e = 0; e < size; ++e) {
        const pack d = lane::load<pack>(x + index{e} * Exec::lanes) - mean;
        variance = lane::fma(d, d, variance);
      }
      const pack inverse = 1 /
                           lane::sqrt(lane::fma(variance, share, Epsilon.value()));
      lane::store(saved, mean);
      lane::store(saved + Exec::lanes, inverse);
      for (int c = 0; c < channels; ++c) {
        const pack scale = inverse * data.parameters[0][group * channels + c];
        const pack shift = data.parameters[1][group * channels + c];
        for (int e = c * area; e < (c + 1) * area; ++e)
          lane::store(y + index{e} * Exec::lanes, lane::fma(lane::load<pack>(x + index{e} * Exec::lanes) - mean, scale, shift));
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
            const scalar* x = lane::block<pack>(data.input, block) + channel * area * Exec::lanes;
            const scalar* g = lane::block<pack>(data.output_gradient, block) + channel * area * Exec::lanes;
            const scalar* saved = lane::block<pack>(data.saved, block) + 2 * (channel / channels) * Exec::lanes;
            const pack mean = lane::load<pack>(saved);
            pack here = 0;
            for (index e = begin; e < end; ++e) {
              const pack gi = lane::load<pack>(g + e * Exec::lanes);
              total[0] = total[0] + gi;
              here = lane::fma(gi, lane::load<pack>(x + e * Exec::lanes) - mean, here);
            }
            total[1] = lane::fma(here, lane::load<pack>(saved + Exec::lanes), total[1]);
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
      const scalar* x = lane::block<pack>(data.input, block) + group * size * Exec::lanes;
      const scalar* g = lane::block<pack>(data.output_gradient, block) + group * size * Exec::lanes;
      scalar* to = lane::block<pack>(data.input_gradient, block) + group * size * Exec::lanes;
      const scalar* saved = lane::block<pack>(data.saved, block) + 2 * group * Exec::lanes;
      const pack mean = lane::load<pack>(saved);
      const pack inverse = lane::load<pack>(saved + Exec::lanes);
      const pack share = static_cast<scalar>(1.0 / size);
      pack sum = 0;
      pack product = sum;
      for (int c = 0; c < channels; ++c) {
        const pack weight = data.parameters[0][group * channels + c];
        for (int e = c * area; e < (c + 1) * area; ++e) {
          const pack gi = lane::load<pack>(g + index{e} * Exec::lanes) * weight;
          sum = sum + gi;
          product = lane::fma(gi, lane::load<pack>(x + index{e} * Exec::lanes) - mean, product);
        }
      }
      // dx = 1/σ (γ dy − mean(γ dy) − x̂ mean(γ dy x̂))
      const pack b = 0 - product * inverse * inverse * inverse * share;
      const pack c0 = 0 - sum * inverse * share;
      for (int c = 0; c < channels; ++c) {
        const pack a = inverse * data.parameters[0][group * channels + c];
        for (int e = c * area; e < (c + 1) * area; ++e) {
          const index at = index{e} * Exec::lanes;
          const pack dx = lane::fma(lane::load<pack>(g + at), a, lane::fma(lane::load<pack>(x + at) - mean, b, c0));
          lane::store_or_add<Accumulate>(to + at, dx);
        }
      }
    });
  }
};

}  // namespace typenet
