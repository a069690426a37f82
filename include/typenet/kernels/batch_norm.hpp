// SPDX-License-Identifier: MIT
/// @file
/// Normalization of each channel by statistics of the batch: the passes of `batch_norm`, and the pieces of them that fused chains use
/// (concept `normalization_layer` in layer/fusion_role.hpp).
#pragma once

#include <typenet/core/ceil_div.hpp>
#include <typenet/core/config.hpp>
#include <typenet/core/real.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/simd/execution.hpp>
#include <typenet/simd/lane_view.hpp>
#include <typenet/simd/loops.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet::detail {

/// The function x → a x + b.
template <class Pack>
struct affine {
  Pack a, b;
  TYPENET_HD TYPENET_INLINE Pack operator()(const Pack& x) const { return lane::fma(x, a, b); }
};
/// The function (g, x) → a g + b x + c.
template <class Pack>
struct affine_of_two {
  Pack a, b, c;
  TYPENET_HD TYPENET_INLINE Pack operator()(const Pack& g, const Pack& x) const { return lane::fma(g, a, lane::fma(x, b, c)); }
};

/// The arithmetic of `batch_norm`; the layer derives from it. A vector counts as channels of one position each.
///
/// Memory of the layer: parameters 0 and 1 are γ and β, buffers 0 to 2 the running mean, the running variance and the number of batches;
/// each `[channel]` but the last, which is one number. `scratch` holds four arrays `[channel]` one after another: the mean μ of the batch,
/// the inverse deviation 1 / √(σ² + ε), and the slope and the offset of x → y.
template <real Epsilon, real Momentum>
struct batch_norm_kernel {
  // ---- passes with samples in the lanes

  template <shape In, class Exec, class Data>
  TYPENET_HD static void forward(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    constexpr int area = In.area();
    const bool training = exec.training();
    if (training) compute_statistics<In>(exec, data);
    for_each_chunk<In>(exec, [=] TYPENET_HD(index block, index channel, int begin, int end) {
      const auto* from = lane::block<pack>(data.input, block) + channel * area * Exec::lanes;
      auto* to = lane::block<pack>(data.output, block) + channel * area * Exec::lanes;
      const affine<pack> normal = normalizer<In, pack>(data, channel, training);
      for (int e = begin; e < end; ++e) {
        const index at = index{e} * Exec::lanes;
        lane::store(to + at, normal(lane::load<pack>(from + at)));
      }
    });
  }

