// SPDX-License-Identifier: MIT
/// @file
/// batch_norm: each channel normalised over the batch.
#pragma once

#include <typenet/core/real.hpp>
#include <typenet/layer/layer.hpp>
#include <typenet/simd/loops.hpp>
#include <typenet/simd/lane_view.hpp>
#include <typenet/simd/execution.hpp>
#include <typenet/core/ceil_div.hpp>

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
  /// Mean and 1/σ of each channel, then slope and offset of the normalisation.
  static constexpr index scratch_size(shape in, index) { return 4 * index{in.channels()}; }
  static constexpr bool mixes_samples = true;

  template <shape In>
  static constexpr fusion_role role() {
    return fusion_role::normalization;
  }

  template <shape In, class Exec, class Data>
  TYPENET_HD static void forward(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    constexpr int channels = In.channels();
    constexpr int area = In.rank == 3 ? In.area() : 1;
    const bool training = exec.training();
    if (training) compute_statistics<In>(exec, data);
    constexpr int chunk = lane::grain<Exec>(area, 8);
    constexpr index chunks = detail::ceil_div(area, chunk);
    exec.for_each(exec.blocks() * channels * chunks, [=] TYPENET_HD(index item) {
      const index block = item / (channels * chunks);
      const index channel = item / chunks % channels;
      const int begin = static_cast<int>(item % chunks) * chunk;
      const int end = begin + chunk < area ? begin + chunk : area;
      const auto* from = lane::block<pack>(data.input, block) + channel * area * Exec::lanes;
      auto* to = lane::block<pack>(data.output, block) + channel * area * Exec::lanes;
      const affine<pack> normal = normalizer<In, pack>(data, channel, training);
      for (int e = begin; e < end; ++e) {
        const index at = index{e} * Exec::lanes;
        lane::store(to + at, normal(lane::load<pack>(from + at)));
      }
    });
  }

  template <shape In, class Exec, class Data>
  TYPENET_HD static void backward_parameters(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    using scalar = typename Exec::scalar;
    constexpr int channels = In.channels();
    constexpr int area = In.rank == 3 ? In.area() : 1;
    exec.template reduce<2>(
        channels, exec.blocks() * area,
        [=] TYPENET_HD(index channel, index first, index last, pack(&total)[2]) {
          const pack center = data.scratch[channel];
          // Two chains of each hide the latency of the additions.
          pack sum[2] = {total[0], 0};
          pack product[2] = {total[1], 0};
          lane::for_each_run(first, last, area, [&](index block, index begin, index end) {
            const scalar* x = lane::block<pack>(data.input, block) + channel * area * Exec::lanes;
            const scalar* g = lane::block<pack>(data.output_gradient, block) + channel * area * Exec::lanes;
            index e = begin;
            for (; e + 2 <= end; e += 2) {
              TYPENET_UNROLL
              for (int i = 0; i < 2; ++i) {
                const pack gi = lane::load<pack>(g + (e + i) * Exec::lanes);
                sum[i] = sum[i] + gi;
                product[i] = lane::fma(gi, lane::load<pack>(x + (e + i) * Exec::lanes) - center, product[i]);
              }
            }
            if (e < end) {
              const pack gi = lane::load<pack>(g + e * Exec::lanes);
              sum[0] = sum[0] + gi;
              product[0] = lane::fma(gi, lane::load<pack>(x + e * Exec::lanes) - center, product[0]);
            }
          });
          total[0] = sum[0] + sum[1];
          total[1] = product[0] + product[1];
        },
        [=] TYPENET_HD(index channel, const scalar(&total)[2]) { write_gradients<In>(data, channel, total); });
  }

  template <shape In, bool Accumulate, class Exec, class Data>
  TYPENET_HD static void backward_input(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    constexpr int channels = In.channels();
    constexpr int area = In.rank == 3 ? In.area() : 1;
    const index batch = exec.batch();
    constexpr int chunk = lane::grain<Exec>(area, 8);
    constexpr index chunks = detail::ceil_div(area, chunk);
    exec.for_each(exec.blocks() * channels * chunks, [=] TYPENET_HD(index item) {
      const index block = item / (channels * chunks);
      const index channel = item / chunks % channels;
      const int begin = static_cast<int>(item % chunks) * chunk;
      const int end = begin + chunk < area ? begin + chunk : area;
      const auto* x = lane::block<pack>(data.input, block) + channel * area * Exec::lanes;
      const auto* g = lane::block<pack>(data.output_gradient, block) + channel * area * Exec::lanes;
      auto* to = lane::block<pack>(data.input_gradient, block) + channel * area * Exec::lanes;
      const affine_of_two<pack> back = normalizer_backward<In, pack>(data, channel, batch);
      const int valid = lane::valid_lanes<pack>(block, batch);
      for (int e = begin; e < end; ++e) {
        const index at = index{e} * Exec::lanes;
        lane::store_or_add<Accumulate>(to + at, lane::keep_lanes(back(lane::load<pack>(g + at), lane::load<pack>(x + at)), valid));
      }
    });
  }

  // One sample: a channel's positions are in the lanes.

  template <shape In, one_sample_execution Exec, class Data>
    requires(In.rank == 3)
  TYPENET_HD static void forward(Exec& exec, const Data& data) {
    using scalar = typename Exec::scalar;
    using vector = typename Exec::vector;
    constexpr int area = In.area();
    const bool training = exec.training();
    if (training) compute_statistics<In>(exec, data);
    for_each_plane<In>(exec, [&](index sample, index channel) {
      const scalar* const from = lane::block<scalar>(data.input, sample) + channel * area;
      scalar* const to = lane::block<scalar>(data.output, sample) + channel * area;
      const affine<vector> normal = normalizer<In, vector>(data, channel, training);
      for (int e = 0; e < area; e += lane::width<vector>)
        lane::store_or_add_first<false>(to + e, normal(lane::load_unaligned<vector>(from + e)), area - e);
    });
  }

  template <shape In, one_sample_execution Exec, class Data>
    requires(In.rank == 3)
  TYPENET_HD static void backward_parameters(Exec& exec, const Data& data) {
    using scalar = typename Exec::scalar;
    using vector = typename Exec::vector;
    constexpr int area = In.rank == 3 ? In.area() : 1;
    const index samples = exec.blocks();
    exec.for_each(In.channels(), [&](index channel) {
      const vector center = data.scratch[channel];
      vector sum[2] = {0, 0};
      for (index sample = 0; sample < samples; ++sample) {
        const scalar* const x = lane::block<scalar>(data.input, sample) + channel * area;
        const scalar* const g = lane::block<scalar>(data.output_gradient, sample) + channel * area;
        for (int e = 0; e < area; e += lane::width<vector>) {
          const vector gradient = lane::keep_lanes(lane::load_unaligned<vector>(g + e), area - e);
          sum[0] = sum[0] + gradient;
          sum[1] = lane::fma(gradient, lane::keep_lanes(lane::load_unaligned<vector>(x + e) - center, area - e), sum[1]);
        }
      }
      const scalar total[2] = {lane::sum(sum[0]), lane::sum(sum[1])};
      write_gradients<In>(data, channel, total);
    });
  }

  template <shape In, bool Accumulate, one_sample_execution Exec, class Data>
    requires(In.rank == 3)
  TYPENET_HD static void backward_input(Exec& exec, const Data& data) {
    using scalar = typename Exec::scalar;
    using vector = typename Exec::vector;
    constexpr int area = In.rank == 3 ? In.area() : 1;
    const index batch = exec.batch();
    for_each_plane<In>(exec, [&](index sample, index channel) {
      const scalar* const x = lane::block<scalar>(data.input, sample) + channel * area;
      const scalar* const g = lane::block<scalar>(data.output_gradient, sample) + channel * area;
      scalar* const to = lane::block<scalar>(data.input_gradient, sample) + channel * area;
      const affine_of_two<vector> back = normalizer_backward<In, vector>(data, channel, batch);
      for (int e = 0; e < area; e += lane::width<vector>)
        lane::store_or_add_first<Accumulate>(to + e, back(lane::load_unaligned<vector>(g + e), lane::load_unaligned<vector>(x + e)), area - e);
    });
  }

  // What follows is also for kernels that do more besides.

  /// a x + b.
  template <class Pack>
  struct affine {
    Pack a, b;
    TYPENET_HD TYPENET_INLINE Pack operator()(const Pack& x) const { return lane::fma(x, a, b); }
  };
  /// a g + b x + c.
  template <class Pack>
  struct affine_of_two {
    Pack a, b, c;
    TYPENET_HD TYPENET_INLINE Pack operator()(const Pack& g, const Pack& x) const {
      return lane::fma(g, a, lane::fma(x, b, c));
    }
  };

  /// How a channel is normalised: by this batch's statistics while training, else by the running ones.
  template <shape In, class Pack, class Data>
  TYPENET_HD TYPENET_INLINE static affine<Pack> normalizer(const Data& data, index channel, bool training) {
    using scalar = lane::scalar_t<Pack>;
    constexpr int channels = In.channels();
    if (training)
      return {Pack(data.scratch[2 * channels + channel]), Pack(data.scratch[3 * channels + channel])};
    const scalar a = data.parameters[0][channel] / lane::sqrt(data.buffers[1][channel] + static_cast<scalar>(Epsilon.value()));
    return {Pack(a), Pack(data.parameters[1][channel] - data.buffers[0][channel] * a)};
  }

  /// The gradient of a channel's inputs from that of its outputs: γ/σ (dy − mean(dy) − x̂ mean(dy x̂)).
  template <shape In, class Pack, class Data>
  TYPENET_HD TYPENET_INLINE static affine_of_two<Pack> normalizer_backward(const Data& data, index channel, index batch) {
    using scalar = lane::scalar_t<Pack>;
    constexpr int channels = In.channels();
    constexpr int area = In.rank == 3 ? In.area() : 1;
    const auto count = static_cast<scalar>(batch * area);
    const scalar mean = data.scratch[channel], inverse = data.scratch[channels + channel];
    const scalar a = data.parameters[0][channel] * inverse;
    const scalar b = -a * inverse * data.gradients[0][channel] / count;
    const scalar c = -a * data.gradients[1][channel] / count - b * mean;
    return {Pack(a), Pack(b), Pack(c)};
  }

  /// Whether a channel's outputs rise with its inputs (1), fall (-1), or are all equal (0).
  template <class Data>
  TYPENET_HD TYPENET_INLINE static int scale_sign(const Data& data, index channel) {
    return data.parameters[0][channel] > 0 ? 1 : data.parameters[0][channel] < 0 ? -1 : 0;
  }

  /// The mean that a batch's channel has about it.
  template <class Pack, class Data>
  TYPENET_HD TYPENET_INLINE static Pack mean(const Data& data, index channel) {
    return Pack(data.scratch[channel]);
  }

  /// Statistics of the batch in `data.input`.
  template <shape In, class Exec, class Data>
  TYPENET_HD static void compute_statistics(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    using scalar = typename Exec::scalar;
    constexpr int area = In.rank == 3 ? In.area() : 1;
    const index batch = exec.batch();
    exec.template reduce<2>(
        In.channels(), exec.blocks() * area,
        [=] TYPENET_HD(index channel, index first, index last, pack(&sum)[2]) {
          const pack about = lane::block<pack>(data.input, 0)[channel * area * Exec::lanes];
          lane::for_each_run(first, last, area, [&](index block, index begin, index end) {
            add_deviations<pack, Exec::lanes>(lane::block<pack>(data.input, block) + channel * area * Exec::lanes,
                                              lane::valid_lanes<pack>(block, batch), about, begin, end, sum);
          });
        },
        [=] TYPENET_HD(index channel, const scalar(&sum)[2]) { write_statistics<In, pack, Exec::lanes>(data, channel, batch, sum); });
  }

  template <shape In, one_sample_execution Exec, class Data>
    requires(In.rank == 3)
  TYPENET_HD static void compute_statistics(Exec& exec, const Data& data) {
    using scalar = typename Exec::scalar;
    using vector = typename Exec::vector;
    constexpr int area = In.rank == 3 ? In.area() : 1;
    const index samples = exec.blocks();
    exec.for_each(In.channels(), [&](index channel) {
      const vector about = lane::block<scalar>(data.input, 0)[channel * area];
      vector sum[2] = {0, 0};
      for (index sample = 0; sample < samples; ++sample) {
        const scalar* const x = lane::block<scalar>(data.input, sample) + channel * area;
        for (int e = 0; e < area; e += lane::width<vector>) {
          const vector d = lane::keep_lanes(lane::load_unaligned<vector>(x + e) - about, area - e);
          sum[0] = sum[0] + d;
          sum[1] = lane::fma(d, d, sum[1]);
        }
      }
      const scalar total[2] = {lane::sum(sum[0]), lane::sum(sum[1])};
      write_statistics<In, scalar, 1>(data, channel, samples, total);
    });
  }

  /// Calls `body(sample, channel)` for each.
  template <shape In, one_sample_execution Exec, class Body>
  TYPENET_HD static void for_each_plane(Exec& exec, const Body& body) {
    exec.for_each(exec.blocks() * In.channels(), [&](index item) { body(item / In.channels(), item % In.channels()); });
  }

  /// From the sums of a channel's deviations, and of their squares, from its first number.
  template <shape In, class Pack, int Lanes, class Data>
  TYPENET_HD static void write_statistics(const Data& data, index channel, index batch, const lane::scalar_t<Pack> (&sum)[2]) {
    using scalar = lane::scalar_t<Pack>;
    constexpr int channels = In.channels();
    constexpr int area = In.rank == 3 ? In.area() : 1;
    const auto count = static_cast<scalar>(batch * area);
    const scalar shift = sum[0] / count;
    const scalar square = sum[1] / count - shift * shift;
    const scalar mean = lane::block<Pack>(data.input, 0)[channel * area * Lanes] + shift;
    const scalar variance = square > 0 ? square : scalar{0};
    const auto momentum = static_cast<scalar>(Momentum.value());
    scalar* const running_mean = data.buffers[0] + channel;
    scalar* const running_variance = data.buffers[1] + channel;
    *running_mean += momentum * (mean - *running_mean);
    const scalar unbiased = count > 1 ? variance * (count / (count - 1)) : variance;
    *running_variance += momentum * (unbiased - *running_variance);
    if (channel == 0) data.buffers[2][0] += 1;
    const scalar inverse = 1 / lane::sqrt(variance + static_cast<scalar>(Epsilon.value()));
    const scalar slope = inverse * data.parameters[0][channel];
    data.scratch[channel] = mean;
    data.scratch[channels + channel] = inverse;
    data.scratch[2 * channels + channel] = slope;
    data.scratch[3 * channels + channel] = data.parameters[1][channel] - mean * slope;
  }

  /// From the sums of a channel's gradients, and of their products with the inputs' deviations from the mean.
  template <shape In, class Data, class Scalar>
  TYPENET_HD static void write_gradients(const Data& data, index channel, const Scalar (&total)[2]) {
    data.gradients[0][channel] = total[1] * data.scratch[In.channels() + channel];
    data.gradients[1][channel] = total[0];
  }

  /// Adds the deviations from `about`, and their squares, of elements [first, last) of a plane. About a number near the mean one pass
  /// does without the cancellation of a sum of squares.
  template <class Pack, int Lanes>
  TYPENET_HD TYPENET_INLINE static void add_deviations(const lane::scalar_t<Pack>* x, int valid, const Pack& about, index first, index last,
                                                       Pack (&total)[2]) {
    if (valid == lane::width<Pack>) {
      Pack sum[2] = {total[0], 0};
      Pack square[2] = {total[1], 0};
      index e = first;
      for (; e + 2 <= last; e += 2) {
        TYPENET_UNROLL
        for (int i = 0; i < 2; ++i) {
          const Pack d = lane::load<Pack>(x + (e + i) * Lanes) - about;
          sum[i] = sum[i] + d;
          square[i] = lane::fma(d, d, square[i]);
        }
      }
      if (e < last) {
        const Pack d = lane::load<Pack>(x + e * Lanes) - about;
        sum[0] = sum[0] + d;
        square[0] = lane::fma(d, d, square[0]);
      }
      total[0] = sum[0] + sum[1];
      total[1] = square[0] + square[1];
    } else if (valid > 0) {
      for (index e = first; e < last; ++e) {
        const Pack d = lane::keep_lanes(lane::load<Pack>(x + e * Lanes) - about, valid);
        total[0] = total[0] + d;
        total[1] = lane::fma(d, d, total[1]);
      }
    }
  }
};

}  // namespace typenet
