// SPDX-License-Identifier: MIT
/// @file
/// Neighbouring operations that run as one. A chain is a producer, a normalisation, a map and a window, some of them left out, each the
/// only reader of what comes before it. Layers say what they can be (`fusion_role`); nothing here knows any by name.
///
/// A chain touches the memory between its layers as little as their mathematics lets it: a producer's numbers are written once, their
/// statistics taken while they are near, and all that follows is recomputed from them in registers, forward and backward. Of a window that
/// takes the largest, the number that will be that is known before the statistics are, and is kept apart: until the producer's own gradient
/// is due nothing reads the others. That gradient takes their place. Without fusion results are the same but for the order of the sums over
/// a batch.
#pragma once

#include <array>
#include <cstddef>
#include <type_traits>
#include <utility>

#include <typenet/core/ceil_div.hpp>
#include <typenet/core/config.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/layer/fusion_role.hpp>
#include <typenet/layer/layer.hpp>
#include <typenet/simd/loops.hpp>
#include <typenet/simd/lane_view.hpp>
#include <typenet/layer/options.hpp>

namespace typenet::detail {

/// A place in a chain that is left out.
template <fusion_role Role>
struct identity_stage;
template <>
struct identity_stage<fusion_role::producer> : layer_defaults {
  static constexpr shape output(shape in) { return in; }
  static constexpr int max_tiles_per_row(shape) { return 1; }
};
template <>
struct identity_stage<fusion_role::normalization> : layer_defaults {};
template <>
struct identity_stage<fusion_role::activation> : layer_defaults {
  static constexpr bool is_monotonic = true;
  template <class Pack>
  TYPENET_HD TYPENET_INLINE static Pack apply(const Pack& x) {
    return x;
  }
  template <class Pack>
  TYPENET_HD TYPENET_INLINE static Pack pass_back_at(const Pack&, const Pack&, const Pack& gradient) {
    return gradient;
  }
};
template <>
struct identity_stage<fusion_role::pool> : layer_defaults {
  static constexpr kernel_size kernel{1, 1};
  static constexpr bool is_max = false;
  static constexpr shape output(shape in) { return in; }
  template <class Pack>
  TYPENET_HD TYPENET_INLINE static Pack combine(const Pack (&x)[1]) {
    return x[0];
  }
  template <class Pack>
  TYPENET_HD TYPENET_INLINE static void distribute_gradient(const Pack (&)[1], const Pack& gradient, Pack (&to)[1]) {
    to[0] = gradient;
  }
};

template <class Spec, std::size_t A, std::size_t B>
constexpr auto join_specs(const std::array<Spec, A>& a, const std::array<Spec, B>& b) {
  std::array<Spec, A + B> all{};
  std::size_t n = 0;
  for (const Spec& one : a) all[n++] = one;
  for (const Spec& one : b) all[n++] = one;
  return all;
}

/// A chain as a layer. What its producer makes is kept per sample, and its parameters precede the normalisation's.
template <class Producer, class Norm, class Activation, class Pool>
struct fused : layer_defaults {
 private:
  static constexpr bool has_producer = !std::is_same_v<Producer, identity_stage<fusion_role::producer>>;
  static constexpr bool has_norm = !std::is_same_v<Norm, identity_stage<fusion_role::normalization>>;
  static constexpr int high = Pool::kernel.height, wide = Pool::kernel.width;
  static constexpr int count = high * wide;
  /// Of each window the number that its output comes from, whatever the statistics will be.
  static constexpr bool keeps_candidates = has_producer && has_norm && Activation::is_monotonic && Pool::is_max;

  /// What the producer makes, or what comes in: a vector counts as channels of one number.
  static constexpr shape made(shape in) { return Producer::output(in); }
  static constexpr int height(shape s) { return s.rank == 3 ? s.height() : 1; }
  static constexpr int width(shape s) { return s.rank == 3 ? s.width() : 1; }

 public:
  static constexpr shape output(shape in) { return Pool::output(made(in)); }
  static constexpr auto parameters(shape in) { return join_specs(Producer::parameters(in), Norm::parameters(made(in))); }
  static constexpr auto buffers(shape in) { return join_specs(Producer::buffers(in), Norm::buffers(made(in))); }
  static constexpr index macs(shape in) { return Producer::macs(in); }
  static constexpr index saved_size(shape in) { return before_sums(in) + (has_norm ? 2 * most_parts(in) : 0); }
  static constexpr index scratch_size(shape in, index samples) { return Norm::scratch_size(made(in), samples); }
  static constexpr bool mixes_samples = has_norm;
  static constexpr bool is_staged = true;

