// SPDX-License-Identifier: MIT
/// @file
/// The passes of `group_norm`: normalization of groups of channels within each sample.
#pragma once

#include <typenet/core/config.hpp>
#include <typenet/core/real.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/simd/lane_view.hpp>
#include <typenet/simd/loops.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet::detail {

/// y = γ (x − μ) / √(σ² + ε) + β with μ and σ² of each sample's group. Parameters 0 and 1 are γ and β, `[channel]`. `saved` holds μ and
/// 1 / √(σ² + ε): `[group of samples][group of channels][2][lane]`. A work item of `forward` and `backward_input` is one group of channels
/// of one block.
template <shape In, int Groups, real Epsilon>
struct group_norm_kernel {
  static constexpr int area = In.area();
  /// Channels of one group.
  static constexpr int channels = In.channels() / Groups;
  /// Numbers of one group in one sample.
  static constexpr int size = channels * area;

  template <class Exec, class Data>
  TYPENET_HD static void forward(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    using scalar = typename Exec::scalar;
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
      const pack inverse = 1 / lane::sqrt(lane::fma(variance, share, Epsilon.value()));
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

  /// dγ = Σ dy x̂ and dβ = Σ dy of each channel.
  template <class Exec, class Data>
  TYPENET_HD static void backward_parameters(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    using scalar = typename Exec::scalar;
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

  /// dx = 1/σ (γ dy − mean(γ dy) − x̂ mean(γ dy x̂)) with x̂ = (x − μ)/σ and the means over the group.
  template <bool Accumulate, class Exec, class Data>
  TYPENET_HD static void backward_input(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    using scalar = typename Exec::scalar;
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

}  // namespace typenet::detail
