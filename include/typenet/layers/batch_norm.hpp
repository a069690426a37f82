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
  static void forward(Exec& exec, const Data& data) {
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
      exec.for_each(channels, [=] TYPENET_HD(index channel) {
        const auto [m, variance] = moments<pack, Exec::lanes, area>(data.input, blocks, batch, channel);
        const auto count = static_cast<scalar>(batch * area);
        const auto momentum = static_cast<scalar>(Momentum.value());
        scalar* const running_mean = data.buffers[0] + channel;
        scalar* const running_variance = data.buffers[1] + channel;
        *running_mean += momentum * (m - *running_mean);
        const scalar unbiased = count > 1 ? variance * (count / (count - 1)) : variance;
        *running_variance += momentum * (unbiased - *running_variance);
        if (channel == 0) data.buffers[2][0] += 1;
        mean[channel] = m;
        inverse[channel] = 1 / lane::sqrt<scalar>(variance + static_cast<scalar>(Epsilon.value()));
        slope[channel] = inverse[channel] * data.parameters[0][channel];
        offset[channel] = data.parameters[1][channel] - m * slope[channel];
      });
    }
    exec.for_each(blocks * channels, [=] TYPENET_HD(index item) {
      const index block = item / channels;
      const index channel = item % channels;
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
      for (int e = 0; e < area; ++e) {
        const index at = index{e} * Exec::lanes;
        lane::store<pack>(to + at, lane::fma<pack>(lane::load<pack>(from + at), scale, shift));
      }
    });
  }

  template <shape In, class Exec, class Data>
  static void backward_parameters(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    using scalar = typename Exec::scalar;
    constexpr int channels = In.channels();
    constexpr int area = In.rank == 3 ? In.area() : 1;
    const scalar* const mean = data.scratch;
    const scalar* const inverse = mean + channels;
    const index blocks = exec.blocks();
    exec.for_each(channels, [=] TYPENET_HD(index channel) {
      const pack center = lane::broadcast<pack>(mean[channel]);
      pack sum[2] = {lane::broadcast<pack>(0), lane::broadcast<pack>(0)};
      pack product[2] = {lane::broadcast<pack>(0), lane::broadcast<pack>(0)};
      for (index b = 0; b < blocks; ++b) {
        const scalar* x = data.input.template block<pack>(b) + channel * area * Exec::lanes;
        const scalar* g = data.output_gradient.template block<pack>(b) + channel * area * Exec::lanes;
        int e = 0;
        for (; e + 2 <= area; e += 2) {
          TYPENET_UNROLL
          for (int i = 0; i < 2; ++i) {
            const pack gi = lane::load<pack>(g + index{e + i} * Exec::lanes);
            sum[i] = sum[i] + gi;
            product[i] = lane::fma<pack>(gi, lane::load<pack>(x + index{e + i} * Exec::lanes) - center, product[i]);
          }
        }
        for (; e < area; ++e) {
          const pack gi = lane::load<pack>(g + index{e} * Exec::lanes);
          sum[0] = sum[0] + gi;
          product[0] = lane::fma<pack>(gi, lane::load<pack>(x + index{e} * Exec::lanes) - center, product[0]);
        }
      }
      data.gradients[0][channel] = lane::sum<pack>(product[0] + product[1]) * inverse[channel];
      data.gradients[1][channel] = lane::sum<pack>(sum[0] + sum[1]);
    });
  }

  template <shape In, bool Accumulate, class Exec, class Data>
  static void backward_input(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    using scalar = typename Exec::scalar;
    constexpr int channels = In.channels();
    constexpr int area = In.rank == 3 ? In.area() : 1;
    const scalar* const mean = data.scratch;
    const scalar* const inverse = mean + channels;
    const index batch = exec.batch();
    exec.for_each(exec.blocks() * channels, [=] TYPENET_HD(index item) {
      const index block = item / channels;
      const index channel = item % channels;
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
      for (int e = 0; e < area; ++e) {
        const index at = index{e} * Exec::lanes;
        const pack dx = lane::fma<pack>(lane::load<pack>(g + at), pa, lane::fma<pack>(lane::load<pack>(x + at), pb, pc));
        lane::put<Accumulate, pack>(to + at, lane::keep_lanes<pack>(dx, valid));
      }
    });
  }

 private:
  template <class Scalar>
  struct mean_and_variance {
    Scalar mean, variance;
  };

  /// One pass about a number near the mean (the channel's first), which spares a one-pass sum of squares its cancellation.
  template <class Pack, int Lanes, int Area, class View>
  TYPENET_HD static auto moments(const View& view, index blocks, index batch, index channel) {
    using scalar = lane::scalar_t<Pack>;
    const scalar center = view.template block<Pack>(0)[channel * Area * Lanes];
    const Pack about = lane::broadcast<Pack>(center);
    Pack sum[2] = {lane::broadcast<Pack>(0), lane::broadcast<Pack>(0)};
    Pack square[2] = {lane::broadcast<Pack>(0), lane::broadcast<Pack>(0)};
    for (index b = 0; b < blocks; ++b) {
      const scalar* x = view.template block<Pack>(b) + channel * Area * Lanes;
      const int valid = lane::valid_lanes<Pack>(b, batch);
      if (valid == 0) break;
      if (valid == lane::width<Pack>) {
        int e = 0;
        for (; e + 2 <= Area; e += 2) {
          TYPENET_UNROLL
          for (int i = 0; i < 2; ++i) {
            const Pack d = lane::load<Pack>(x + index{e + i} * Lanes) - about;
            sum[i] = sum[i] + d;
            square[i] = lane::fma<Pack>(d, d, square[i]);
          }
        }
        for (; e < Area; ++e) {
          const Pack d = lane::load<Pack>(x + index{e} * Lanes) - about;
          sum[0] = sum[0] + d;
          square[0] = lane::fma<Pack>(d, d, square[0]);
        }
      } else {
        for (int e = 0; e < Area; ++e) {
          const Pack d = lane::keep_lanes<Pack>(lane::load<Pack>(x + index{e} * Lanes) - about, valid);
          sum[0] = sum[0] + d;
          square[0] = lane::fma<Pack>(d, d, square[0]);
        }
      }
    }
    const scalar count = static_cast<scalar>(batch * Area);
    const scalar shift = lane::sum<Pack>(sum[0] + sum[1]) / count;
    const scalar variance = lane::sum<Pack>(square[0] + square[1]) / count - shift * shift;
    return mean_and_variance<scalar>{center + shift, variance > 0 ? variance : scalar{0}};
  }
};

}  // namespace typenet