  template <shape In, class Exec, class Data>
  TYPENET_HD static void forward(Exec& exec, const Data& data) {
    if constexpr (has_norm)
      if (exec.training()) {
        forward_local<In>(exec, data);
        reduce_statistics<In>(exec, data);
        forward_apply<In>(exec, data);
        return;
      }
    // With few workers the item that makes some rows also makes what follows of them.
    constexpr bool at_once = has_producer && !Exec::many_workers;
    if constexpr (has_producer) produce<In, at_once>(exec, data);
    if constexpr (!at_once) forward_apply<In>(exec, data);
  }
  template <shape In, class Exec, class Data>
  TYPENET_HD static void backward_parameters(Exec& exec, const Data& data) {
    if constexpr (has_norm) {
      backward_local<In>(exec, data);
      reduce_gradients<In>(exec, data);
    }
    backward_apply<In>(exec, data);
    if constexpr (has_producer) backward_weights<In>(exec, data);
  }
  template <shape In, bool Accumulate, class Exec, class Data>
  TYPENET_HD static void backward_input(Exec& exec, const Data& data) {
    if constexpr (has_producer)
      Producer::template backward_input<In, Accumulate>(exec, of_producer(data));
    else
      differentiate<In, Accumulate>(exec, data, data.input_gradient);
  }

  // The same step by step, for chains with a normalisation: what is done of any part of the batch by itself, what is learned of all of it,
  // and what follows of any part. A chain without has the last steps alone.

  /// Parameters, the first of all, that `backward_weights` writes the gradients of.
  static constexpr int producer_parameters(shape in) { return static_cast<int>(Producer::parameters(in).size()); }

  template <shape In, class Exec, class Data>
  TYPENET_HD static void forward_local(Exec& exec, const Data& data) {
    if constexpr (has_producer) {
      produce<In, false>(exec, data);
    } else if constexpr (!Exec::many_workers) {
      const index batch = exec.batch();
      constexpr index channels = made(In).channels();
      exec.for_each(exec.blocks() * channels,
                    [=] TYPENET_HD(index item) { sum_part<In, Exec>(data, static_cast<int>(item % channels), item / channels, 0, batch); });
    }
  }
  template <shape In, class Exec, class Data>
  TYPENET_HD static void reduce_statistics(Exec& exec, const Data& data) {
    if constexpr (has_producer || !Exec::many_workers)
      add_parts<In>(exec, data);
    else
      Norm::template compute_statistics<In>(exec, data);
  }
  template <shape In, class Exec, class Data>
  TYPENET_HD static void forward_apply(Exec& exec, const Data& data) {
    const bool training = exec.training();
    for_each_row<In>(exec, [=] TYPENET_HD(index block, index channel, int row) { normalize_activate_pool<In, Exec>(data, block, channel, row, training); });
  }
  template <shape In, class Exec, class Data>
  TYPENET_HD static void backward_local(Exec& exec, const Data& data) {
    if constexpr (!Exec::many_workers) sum_gradient_parts<In>(exec, data);
  }
  template <shape In, class Exec, class Data>
  TYPENET_HD static void reduce_gradients(Exec& exec, const Data& data) {
    if constexpr (Exec::many_workers)
      sum_gradients<In>(exec, data);
    else
      add_gradient_parts<In>(exec, data);
  }
  template <shape In, class Exec, class Data>
  TYPENET_HD static void backward_apply(Exec& exec, const Data& data) {
    if constexpr (has_producer) differentiate<In, false>(exec, data, data.saved);
  }
  template <shape In, class Exec, class Data>
  TYPENET_HD static void backward_weights(Exec& exec, const Data& data) {
    Producer::template backward_weights<In, has_norm>(exec, of_producer(data));
  }

  // What follows is public for nvcc's sake.

