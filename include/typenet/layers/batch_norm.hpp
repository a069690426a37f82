// SPDX-License-Identifier: MIT
/// @file
/// batch_norm: each channel normalised over the batch.
#pragma once

#include <typenet/layer.hpp>
#include <typenet/real.hpp>

namespace typenet {

/// y = γ (x − μ) / √(σ² + ε) + β, with μ and σ² (biased) of each channel over the batch and all positions while training,
/// and their running averages afterwards (the variance unbiased there). Images and vectors alike.
/// Parameters: `weight` (γ), `bias` (β). Buffers: `running_mean`, `running_var`, `num_batches_tracked`.
/// @see Ioffe and Szegedy 2015; torch.nn.BatchNorm2d, torch.nn.BatchNorm1d
template <real Epsilon = 1e-5, real Momentum = 0.1>
struct batch_norm : layer_defaults {
  template <shape In>
  static constexpr auto check() {
    return accepted{};
  }
  static constexpr shape output(shape in) { return in; }
  static constexpr auto parameters(shape in) {
    const int channels = in.channels();
    return std::array<parameter_spec, 2>{parameter_spec{"weight", parameter_role::scale, 1, {channels, 1, 1, 1}, 1, 1},
                                         parameter_spec{"bias", parameter_role::shift, 1, {channels, 1, 1, 1}, 1, 1}};
  }
  static constexpr auto buffers(shape in) {
    const int channels = in.channels();
    return std::array<buffer_spec, 3>{buffer_spec{"running_mean", 1, {channels, 1, 1, 1}, 0, false},
                                      buffer_spec{"running_var", 1, {channels, 1, 1, 1}, 1, false},
                                      buffer_spec{"num_batches_tracked", 0, {1, 1, 1, 1}, 0, true}};
  }
  /// Mean and 1/σ of each channel, then two coefficients of the pass under way.
  static constexpr index scratch_size(shape in, index) { return 4 * index{in.channels()}; }

  template <shape In, class Exec, class Data>
  TYPENET_HD static void forward(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    using scalar = typename Exec::scalar;
    constexpr int channels = In.channels();
    constexpr int area = In.rank == 3 ? In.area() : 1;
    scalar* const mean = data.scratch;
    scalar* const inverse = mean + channels;
    scalar* const slope = inverse + channels;
    scalar* const offset = slope + channels;
    const index blocks = exec.blocks();
    const index batch = exec.batch();
    const bool training = exec.training();
    if (training) {
      exec.template reduce<2>(
          channels, blocks * area,
          [=] TYPENET_HD(index channel, index first, index last, pack(&sum)[2]) {
            const scalar* const start = data.input.template block<pack>(0) + channel * area * Exec::lanes;
            add_deviations<pack, Exec::lanes, area>(data.input, batch, channel, lane::broadcast<pack>(*start), first, last, sum);
          },
          [=] TYPENET_HD(index channel, const scalar(&sum)[2]) {
            const auto count = static_cast<scalar>(batch * area);
            const scalar shift = sum[0] / count;
            const scalar square = sum[1] / count - shift * shift;
            const scalar m = data.input.template block<pack>(0)[channel * area * Exec::lanes] + shift;
            const scalar variance = square > 0 ? square : scalar{0};
            const auto momentum = static_cast<scalar>(Momentum.value());
            scalar* const running_mean = data.buffers[0] + channel;
            scalar* const running_variance = data.buffers[1] + channel;
            *running_mean += momentum * (m - *running_mean);
            const scalar unbiased = count > 1 ? variance * (count / (count - 1)) : variance;
            *running_variance += momentum * (unbiased - *running_variance);
            if (channel == 0) data.buffers[2][0] += 1;
            const scalar a = 1 / lane::sqrt<scalar>(variance + static_cast<scalar>(Epsilon.value()));
            mean[channel] = m;
            inverse[channel] = a;
            slope[channel] = a * data.parameters[0][channel];
            offset[channel] = data.parameters[1][channel] - m * (a * data.parameters[0][channel]);
          });
    }
    constexpr int chunk = lane::grain<Exec>(area, 8);
    constexpr index chunks = detail::ceil_div(area, chunk);
    exec.for_each(blocks * channels * chunks, [=] TYPENET_HD(index item) {
      const index block = item / (channels * chunks);
      const index channel = item / chunks % channels;
      const int begin = static_cast<int>(item % chunks) * chunk;
      const int end = begin + chunk < area ? begin + chunk : area;
      scalar a, b;
      if (training) {
        a = slope[channel];
        b = offset[channel];
      } else {
        a = data.parameters[0][channel] / lane::sqrt<scalar>(data.buffers[1][channel] + static_cast<scalar>(Epsilon.value()));
        b = data.parameters[1][channel] - data.buffers[0][channel] * a;
      }
      const scalar* from = data.input.template block<pack>(block) + channel * area * Exec::lanes;
      scalar* to = data.output.template block<pack>(block) + channel * area * Exec::lanes;
      const pack scale = lane::broadcast<pack>(a);
      const pack shift = lane::broadcast<pack>(b);
      for (int e = begin; e < end; ++e) {
        const index at = index{e} * Exec::lanes;
        lane::store<pack>(to + at, lane::fma<pack>(lane::load<pack>(from + at), scale, shift));
      }
    });
  }