  /// Sums Σ dy and Σ dy (x − μ) of each channel.
  template <shape In, class Exec, class Data>
  TYPENET_HD static void backward_parameters(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    using scalar = typename Exec::scalar;
    constexpr int area = In.area();
    exec.template reduce<2>(
        In.channels(), exec.blocks() * area,
        [=] TYPENET_HD(index channel, index first, index last, pack(&total)[2]) {
          const pack center = data.scratch[channel];
          // Two sums of each kind hide the latency of the additions.
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
    constexpr int area = In.area();
    const index batch = exec.batch();
    for_each_chunk<In>(exec, [=] TYPENET_HD(index block, index channel, int begin, int end) {
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

  // ---- passes of images with neighboring positions of one sample in the lanes

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
    constexpr int area = In.area();
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
    constexpr int area = In.area();
    const index batch = exec.batch();
    for_each_plane<In>(exec, [&](index sample, index channel) {
      const scalar* const x = lane::block<scalar>(data.input, sample) + channel * area;
      const scalar* const g = lane::block<scalar>(data.output_gradient, sample) + channel * area;
      scalar* const to = lane::block<scalar>(data.input_gradient, sample) + channel * area;
      const affine_of_two<vector> back = normalizer_backward<In, vector>(data, channel, batch);
      for (int e = 0; e < area; e += lane::width<vector>)
        lane::store_or_add_first<Accumulate>(to + e, back(lane::load_unaligned<vector>(g + e), lane::load_unaligned<vector>(x + e)),
                                             area - e);
    });
  }

  // ---- the pieces that fused chains use too

  /// The function x → y of one channel: by the batch's statistics in training, by the running ones otherwise.
  template <shape In, class Pack, class Data>
  TYPENET_HD TYPENET_INLINE static affine<Pack> normalizer(const Data& data, index channel, bool training) {
    using scalar = lane::scalar_t<Pack>;
    constexpr int channels = In.channels();
    if (training) return {Pack(data.scratch[2 * channels + channel]), Pack(data.scratch[3 * channels + channel])};
    const scalar a = data.parameters[0][channel] / lane::sqrt(data.buffers[1][channel] + static_cast<scalar>(Epsilon.value()));
    return {Pack(a), Pack(data.parameters[1][channel] - data.buffers[0][channel] * a)};
  }

  /// The function (dy, x) → dx of one channel: γ/σ (dy − mean(dy) − x̂ mean(dy x̂)) with x̂ = (x − μ)/σ. Reads the parameters' gradients,
  /// which are the two sums.
  /// @param batch samples in the batch
  template <shape In, class Pack, class Data>
  TYPENET_HD TYPENET_INLINE static affine_of_two<Pack> normalizer_backward(const Data& data, index channel, index batch) {
    using scalar = lane::scalar_t<Pack>;
    constexpr int channels = In.channels();
    constexpr int area = In.area();
    const auto count = static_cast<scalar>(batch * area);
    const scalar mean = data.scratch[channel], inverse = data.scratch[channels + channel];
    const scalar a = data.parameters[0][channel] * inverse;
    const scalar b = -a * inverse * data.gradients[0][channel] / count;
    const scalar c = -a * data.gradients[1][channel] / count - b * mean;
    return {Pack(a), Pack(b), Pack(c)};
  }

  /// The sign of γ: 1 where a channel's outputs rise with its inputs, −1 where they fall, 0 where they are constant.
  template <class Data>
  TYPENET_HD TYPENET_INLINE static int scale_sign(const Data& data, index channel) {
    return data.parameters[0][channel] > 0 ? 1 : data.parameters[0][channel] < 0 ? -1 : 0;
  }

  /// The mean μ of one channel over the batch, in every lane.
  template <class Pack, class Data>
  TYPENET_HD TYPENET_INLINE static Pack mean(const Data& data, index channel) {
    return Pack(data.scratch[channel]);
  }

  /// Computes the statistics of the batch in `data.input`.
  template <shape In, class Exec, class Data>
  TYPENET_HD static void compute_statistics(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    using scalar = typename Exec::scalar;
    constexpr int area = In.area();
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
    constexpr int area = In.area();
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

  /// Calls `body(block, channel, begin, end)` for runs [begin, end) of positions that cover every channel of every block. A work item is
  /// one run: a whole plane, or eight positions where there are many workers.
  template <shape In, class Exec, class Body>
  TYPENET_HD static void for_each_chunk(Exec& exec, const Body& body) {
    constexpr int channels = In.channels();
    constexpr int area = In.area();
    constexpr int chunk = lane::grain<Exec>(area, 8);
    constexpr index chunks = ceil_div(area, chunk);
    exec.for_each(exec.blocks() * channels * chunks, [=] TYPENET_HD(index item) {
      const int begin = static_cast<int>(item % chunks) * chunk;
      body(item / (channels * chunks), item / chunks % channels, begin, begin + chunk < area ? begin + chunk : area);
    });
  }

  /// Calls `body(sample, channel)` for each channel of each sample.
  template <shape In, one_sample_execution Exec, class Body>
  TYPENET_HD static void for_each_plane(Exec& exec, const Body& body) {
    exec.for_each(exec.blocks() * In.channels(), [&](index item) { body(item / In.channels(), item % In.channels()); });
  }

  /// Writes one channel's statistics of the batch to `scratch`, and updates its running statistics.
  /// @param batch samples in the batch
  /// @param sum the sums of the deviations from the channel's first number of the batch, and of their squares
  template <shape In, class Pack, int Lanes, class Data>
  TYPENET_HD static void write_statistics(const Data& data, index channel, index batch, const lane::scalar_t<Pack> (&sum)[2]) {
    using scalar = lane::scalar_t<Pack>;
    constexpr int channels = In.channels();
    constexpr int area = In.area();
    const auto count = static_cast<scalar>(batch * area);
    const scalar shift = sum[0] / count;
    const scalar square = sum[1] / count - shift * shift;
    const scalar mean = lane::block<Pack>(data.input, 0)[channel * area * Lanes] + shift;
    const scalar variance = square < 0 ? scalar{0} : square;
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

  /// Writes the gradients of one channel's γ and β.
  /// @param total Σ dy and Σ dy (x − μ) over the batch
  template <shape In, class Data, class Scalar>
  TYPENET_HD static void write_gradients(const Data& data, index channel, const Scalar (&total)[2]) {
    data.gradients[0][channel] = total[1] * data.scratch[In.channels() + channel];
    data.gradients[1][channel] = total[0];
  }

  /// Adds the deviations from `about` of elements [first, last) of one plane to `total[0]`, and their squares to `total[1]`. Where `about`
  /// is near the mean, the variance follows from the two sums without cancellation: one pass over the data is enough.
  /// @param x the plane, `[position][lane]`
  /// @param valid lanes that hold samples of the batch
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

}  // namespace typenet::detail