  /// What the chain's layers see.
  template <class Data>
  TYPENET_HD static Data of_producer(const Data& data) {
    Data own = data;
    own.output = data.saved;
    own.output_gradient = {data.saved.base, data.saved.stride};
    return own;
  }
  template <shape In, class Data>
  TYPENET_HD static Data of_norm(const Data& data) {
    constexpr int parameters = static_cast<int>(Producer::parameters(In).size());
    constexpr int buffers = static_cast<int>(Producer::buffers(In).size());
    Data own = data;
    own.input = values(data);
    for (int i = 0; i + parameters < max_layer_tensors; ++i) {
      own.parameters[i] = data.parameters[i + parameters];
      own.gradients[i] = data.gradients[i + parameters];
    }
    for (int i = 0; i + buffers < max_layer_tensors; ++i) own.buffers[i] = data.buffers[i + buffers];
    return own;
  }
  /// The numbers that normalisation, map and window start from.
  template <class Data>
  TYPENET_HD static auto values(const Data& data) {
    if constexpr (has_producer)
      return decltype(data.input){data.saved.base, data.saved.stride};
    else
      return data.input;
  }

  /// Parts of all planes together that sums are taken of, wherever it runs.
  static constexpr index most_parts(shape in) { return index{made(in).channels()} * height(made(in)) * Producer::max_tiles_per_row(in); }
  /// What is saved before them: what the producer makes, and the choices.
  static constexpr index before_sums(shape in) { return (has_producer ? made(in).size() : 0) + (keeps_candidates ? output(in).size() : 0); }
  /// Where the two sums of a part of a plane lie: the second `lanes` further on.
  template <shape In, class Exec, int Parts, class Data>
  TYPENET_HD TYPENET_INLINE static auto* sums(const Data& data, index channel, index block, index part) {
    return lane::block<typename Exec::pack>(data.saved, block) + (before_sums(In) + 2 * (channel * Parts + part)) * Exec::lanes;
  }
  /// Where the choices of a row of windows lie.
  template <shape In, class Exec, class Data>
  TYPENET_HD TYPENET_INLINE static auto* pool_candidates(const Data& data, index block, index channel, int row) {
    constexpr shape out = output(In);
    return lane::block<typename Exec::pack>(data.saved, block) +
           (made(In).size() + (channel * height(out) + row) * width(out)) * Exec::lanes;
  }

  /// How what the producer makes is cut: some channels in the rows of one row of windows, or in a piece of one row.
  template <shape In, class Exec, bool = has_producer>
  struct tile_partition {
    using tiles = typename Producer::template tiles<In, Exec>;
    static constexpr int rows = Exec::many_workers ? 1 : high;
    static constexpr int bands = height(made(In)) / rows;
    static constexpr int of_plane = bands * tiles::tiles_per_row;
    static constexpr int area = made(In).area();
    static_assert(Exec::many_workers || tiles::tiles_per_row == 1);
    static_assert(tiles::tiles_per_row <= Producer::max_tiles_per_row(In));

    /// The elements of part p of a plane.
    TYPENET_HD static constexpr int first(int p) {
      return p / tiles::tiles_per_row * rows * width(made(In)) + p % tiles::tiles_per_row * tiles::columns;
    }
    TYPENET_HD static constexpr int last(int p) {
      return p % tiles::tiles_per_row + 1 == tiles::tiles_per_row ? (p / tiles::tiles_per_row + 1) * rows * width(made(In)) : first(p) + tiles::columns;
    }
  };
  /// What comes from elsewhere is not cut.
  template <shape In, class Exec>
  struct tile_partition<In, Exec, false> {
    static constexpr int of_plane = 1;
    static constexpr int area = height(In) * width(In);
    TYPENET_HD static constexpr int first(int) { return 0; }
    TYPENET_HD static constexpr int last(int) { return area; }
  };

  template <shape In, bool AtOnce, class Exec, class Data>
  TYPENET_HD static void produce(Exec& exec, const Data& data) {
    using own = tile_partition<In, Exec>;
    using tiles = typename own::tiles;
    constexpr index items = index{made(In).channels()} / tiles::channels * own::of_plane;
    const index batch = exec.batch();
    const bool training = exec.training();
    const Data producer = of_producer(data);
    exec.for_each(exec.blocks() * items, [=] TYPENET_HD(index item) {
      const index block = item / items;
      const int part = static_cast<int>(item % items) % own::of_plane;
      const int channel = static_cast<int>(item % items) / own::of_plane * tiles::channels;
      const int band = part / tiles::tiles_per_row;
      for (int r = 0; r < own::rows; ++r) tiles::run(producer, block, channel, band * own::rows + r, part % tiles::tiles_per_row);
      if (has_norm && training)
        for (int c = channel; c < channel + tiles::channels; ++c) {
          sum_part<In, Exec>(data, c, block, part, batch);
          if constexpr (keeps_candidates && !Exec::many_workers) select_pool_candidates<In, Exec>(data, block, c, part);
        }
      if (AtOnce)
        for (int c = channel; c < channel + tiles::channels; ++c)
          for (int row = band * own::rows / high; row < (band + 1) * own::rows / high; ++row)
            normalize_activate_pool<In, Exec>(data, block, c, row, training);
    });
  }