  template <shape In, class Exec, class Data>
  TYPENET_HD static void backward_parameters(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    using scalar = typename Exec::scalar;
    constexpr int channels = In.channels();
    constexpr int area = In.rank == 3 ? In.area() : 1;
    const scalar* const mean = data.scratch;
    const scalar* const inverse = mean + channels;
    exec.template reduce<2>(
        channels, exec.blocks() * area,
        [=] TYPENET_HD(index channel, index first, index last, pack(&total)[2]) {
          const pack center = lane::broadcast<pack>(mean[channel]);
          // Two chains of each hide the latency of the additions.
          pack sum[2] = {total[0], lane::broadcast<pack>(0)};
          pack product[2] = {total[1], lane::broadcast<pack>(0)};
          lane::for_each_run(first, last, area, [&](index block, index begin, index end) {
            const scalar* x = data.input.template block<pack>(block) + channel * area * Exec::lanes;
            const scalar* g = data.output_gradient.template block<pack>(block) + channel * area * Exec::lanes;
            index e = begin;
            for (; e + 2 <= end; e += 2) {
              TYPENET_UNROLL
              for (int i = 0; i < 2; ++i) {
                const pack gi = lane::load<pack>(g + (e + i) * Exec::lanes);
                sum[i] = sum[i] + gi;
                product[i] = lane::fma<pack>(gi, lane::load<pack>(x + (e + i) * Exec::lanes) - center, product[i]);
              }
            }
            if (e < end) {
              const pack gi = lane::load<pack>(g + e * Exec::lanes);
              sum[0] = sum[0] + gi;
              product[0] = lane::fma<pack>(gi, lane::load<pack>(x + e * Exec::lanes) - center, product[0]);
            }
          });
          total[0] = sum[0] + sum[1];
          total[1] = product[0] + product[1];
        },
        [=] TYPENET_HD(index channel, const scalar(&total)[2]) {
          data.gradients[0][channel] = total[1] * inverse[channel];
          data.gradients[1][channel] = total[0];
        });
  }

  template <shape In, bool Accumulate, class Exec, class Data>
  TYPENET_HD static void backward_input(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    using scalar = typename Exec::scalar;
    constexpr int channels = In.channels();
    constexpr int area = In.rank == 3 ? In.area() : 1;
    const scalar* const mean = data.scratch;
    const scalar* const inverse = mean + channels;
    const index batch = exec.batch();
    constexpr int chunk = lane::grain<Exec>(area, 8);
    constexpr index chunks = detail::ceil_div(area, chunk);
    exec.for_each(exec.blocks() * channels * chunks, [=] TYPENET_HD(index item) {
      const index block = item / (channels * chunks);
      const index channel = item / chunks % channels;
      const int begin = static_cast<int>(item % chunks) * chunk;
      const int end = begin + chunk < area ? begin + chunk : area;
      const scalar count = static_cast<scalar>(batch * area);
      // dx = γ/σ (dy − mean(dy) − x̂ mean(dy x̂)), as a dy + b x + c.
      const scalar a = data.parameters[0][channel] * inverse[channel];
      const scalar b = -a * inverse[channel] * data.gradients[0][channel] / count;
      const scalar c = -a * data.gradients[1][channel] / count - b * mean[channel];
      const scalar* x = data.input.template block<pack>(block) + channel * area * Exec::lanes;
      const scalar* g = data.output_gradient.template block<pack>(block) + channel * area * Exec::lanes;
      scalar* to = data.input_gradient.template block<pack>(block) + channel * area * Exec::lanes;
      const pack pa = lane::broadcast<pack>(a), pb = lane::broadcast<pack>(b), pc = lane::broadcast<pack>(c);
      const int valid = lane::valid_lanes<pack>(block, batch);
      for (int e = begin; e < end; ++e) {
        const index at = index{e} * Exec::lanes;
        const pack dx = lane::fma<pack>(lane::load<pack>(g + at), pa, lane::fma<pack>(lane::load<pack>(x + at), pb, pc));
        lane::put<Accumulate, pack>(to + at, lane::keep_lanes<pack>(dx, valid));
      }
    });
  }

  /// Adds the deviations from `about` and their squares in [first, last) of a channel, counted through the blocks. About a number near
  /// the mean (the channel's first) one pass does without the cancellation of a sum of squares.
  template <class Pack, int Lanes, int Area, class View>
  TYPENET_HD static void add_deviations(const View& view, index batch, index channel, const Pack& about, index first, index last,
                                        Pack (&total)[2]) {
    using scalar = lane::scalar_t<Pack>;
    Pack sum[2] = {total[0], lane::broadcast<Pack>(0)};
    Pack square[2] = {total[1], lane::broadcast<Pack>(0)};
    lane::for_each_run(first, last, Area, [&](index block, index begin, index end) {
      const scalar* x = view.template block<Pack>(block) + channel * Area * Lanes;
      const int valid = lane::valid_lanes<Pack>(block, batch);
      if (valid == lane::width<Pack>) {
        index e = begin;
        for (; e + 2 <= end; e += 2) {
          TYPENET_UNROLL
          for (int i = 0; i < 2; ++i) {
            const Pack d = lane::load<Pack>(x + (e + i) * Lanes) - about;
            sum[i] = sum[i] + d;
            square[i] = lane::fma<Pack>(d, d, square[i]);
          }
        }
        if (e < end) {
          const Pack d = lane::load<Pack>(x + e * Lanes) - about;
          sum[0] = sum[0] + d;
          square[0] = lane::fma<Pack>(d, d, square[0]);
        }
      } else if (valid > 0) {
        for (index e = begin; e < end; ++e) {
          const Pack d = lane::keep_lanes<Pack>(lane::load<Pack>(x + e * Lanes) - about, valid);
          sum[0] = sum[0] + d;
          square[0] = lane::fma<Pack>(d, d, square[0]);
        }
      }
    });
    total[0] = sum[0] + sum[1];
    total[1] = square[0] + square[1];
  }
};

}  // namespace typenet
