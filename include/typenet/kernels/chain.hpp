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

#include <typenet/graph/lowered_network.hpp>
#include <typenet/layer/layer.hpp>
#include <typenet/layer/options.hpp>

namespace typenet::detail {

/// A place in a chain that is left out.
template <fusion_role Role>
struct left_out;
template <>
struct left_out<fusion_role::producer> : layer_defaults {
  static constexpr shape output(shape in) { return in; }
  static constexpr int most_pieces_of_row(shape) { return 1; }
};
template <>
struct left_out<fusion_role::normalisation> : layer_defaults {};
template <>
struct left_out<fusion_role::map> : layer_defaults {
  static constexpr bool never_falls = true;
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
struct left_out<fusion_role::window> : layer_defaults {
  static constexpr kernel_size window{1, 1};
  static constexpr bool takes_largest = false;
  static constexpr shape output(shape in) { return in; }
  template <class Pack>
  TYPENET_HD TYPENET_INLINE static Pack combine(const Pack (&x)[1]) {
    return x[0];
  }
  template <class Pack>
  TYPENET_HD TYPENET_INLINE static void share(const Pack (&)[1], const Pack& gradient, Pack (&to)[1]) {
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
template <class Producer, class Norm, class Map, class Window>
struct fused : layer_defaults {
 private:
  static constexpr bool has_producer = !std::is_same_v<Producer, left_out<fusion_role::producer>>;
  static constexpr bool has_norm = !std::is_same_v<Norm, left_out<fusion_role::normalisation>>;
  static constexpr int high = Window::window.height, wide = Window::window.width;
  static constexpr int count = high * wide;
  /// Of each window the number that its output comes from, whatever the statistics will be.
  static constexpr bool keeps_choice = has_producer && has_norm && Map::never_falls && Window::takes_largest;

  /// What the producer makes, or what comes in: a vector counts as channels of one number.
  static constexpr shape made(shape in) { return Producer::output(in); }
  static constexpr int height(shape s) { return s.rank == 3 ? s.height() : 1; }
  static constexpr int width(shape s) { return s.rank == 3 ? s.width() : 1; }

 public:
  static constexpr shape output(shape in) { return Window::output(made(in)); }
  static constexpr auto parameters(shape in) { return join_specs(Producer::parameters(in), Norm::parameters(made(in))); }
  static constexpr auto buffers(shape in) { return join_specs(Producer::buffers(in), Norm::buffers(made(in))); }
  static constexpr index macs(shape in) { return Producer::macs(in); }
  static constexpr index saved_size(shape in) { return before_sums(in) + (has_norm ? 2 * most_parts(in) : 0); }
  static constexpr index scratch_size(shape in, index samples) { return Norm::scratch_size(made(in), samples); }
  static constexpr bool mixes_samples = has_norm;

  template <shape In, class Exec, class Data>
  TYPENET_HD static void forward(Exec& exec, const Data& data) {
    if constexpr (has_norm)
      if (exec.training()) {
        forward_before<In>(exec, data);
        forward_between<In>(exec, data);
        forward_after<In>(exec, data);
        return;
      }
    // With few workers the item that makes some rows also makes what follows of them.
    constexpr bool at_once = has_producer && !Exec::many_workers;
    if constexpr (has_producer) produce<In, at_once>(exec, data);
    if constexpr (!at_once) forward_after<In>(exec, data);
  }
  template <shape In, class Exec, class Data>
  TYPENET_HD static void backward_parameters(Exec& exec, const Data& data) {
    if constexpr (has_norm) {
      backward_before<In>(exec, data);
      backward_between<In>(exec, data);
    }
    backward_after<In>(exec, data);
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
  static constexpr int weights(shape in) { return static_cast<int>(Producer::parameters(in).size()); }

  template <shape In, class Exec, class Data>
  TYPENET_HD static void forward_before(Exec& exec, const Data& data) {
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
  TYPENET_HD static void forward_between(Exec& exec, const Data& data) {
    if constexpr (has_producer || !Exec::many_workers)
      add_parts<In>(exec, data);
    else
      Norm::template gather_statistics<In>(exec, data);
  }
  template <shape In, class Exec, class Data>
  TYPENET_HD static void forward_after(Exec& exec, const Data& data) {
    const bool training = exec.training();
    for_each_row<In>(exec, [=] TYPENET_HD(index block, index channel, int row) { follow<In, Exec>(data, block, channel, row, training); });
  }
  template <shape In, class Exec, class Data>
  TYPENET_HD static void backward_before(Exec& exec, const Data& data) {
    if constexpr (!Exec::many_workers) sum_gradient_parts<In>(exec, data);
  }
  template <shape In, class Exec, class Data>
  TYPENET_HD static void backward_between(Exec& exec, const Data& data) {
    if constexpr (Exec::many_workers)
      sum_gradients<In>(exec, data);
    else
      add_gradient_parts<In>(exec, data);
  }
  template <shape In, class Exec, class Data>
  TYPENET_HD static void backward_after(Exec& exec, const Data& data) {
    if constexpr (has_producer) differentiate<In, false>(exec, data, data.saved);
  }
  template <shape In, class Exec, class Data>
  TYPENET_HD static void backward_weights(Exec& exec, const Data& data) {
    Producer::template sum_gradients<In, has_norm>(exec, of_producer(data));
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
  static constexpr index most_parts(shape in) { return index{made(in).channels()} * height(made(in)) * Producer::most_pieces_of_row(in); }
  /// What is saved before them: what the producer makes, and the choices.
  static constexpr index before_sums(shape in) { return (has_producer ? made(in).size() : 0) + (keeps_choice ? output(in).size() : 0); }
  /// Where the two sums of a part of a plane lie: the second `lanes` further on.
  template <shape In, class Exec, int Parts, class Data>
  TYPENET_HD TYPENET_INLINE static auto* sums(const Data& data, index channel, index block, index part) {
    return data.saved.template block<typename Exec::pack>(block) + (before_sums(In) + 2 * (channel * Parts + part)) * Exec::lanes;
  }
  /// Where the choices of a row of windows lie.
  template <shape In, class Exec, class Data>
  TYPENET_HD TYPENET_INLINE static auto* choices(const Data& data, index block, index channel, int row) {
    constexpr shape out = output(In);
    return data.saved.template block<typename Exec::pack>(block) +
           (made(In).size() + (channel * height(out) + row) * width(out)) * Exec::lanes;
  }

  /// How what the producer makes is cut: some channels in the rows of one row of windows, or in a piece of one row.
  template <shape In, class Exec, bool = has_producer>
  struct cut {
    using pieces = typename Producer::template pieces<In, Exec>;
    static constexpr int rows = Exec::many_workers ? 1 : high;
    static constexpr int bands = height(made(In)) / rows;
    static constexpr int of_plane = bands * pieces::in_row;
    static constexpr int area = made(In).area();
    static_assert(Exec::many_workers || pieces::in_row == 1);
    static_assert(pieces::in_row <= Producer::most_pieces_of_row(In));

    /// The elements of part p of a plane.
    TYPENET_HD static constexpr int first(int p) {
      return p / pieces::in_row * rows * width(made(In)) + p % pieces::in_row * pieces::columns;
    }
    TYPENET_HD static constexpr int last(int p) {
      return p % pieces::in_row + 1 == pieces::in_row ? (p / pieces::in_row + 1) * rows * width(made(In)) : first(p) + pieces::columns;
    }
  };
  /// What comes from elsewhere is not cut.
  template <shape In, class Exec>
  struct cut<In, Exec, false> {
    static constexpr int of_plane = 1;
    static constexpr int area = height(In) * width(In);
    TYPENET_HD static constexpr int first(int) { return 0; }
    TYPENET_HD static constexpr int last(int) { return area; }
  };

  template <shape In, bool AtOnce, class Exec, class Data>
  TYPENET_HD static void produce(Exec& exec, const Data& data) {
    using own = cut<In, Exec>;
    using pieces = typename own::pieces;
    constexpr index items = index{made(In).channels()} / pieces::channels * own::of_plane;
    const index batch = exec.batch();
    const bool training = exec.training();
    const Data producer = of_producer(data);
    exec.for_each(exec.blocks() * items, [=] TYPENET_HD(index item) {
      const index block = item / items;
      const int part = static_cast<int>(item % items) % own::of_plane;
      const int channel = static_cast<int>(item % items) / own::of_plane * pieces::channels;
      const int band = part / pieces::in_row;
      for (int r = 0; r < own::rows; ++r) pieces::run(producer, block, channel, band * own::rows + r, part % pieces::in_row);
      if (has_norm && training)
        for (int c = channel; c < channel + pieces::channels; ++c) {
          sum_part<In, Exec>(data, c, block, part, batch);
          if constexpr (keeps_choice && !Exec::many_workers) choose<In, Exec>(data, block, c, part);
        }
      if (AtOnce)
        for (int c = channel; c < channel + pieces::channels; ++c)
          for (int row = band * own::rows / high; row < (band + 1) * own::rows / high; ++row)
            follow<In, Exec>(data, block, c, row, training);
    });
  }

  /// The sums of one part of a channel that has just been made: each lane's deviations from its own first number.
  template <shape In, class Exec, class Data>
  TYPENET_HD TYPENET_INLINE static void sum_part(const Data& data, int channel, index block, int part, index batch) {
    if constexpr (has_norm) {
      using pack = typename Exec::pack;
      using own = cut<In, Exec>;
      const auto* const x = values(data).template block<pack>(block) + index{channel} * own::area * Exec::lanes;
      const pack about = lane::load<pack>(x + index{own::first(part)} * Exec::lanes);
      pack sum[2] = {lane::broadcast<pack>(0), lane::broadcast<pack>(0)};
      Norm::template add_deviations<pack, Exec::lanes>(x, lane::valid_lanes<pack>(block, batch), about, own::first(part), own::last(part),
                                                       sum);
      auto* const to = sums<In, Exec, own::of_plane>(data, channel, block, part);
      lane::store<pack>(to, sum[0]);
      lane::store<pack>(to + Exec::lanes, sum[1]);
    }
  }

  /// The batch's statistics, from those sums.
  template <shape In, class Exec, class Data>
  TYPENET_HD static void add_parts(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    using scalar = typename Exec::scalar;
    using own = cut<In, Exec>;
    const index blocks = exec.blocks();
    const index batch = exec.batch();
    const Data norm = of_norm<In>(data);
    exec.template reduce<2>(
        made(In).channels(), blocks * own::of_plane,
        [=] TYPENET_HD(index channel, index first, index last, pack(&total)[2]) {
          const pack about = lane::broadcast<pack>(norm.input.template block<pack>(0)[channel * own::area * Exec::lanes]);
          lane::for_each_run(first, last, own::of_plane, [&](index block, index begin, index end) {
            const auto* const x = norm.input.template block<pack>(block) + channel * own::area * Exec::lanes;
            const int valid = lane::valid_lanes<pack>(block, batch);
            for (index p = begin; p < end; ++p) {
              const int at = own::first(static_cast<int>(p));
              const pack n = lane::broadcast<pack>(static_cast<scalar>(own::last(static_cast<int>(p)) - at));
              const auto* const part = sums<In, Exec, own::of_plane>(data, channel, block, p);
              const pack sum = lane::load<pack>(part);
              // From deviations from one number to those from another, `apart` further down.
              const pack apart = lane::keep_lanes<pack>(lane::load<pack>(x + index{at} * Exec::lanes) - about, valid);
              total[0] = total[0] + lane::fma<pack>(n, apart, sum);
              const pack twice = lane::fma<pack>(n, apart, sum + sum);
              total[1] = total[1] + lane::fma<pack>(apart, twice, lane::load<pack>(part + Exec::lanes));
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
  TYPENET_HD TYPENET_INLINE static auto normalising(const Data& data, index channel, bool training) {
    if constexpr (has_norm)
      return Norm::template normalising<made(In), typename Exec::pack>(of_norm<In>(data), channel, training);
    else
      return [](const typename Exec::pack& x) TYPENET_LAMBDA_INLINE { return x; };
  }

  /// Keeps of a row of windows what normalisation will make the largest: the most, or the least, or where all will be equal the first.
  template <shape In, class Exec, class Data>
  TYPENET_HD TYPENET_INLINE static void choose(const Data& data, index block, index channel, int row) {
    using pack = typename Exec::pack;
    const auto* const from = data.saved.template block<pack>(block) + channel * made(In).area() * Exec::lanes;
    auto* const to = choices<In, Exec>(data, block, channel, row);
    const auto each = [&](const auto& of_two) TYPENET_LAMBDA_INLINE {
      for (int column = 0; column < width(output(In)); ++column) {
        pack choice = lane::load<pack>(from + element<In>(row, column, 0) * Exec::lanes);
        TYPENET_UNROLL
        for (int i = 1; i < count; ++i) choice = of_two(choice, lane::load<pack>(from + element<In>(row, column, i) * Exec::lanes));
        lane::store<pack>(to + index{column} * Exec::lanes, choice);
      }
    };
    const int direction = Norm::direction(of_norm<In>(data), channel);
    if (direction > 0)
      each([](const pack& a, const pack& b) TYPENET_LAMBDA_INLINE { return lane::max<pack>(a, b); });
    else if (direction < 0)
      each([](const pack& a, const pack& b) TYPENET_LAMBDA_INLINE { return lane::min<pack>(a, b); });
    else
      each([](const pack& a, const pack&) TYPENET_LAMBDA_INLINE { return a; });
  }

  /// A row of windows, forward.
  template <shape In, class Exec, class Data>
  TYPENET_HD TYPENET_INLINE static void follow(const Data& data, index block, index channel, int row, bool training) {
    using pack = typename Exec::pack;
    constexpr int lanes = Exec::lanes;
    constexpr int columns = width(output(In));
    const auto* const from = values(data).template block<pack>(block) + channel * height(made(In)) * width(made(In)) * lanes;
    auto* const to = data.output.template block<pack>(block) + (channel * height(output(In)) + row) * columns * lanes;
    const auto normal = normalising<In, Exec>(data, channel, training);
    if constexpr (keeps_choice) {
      if (training) {
        // Many workers take their statistics before they know a whole window.
        if constexpr (Exec::many_workers) choose<In, Exec>(data, block, channel, row);
        const auto* const choice = choices<In, Exec>(data, block, channel, row);
        for (int column = 0; column < columns; ++column)
          lane::store<pack>(to + index{column} * lanes,
                            Map::template apply<pack>(normal(lane::load<pack>(choice + index{column} * lanes))));
        return;
      }
    }
    for (int column = 0; column < columns; ++column) {
      pack y[count];
      TYPENET_UNROLL
      for (int i = 0; i < count; ++i)
        y[i] = Map::template apply<pack>(normal(lane::load<pack>(from + element<In>(row, column, i) * lanes)));
      lane::store<pack>(to + index{column} * lanes, Window::template combine<pack>(y));
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
      y[i] = Map::template apply<pack>(z[i]);
    }
    Window::template share<pack>(y, lane::load<pack>(gradient + index{column} * Exec::lanes), to);
    TYPENET_UNROLL
    for (int i = 0; i < count; ++i) to[i] = Map::template pass_back_at<pack>(z[i], y[i], to[i]);
  }

  /// The gradient of what the map was given for a choice.
  template <class Exec, class Normal, class Scalar>
  TYPENET_HD TYPENET_INLINE static auto gradient_of_choice(const typename Exec::pack& choice, const Scalar* gradient,
                                                           const Normal& normal) {
    using pack = typename Exec::pack;
    const pack z = normal(choice);
    return Map::template pass_back_at<pack>(z, Map::template apply<pack>(z), lane::load<pack>(gradient));
  }
  /// A window backward whose choice is known.
  template <shape In, class Exec, class Normal, class Scalar>
  TYPENET_HD TYPENET_INLINE static void differentiate_choice(const Scalar* from, const Scalar* choices, const Scalar* gradient, int row,
                                                             int column, const Normal& normal, typename Exec::pack (&x)[count],
                                                             typename Exec::pack (&to)[count]) {
    using pack = typename Exec::pack;
    const pack choice = lane::load<pack>(choices + index{column} * Exec::lanes);
    TYPENET_UNROLL
    for (int i = 0; i < count; ++i) x[i] = lane::load<pack>(from + element<In>(row, column, i) * Exec::lanes);
    Window::template share_of<pack>(choice, x, gradient_of_choice<Exec>(choice, gradient + index{column} * Exec::lanes, normal), to);
  }

  /// What a row of windows adds to the gradients of the normalisation's parameters.
  template <shape In, class Exec, class Normal, class Data>
  TYPENET_HD TYPENET_INLINE static void add_row_gradients(const Data& data, index block, index channel, int row, const Normal& normal,
                                                          const typename Exec::pack& center, typename Exec::pack (&total)[2]) {
    using pack = typename Exec::pack;
    constexpr int columns = width(output(In));
    const auto* const gradient =
        data.output_gradient.template block<pack>(block) + (channel * height(output(In)) + row) * columns * Exec::lanes;
    if constexpr (keeps_choice) {
      const auto* const choice = choices<In, Exec>(data, block, channel, row);
      for (int column = 0; column < columns; ++column) {
        const pack x = lane::load<pack>(choice + index{column} * Exec::lanes);
        const pack g = gradient_of_choice<Exec>(x, gradient + index{column} * Exec::lanes, normal);
        total[0] = total[0] + g;
        total[1] = lane::fma<pack>(g, x - center, total[1]);
      }
    } else {
      const auto* const from = values(data).template block<pack>(block) + channel * height(made(In)) * width(made(In)) * Exec::lanes;
      for (int column = 0; column < columns; ++column) {
        pack x[count], g[count];
        differentiate_window<In, Exec>(from, gradient, row, column, normal, x, g);
        pack sum = g[0], product = g[0] * (x[0] - center);
        TYPENET_UNROLL
        for (int i = 1; i < count; ++i) {
          sum = sum + g[i];
          product = lane::fma<pack>(g[i], x[i] - center, product);
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
          const auto normal = normalising<In, Exec>(data, channel, true);
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
      pack total[2] = {lane::broadcast<pack>(0), lane::broadcast<pack>(0)};
      add_row_gradients<In, Exec>(data, block, channel, row, normalising<In, Exec>(data, channel, true),
                                  Norm::template mean<pack>(norm, channel), total);
      auto* const to = sums<In, Exec, rows>(data, channel, block, row);
      lane::store<pack>(to, total[0]);
      lane::store<pack>(to + Exec::lanes, total[1]);
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
      const auto* const from = values(data).template block<pack>(block) + channel * area * Exec::lanes;
      const auto* const gradient = data.output_gradient.template block<pack>(block) + (channel * rows + row) * columns * Exec::lanes;
      auto* const back = to.template block<pack>(block) + channel * area * Exec::lanes;
      const auto normal = normalising<In, Exec>(data, channel, true);
      const auto through = denormalising<In, Exec>(data, channel, lane::valid_lanes<pack>(block, batch), whole);
      // Rows of windows that are asked for early: a batch is larger than the caches that keep up with this.
      constexpr int ahead = 3;
      for (int column = 0; column < columns; ++column) {
        pack x[count], g[count];
        if constexpr (!Exec::many_workers)
          for (int i = 0; i < count; ++i) lane::prefetch(from, element<In>(row + ahead, column, i) * Exec::lanes);
        if constexpr (keeps_choice)
          differentiate_choice<In, Exec>(from, choices<In, Exec>(data, block, channel, row), gradient, row, column, normal, x, g);
        else
          differentiate_window<In, Exec>(from, gradient, row, column, normal, x, g);
        TYPENET_UNROLL
        for (int i = 0; i < count; ++i) lane::put<Accumulate, pack>(back + element<In>(row, column, i) * Exec::lanes, through(g[i], x[i]));
      }
    });
  }

  /// From the gradient of a normalised number, and the number before, to that one's gradient.
  template <shape In, class Exec, class Data>
  TYPENET_HD TYPENET_INLINE static auto denormalising(const Data& data, index channel, [[maybe_unused]] int valid,
                                                      [[maybe_unused]] index batch) {
    using pack = typename Exec::pack;
    if constexpr (has_norm) {
      const auto back = Norm::template differentiating<made(In), pack>(of_norm<In>(data), channel, batch);
      return [=](const pack& g, const pack& x) TYPENET_LAMBDA_INLINE { return lane::keep_lanes<pack>(back(g, x), valid); };
    } else {
      return [](const pack& g, const pack&) TYPENET_LAMBDA_INLINE { return g; };
    }
  }
};

// ---- finding chains

template <class Op>
constexpr fusion_role role_of() {
  if constexpr (Op::info.what == op_info::kind::layer)
    return Op::layer::template role<Op::in>();
  else
    return fusion_role::alone;
}

/// For each operation, how many run as one from it on: 0 for those that an earlier one has taken along.
template <std::size_t Ops>
constexpr std::array<int, Ops> find_chains(const std::array<op_info, Ops>& ops, const std::array<fusion_role, Ops>& roles, int output) {
  std::array<int, Ops> length{};
  const auto readers = [&](int value) {
    int n = value == output ? 1 : 0;
    for (const op_info& op : ops) n += (op.input == value ? 1 : 0) + (op.second == value ? 1 : 0);
    return n;
  };
  for (std::size_t i = 0; i < Ops;) {
    std::size_t end = i + 1;
    while (roles[i] != fusion_role::alone && end < Ops && roles[end] > roles[end - 1] && ops[end].input == ops[end - 1].output &&
           readers(ops[end].input) == 1)
      ++end;
    // A map alone overwrites what the producer made, which is better still.
    if (end - i == 2 && roles[i] == fusion_role::producer && roles[i + 1] == fusion_role::map) end = i + 1;
    length[i] = static_cast<int>(end - i);
    i = end;
  }
  return length;
}

/// The layer of that role in a chain.
template <fusion_role Role, class... Ops>
struct chain_layer {
  using type = left_out<Role>;
};
template <fusion_role Role, class Op, class... Ops>
struct chain_layer<Role, Op, Ops...> : chain_layer<Role, Ops...> {};
template <fusion_role Role, class Op, class... Ops>
  requires(role_of<Op>() == Role)
struct chain_layer<Role, Op, Ops...> {
  using type = typename Op::layer;
};

/// A network's operations, those of a chain as one.
template <class Ops, int OutputValue>
struct fuse;
template <class... Ops, int OutputValue>
struct fuse<op_list<Ops...>, OutputValue> {
 private:
  static constexpr std::size_t count = sizeof...(Ops);
  static constexpr std::array<int, count> lengths = find_chains<count>({Ops::info...}, {role_of<Ops>()...}, OutputValue);
  static constexpr std::size_t chains = [] {
    std::size_t n = 0;
    for (const int length : lengths) n += length > 0 ? 1 : 0;
    return n;
  }();
  /// Where each begins.
  static constexpr std::array<std::size_t, chains> starts = [] {
    std::array<std::size_t, chains> at{};
    std::size_t n = 0;
    for (std::size_t i = 0; i < count; ++i)
      if (lengths[i] > 0) at[n++] = i;
    return at;
  }();

  template <std::size_t I>
  using op = op_at<I, op_list<Ops...>>;

  template <std::size_t First, class Which>
  struct chain;
  template <std::size_t First>
  struct chain<First, std::index_sequence<0>> {
    using type = op<First>;
  };
  template <std::size_t First, std::size_t... I>
  struct chain<First, std::index_sequence<I...>> {
    template <fusion_role Role>
    using layer = typename chain_layer<Role, op<First + I>...>::type;
    using type = layer_op<
        fused<layer<fusion_role::producer>, layer<fusion_role::normalisation>, layer<fusion_role::map>, layer<fusion_role::window>>,
        op<First>::in, op<First>::info.input, op<First + sizeof...(I) - 1>::info.output>;
  };
  template <std::size_t... I>
  static op_list<typename chain<starts[I], std::make_index_sequence<static_cast<std::size_t>(lengths[starts[I]])>>::type...> all(
      std::index_sequence<I...>);

 public:
  using type = decltype(all(std::make_index_sequence<chains>{}));
};

}  // namespace typenet::detail