  /// The sums of one part of a channel that has just been made: each lane's deviations from its own first number.
  template <shape In, class Exec, class Data>
  TYPENET_HD TYPENET_INLINE static void sum_part(const Data& data, int channel, index block, int part, index batch) {
    if constexpr (has_norm) {
      using pack = typename Exec::pack;
      using own = tile_partition<In, Exec>;
      const auto* const x = lane::block<pack>(values(data), block) + index{channel} * own::area * Exec::lanes;
      const pack about = lane::load<pack>(x + index{own::first(part)} * Exec::lanes);
      pack sum[2] = {0, 0};
      Norm::template add_deviations<pack, Exec::lanes>(x, lane::valid_lanes<pack>(block, batch), about, own::first(part), own::last(part),
                                                       sum);
      auto* const to = sums<In, Exec, own::of_plane>(data, channel, block, part);
      lane::store(to, sum[0]);
      lane::store(to + Exec::lanes, sum[1]);
    }
  }

  /// The batch's statistics, from those sums.
  template <shape In, class Exec, class Data>
  TYPENET_HD static void add_parts(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    using scalar = typename Exec::scalar;
    using own = tile_partition<In, Exec>;
    const index blocks = exec.blocks();
    const index batch = exec.batch();
    const Data norm = of_norm<In>(data);
    exec.template reduce<2>(
        made(In).channels(), blocks * own::of_plane,
        [=] TYPENET_HD(index channel, index first, index last, pack(&total)[2]) {
          const pack about = lane::block<pack>(norm.input, 0)[channel * own::area * Exec::lanes];
          lane::for_each_run(first, last, own::of_plane, [&](index block, index begin, index end) {
            const auto* const x = lane::block<pack>(norm.input, block) + channel * own::area * Exec::lanes;
            const int valid = lane::valid_lanes<pack>(block, batch);
            for (index p = begin; p < end; ++p) {
              const int at = own::first(static_cast<int>(p));
              const pack n = static_cast<scalar>(own::last(static_cast<int>(p)) - at);
              const auto* const part = sums<In, Exec, own::of_plane>(data, channel, block, p);
              const pack sum = lane::load<pack>(part);
              // From deviations from one number to those from another, `apart` further down.
              const pack apart = lane::keep_lanes(lane::load<pack>(x + index{at} * Exec::lanes) - about, valid);
              total[0] = total[0] + lane::fma(n, apart, sum);
              const pack twice = lane::fma(n, apart, sum + sum);
              total[1] = total[1] + lane::fma(apart, twice, lane::load<pack>(part + Exec::lanes));
            }
          });
        },
        [=] TYPENET_HD(index channel, const scalar(&sum)[2]) {
          Norm::template write_statistics<made(In), pack, Exec::lanes>(norm, channel, batch, sum);
        });
  }

  /// Calls `body(block, channel, row)` for each row of windows.
  template <shape In, class Exec, class Body>
  TYPENET_HD static void for_each_row(Exec& exec, const Body& body) {
    constexpr int rows = height(output(In));
    constexpr int together = lane::grain<Exec>(rows, 1);
    constexpr index items = index{output(In).channels()} * (rows / together);
    exec.for_each(exec.blocks() * items, [=] TYPENET_HD(index item) {
      const index block = item / items;
      const index channel = item % items / (rows / together);
      const int first = static_cast<int>(item % (rows / together)) * together;
      for (int row = first; row < first + together; ++row) body(block, channel, row);
    });
  }

  /// Where the inputs of a window lie in their plane, and the window in its own.
  template <shape In>
  TYPENET_HD TYPENET_INLINE static constexpr index element(int row, int column, int i) {
    return index{row * high + i / wide} * width(made(In)) + column * wide + i % wide;
  }

  /// What normalises a channel, if anything does.
  template <shape In, class Exec, class Data>
  TYPENET_HD TYPENET_INLINE static auto normalizer(const Data& data, index channel, bool training) {
    if constexpr (has_norm)
      return Norm::template normalizer<made(In), typename Exec::pack>(of_norm<In>(data), channel, training);
    else
      return [](const typename Exec::pack& x) TYPENET_LAMBDA_INLINE { return x; };
  }

  /// Keeps of a row of windows what normalisation will make the largest: the most, or the least, or where all will be equal the first.
  template <shape In, class Exec, class Data>
  TYPENET_HD TYPENET_INLINE static void select_pool_candidates(const Data& data, index block, index channel, int row) {
    using pack = typename Exec::pack;
    const auto* const from = lane::block<pack>(data.saved, block) + channel * made(In).area() * Exec::lanes;
    auto* const to = pool_candidates<In, Exec>(data, block, channel, row);
    const auto each = [&](const auto& of_two) TYPENET_LAMBDA_INLINE {
      for (int column = 0; column < width(output(In)); ++column) {
        pack candidate = lane::load<pack>(from + element<In>(row, column, 0) * Exec::lanes);
        TYPENET_UNROLL
        for (int i = 1; i < count; ++i) candidate = of_two(candidate, lane::load<pack>(from + element<In>(row, column, i) * Exec::lanes));
        lane::store(to + index{column} * Exec::lanes, candidate);
      }
    };
    const int direction = Norm::scale_sign(of_norm<In>(data), channel);
    if (direction > 0)
      each([](const pack& a, const pack& b) TYPENET_LAMBDA_INLINE { return lane::max(a, b); });
    else if (direction < 0)
      each([](const pack& a, const pack& b) TYPENET_LAMBDA_INLINE { return lane::min(a, b); });
    else
      each([](const pack& a, const pack&) TYPENET_LAMBDA_INLINE { return a; });
  }

  /// A row of windows, forward.
  template <shape In, class Exec, class Data>
  TYPENET_HD TYPENET_INLINE static void normalize_activate_pool(const Data& data, index block, index channel, int row, bool training) {
    using pack = typename Exec::pack;
    constexpr int lanes = Exec::lanes;
    constexpr int columns = width(output(In));
    const auto* const from = lane::block<pack>(values(data), block) + channel * height(made(In)) * width(made(In)) * lanes;
    auto* const to = lane::block<pack>(data.output, block) + (channel * height(output(In)) + row) * columns * lanes;
    const auto normal = normalizer<In, Exec>(data, channel, training);
    if constexpr (keeps_candidates) {
      if (training) {
        // Many workers take their statistics before they know a whole window.
        if constexpr (Exec::many_workers) select_pool_candidates<In, Exec>(data, block, channel, row);
        const auto* const candidate = pool_candidates<In, Exec>(data, block, channel, row);
        for (int column = 0; column < columns; ++column)
          lane::store(to + index{column} * lanes,
                            Activation::apply(normal(lane::load<pack>(candidate + index{column} * lanes))));
        return;
      }
    }
    for (int column = 0; column < columns; ++column) {
      pack y[count];
      TYPENET_UNROLL
      for (int i = 0; i < count; ++i)
        y[i] = Activation::apply(normal(lane::load<pack>(from + element<In>(row, column, i) * lanes)));
      lane::store(to + index{column} * lanes, Pool::combine(y));
    }
  }

  /// A window backward: its inputs, and the gradients of what the map was given.
  template <shape In, class Exec, class Normal, class Scalar>
  TYPENET_HD TYPENET_INLINE static void differentiate_window(const Scalar* from, const Scalar* gradient, int row, int column,
                                                             const Normal& normal, typename Exec::pack (&x)[count],
                                                             typename Exec::pack (&to)[count]) {
    using pack = typename Exec::pack;
    pack z[count], y[count];
    TYPENET_UNROLL
    for (int i = 0; i < count; ++i) {
      x[i] = lane::load<pack>(from + element<In>(row, column, i) * Exec::lanes);
      z[i] = normal(x[i]);
      y[i] = Activation::apply(z[i]);
    }
    Pool::distribute_gradient(y, lane::load<pack>(gradient + index{column} * Exec::lanes), to);
    TYPENET_UNROLL
    for (int i = 0; i < count; ++i) to[i] = Activation::pass_back_at(z[i], y[i], to[i]);
  }

  /// The gradient of what the map was given for a choice.
  template <class Exec, class Normal, class Scalar>
  TYPENET_HD TYPENET_INLINE static auto gradient_of_candidate(const typename Exec::pack& candidate, const Scalar* gradient,
                                                           const Normal& normal) {
    using pack = typename Exec::pack;
    const pack z = normal(candidate);
    return Activation::pass_back_at(z, Activation::apply(z), lane::load<pack>(gradient));
  }
  /// A window backward whose choice is known.
  template <shape In, class Exec, class Normal, class Scalar>
  TYPENET_HD TYPENET_INLINE static void differentiate_candidate(const Scalar* from, const Scalar* pool_candidates, const Scalar* gradient, int row,
                                                             int column, const Normal& normal, typename Exec::pack (&x)[count],
                                                             typename Exec::pack (&to)[count]) {
    using pack = typename Exec::pack;
    const pack candidate = lane::load<pack>(pool_candidates + index{column} * Exec::lanes);
    TYPENET_UNROLL
    for (int i = 0; i < count; ++i) x[i] = lane::load<pack>(from + element<In>(row, column, i) * Exec::lanes);
    Pool::distribute_gradient_to_selected(candidate, x, gradient_of_candidate<Exec>(candidate, gradient + index{column} * Exec::lanes, normal), to);
  }

  /// What a row of windows adds to the gradients of the normalisation's parameters.
  template <shape In, class Exec, class Normal, class Data>
  TYPENET_HD TYPENET_INLINE static void add_row_gradients(const Data& data, index block, index channel, int row, const Normal& normal,
                                                          const typename Exec::pack& center, typename Exec::pack (&total)[2]) {
    using pack = typename Exec::pack;
    constexpr int columns = width(output(In));
    const auto* const gradient =
        lane::block<pack>(data.output_gradient, block) + (channel * height(output(In)) + row) * columns * Exec::lanes;
    if constexpr (keeps_candidates) {
      const auto* const candidate = pool_candidates<In, Exec>(data, block, channel, row);
      for (int column = 0; column < columns; ++column) {
        const pack x = lane::load<pack>(candidate + index{column} * Exec::lanes);
        const pack g = gradient_of_candidate<Exec>(x, gradient + index{column} * Exec::lanes, normal);
        total[0] = total[0] + g;
        total[1] = lane::fma(g, x - center, total[1]);
      }
    } else {
      const auto* const from = lane::block<pack>(values(data), block) + channel * height(made(In)) * width(made(In)) * Exec::lanes;
      for (int column = 0; column < columns; ++column) {
        pack x[count], g[count];
        differentiate_window<In, Exec>(from, gradient, row, column, normal, x, g);
        pack sum = g[0], product = g[0] * (x[0] - center);
        TYPENET_UNROLL
        for (int i = 1; i < count; ++i) {
          sum = sum + g[i];
          product = lane::fma(g[i], x[i] - center, product);
        }
        total[0] = total[0] + sum;
        total[1] = total[1] + product;
      }
    }
  }

  /// The gradients of the normalisation's parameters.
  template <shape In, class Exec, class Data>
  TYPENET_HD static void sum_gradients(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    using scalar = typename Exec::scalar;
    constexpr int rows = height(output(In));
    const Data norm = of_norm<In>(data);
    exec.template reduce<2>(
        output(In).channels(), exec.blocks() * rows,
        [=] TYPENET_HD(index channel, index first, index last, pack(&total)[2]) {
          const auto normal = normalizer<In, Exec>(data, channel, true);
          const pack center = Norm::template mean<pack>(norm, channel);
          lane::for_each_run(first, last, rows, [&](index block, index begin, index end) {
            for (int row = static_cast<int>(begin); row < static_cast<int>(end); ++row)
              add_row_gradients<In, Exec>(data, block, channel, row, normal, center, total);
          });
        },
        [=] TYPENET_HD(index channel, const scalar(&total)[2]) { Norm::template write_gradients<made(In)>(norm, channel, total); });
  }
  /// Of one row of windows each: what is to be added up.
  template <shape In, class Exec, class Data>
  TYPENET_HD static void sum_gradient_parts(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    constexpr int rows = height(output(In)), channels = output(In).channels();
    const Data norm = of_norm<In>(data);
    exec.for_each(exec.blocks() * channels * rows, [=] TYPENET_HD(index item) {
      const index block = item / (channels * rows), channel = item / rows % channels;
      const int row = static_cast<int>(item % rows);
      pack total[2] = {0, 0};
      add_row_gradients<In, Exec>(data, block, channel, row, normalizer<In, Exec>(data, channel, true),
                                  Norm::template mean<pack>(norm, channel), total);
      auto* const to = sums<In, Exec, rows>(data, channel, block, row);
      lane::store(to, total[0]);
      lane::store(to + Exec::lanes, total[1]);
    });
  }
  template <shape In, class Exec, class Data>
  TYPENET_HD static void add_gradient_parts(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    using scalar = typename Exec::scalar;
    constexpr int rows = height(output(In));
    const Data norm = of_norm<In>(data);
    exec.template reduce<2>(
        output(In).channels(), exec.blocks() * rows,
        [=] TYPENET_HD(index channel, index first, index last, pack(&total)[2]) {
          lane::for_each_run(first, last, rows, [&](index block, index begin, index end) {
            for (index row = begin; row < end; ++row) {
              const auto* const part = sums<In, Exec, rows>(data, channel, block, row);
              total[0] = total[0] + lane::load<pack>(part);
              total[1] = total[1] + lane::load<pack>(part + Exec::lanes);
            }
          });
        },
        [=] TYPENET_HD(index channel, const scalar(&total)[2]) { Norm::template write_gradients<made(In)>(norm, channel, total); });
  }

  /// The gradient of `values`, which it may overwrite.
  template <shape In, bool Accumulate, class Exec, class Data, class To>
  TYPENET_HD static void differentiate(Exec& exec, const Data& data, const To& to) {
    using pack = typename Exec::pack;
    constexpr int rows = height(output(In)), columns = width(output(In));
    constexpr index area = height(made(In)) * width(made(In));
    const index batch = exec.batch(), whole = exec.whole_batch();
    for_each_row<In>(exec, [=] TYPENET_HD(index block, index channel, int row) {
      const auto* const from = lane::block<pack>(values(data), block) + channel * area * Exec::lanes;
      const auto* const gradient = lane::block<pack>(data.output_gradient, block) + (channel * rows + row) * columns * Exec::lanes;
      auto* const back = lane::block<pack>(to, block) + channel * area * Exec::lanes;
      const auto normal = normalizer<In, Exec>(data, channel, true);
      const auto through = normalizer_backward<In, Exec>(data, channel, lane::valid_lanes<pack>(block, batch), whole);
      // Rows of windows that are asked for early: a batch is larger than the caches that keep up with this.
      constexpr int ahead = 3;
      for (int column = 0; column < columns; ++column) {
        pack x[count], g[count];
        if constexpr (!Exec::many_workers)
          for (int i = 0; i < count; ++i) lane::prefetch(from, element<In>(row + ahead, column, i) * Exec::lanes);
        if constexpr (keeps_candidates)
          differentiate_candidate<In, Exec>(from, pool_candidates<In, Exec>(data, block, channel, row), gradient, row, column, normal, x, g);
        else
          differentiate_window<In, Exec>(from, gradient, row, column, normal, x, g);
        TYPENET_UNROLL
        for (int i = 0; i < count; ++i) lane::store_or_add<Accumulate>(back + element<In>(row, column, i) * Exec::lanes, through(g[i], x[i]));
      }
    });
  }

  /// From the gradient of a normalised number, and the number before, to that one's gradient.
  template <shape In, class Exec, class Data>
  TYPENET_HD TYPENET_INLINE static auto normalizer_backward(const Data& data, index channel, [[maybe_unused]] int valid,
                                                      [[maybe_unused]] index batch) {
    using pack = typename Exec::pack;
    if constexpr (has_norm) {
      const auto back = Norm::template normalizer_backward<made(In), pack>(of_norm<In>(data), channel, batch);
      return [=](const pack& g, const pack& x) TYPENET_LAMBDA_INLINE { return lane::keep_lanes(back(g, x), valid); };
    } else {
      return [](const pack& g, const pack&) TYPENET_LAMBDA_INLINE { return g; };
    }
  }
};

}  // namespace typenet::detail
