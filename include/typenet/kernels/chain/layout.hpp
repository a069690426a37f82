// SPDX-License-Identifier: MIT
/// @file
/// The memory of a chain (kernels/chain.hpp): its stages, the sections of its saved memory, the tiles of its values, and the memory that
/// each stage sees.
#pragma once

#include <type_traits>

#include <typenet/core/config.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/kernels/chain/identity_stage.hpp>
#include <typenet/layer/fusion_role.hpp>
#include <typenet/layer/tensor_spec.hpp>
#include <typenet/simd/lane_view.hpp>
#include <typenet/simd/loops.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet::detail {

/// The stages of a chain, and its sizes for any input shape. Missing stages are `identity_stage`s.
///
/// The *values* of a chain are the numbers that normalization, activation and pool start from: the producer's output, or the chain's input
/// where there is no producer.
///
/// `saved` has three sections, each `[element][lane]` within a group, `saved_size` scalars a sample in all:
/// 1. the values, `[channel][row][column]`, where there is a producer; the backward pass replaces them by their gradient
/// 2. the pool candidates, `[channel][output row][output column]`, where `keeps_candidates`
/// 3. pairs of partial sums, `[channel][tile][2]`, where there is a normalization
template <class Producer, class Norm, class Activation, class Pool>
struct chain_stages {
  using producer = Producer;
  using norm = Norm;
  using activation = Activation;
  using pool = Pool;

  static constexpr bool has_producer = !std::is_same_v<Producer, identity_stage<fusion_role::producer>>;
  static constexpr bool has_norm = !std::is_same_v<Norm, identity_stage<fusion_role::normalization>>;
  /// True where the forward pass stores, for each pooling window, the value that the output comes from. The largest output comes from the
  /// largest value, or from the smallest where the normalization's scale is negative. So it is known before the statistics are.
  static constexpr bool keeps_candidates = has_producer && has_norm && Activation::is_monotonic && Pool::is_max;

  static constexpr shape values(shape in) { return Producer::output(in); }
  static constexpr shape output(shape in) { return Pool::output(values(in)); }
  /// Height and width of a channel's plane. A vector counts as channels of one number.
  static constexpr int height(shape s) { return s.rank == 3 ? s.height() : 1; }
  static constexpr int width(shape s) { return s.rank == 3 ? s.width() : 1; }

  /// Scalars per sample in each section of `saved`.
  static constexpr index saved_values(shape in) { return has_producer ? values(in).size() : 0; }
  static constexpr index saved_candidates(shape in) { return keeps_candidates ? output(in).size() : 0; }
  static constexpr index saved_sums(shape in) {
    return has_norm ? 2 * (index{values(in).channels()} * height(values(in)) * Producer::max_tiles_per_row(in)) : 0;
  }
  static constexpr index saved_size(shape in) { return saved_values(in) + saved_candidates(in) + saved_sums(in); }
};

/// The partition of each plane of values into the tiles that statistics are summed over. Elements are counted in reading order. A tile
/// covers the rows of one row of pooling windows, or a part of one row where work items are small.
/// @tparam Layout a `chain_layout`
template <class Layout, class Exec, bool HasProducer>
struct tile_partition {
  using tiles = typename Layout::stages::producer::template tiles<Layout::in, Exec>;
  static constexpr int rows = Exec::many_workers ? 1 : Layout::kernel_height;
  static constexpr int bands = Layout::values_height / rows;
  static constexpr int tiles_of_plane = bands * tiles::tiles_per_row;
  static_assert(Exec::many_workers || tiles::tiles_per_row == 1);
  static_assert(tiles::tiles_per_row <= Layout::stages::producer::max_tiles_per_row(Layout::in));

  /// The elements [first, last) of tile `t` of a plane.
  TYPENET_HD static constexpr int first(int t) {
    return t / tiles::tiles_per_row * rows * Layout::values_width + t % tiles::tiles_per_row * tiles::columns;
  }
  TYPENET_HD static constexpr int last(int t) {
    return t % tiles::tiles_per_row + 1 == tiles::tiles_per_row ? (t / tiles::tiles_per_row + 1) * rows * Layout::values_width
                                                                : first(t) + tiles::columns;
  }
};
/// Without a producer, a plane is one tile.
template <class Layout, class Exec>
struct tile_partition<Layout, Exec, false> {
  static constexpr int tiles_of_plane = 1;
  TYPENET_HD static constexpr int first(int) { return 0; }
  TYPENET_HD static constexpr int last(int) { return Layout::values_area; }
};

/// The places of a chain's numbers for one input shape and one execution.
/// @tparam Stages a `chain_stages`
template <class Stages, shape In, class Exec>
struct chain_layout {
  using stages = Stages;
  using pack = typename Exec::pack;
  static constexpr int lanes = Exec::lanes;

  static constexpr shape in = In;
  static constexpr shape values_shape = Stages::values(In);
  static constexpr int channels = values_shape.channels();
  static constexpr int values_height = Stages::height(values_shape), values_width = Stages::width(values_shape);
  static constexpr int values_area = values_height * values_width;
  static constexpr int out_height = Stages::height(Stages::output(In)), out_width = Stages::width(Stages::output(In));
  /// Rows and columns of a pooling window; windows are disjoint.
  static constexpr int kernel_height = Stages::pool::kernel.height, kernel_width = Stages::pool::kernel.width;
  static constexpr int kernel_area = kernel_height * kernel_width;

  using partition = tile_partition<chain_layout, Exec, Stages::has_producer>;

  /// The memory that the producer sees: its output, and the gradient of its output, are the values in `saved`.
  template <class Data>
  TYPENET_HD static Data of_producer(const Data& data) {
    Data own = data;
    own.output = data.saved;
    own.output_gradient = {data.saved.base, data.saved.stride};
    return own;
  }
  /// The memory that the normalization sees: its input are the values; its parameters and buffers follow the producer's.
  template <class Data>
  TYPENET_HD static Data of_norm(const Data& data) {
    constexpr int parameters = static_cast<int>(Stages::producer::parameters(In).size());
    constexpr int buffers = static_cast<int>(Stages::producer::buffers(In).size());
    Data own = data;
    own.input = values(data);
    for (int i = 0; i + parameters < max_layer_tensors; ++i) {
      own.parameters[i] = data.parameters[i + parameters];
      own.gradients[i] = data.gradients[i + parameters];
    }
    for (int i = 0; i + buffers < max_layer_tensors; ++i) own.buffers[i] = data.buffers[i + buffers];
    return own;
  }
  /// The chain's values, `[group][channel][row][column][lane]`.
  template <class Data>
  TYPENET_HD static auto values(const Data& data) {
    if constexpr (Stages::has_producer)
      return decltype(data.input){data.saved.base, data.saved.stride};
    else
      return data.input;
  }

  /// The two partial sums of one tile of a plane of values, or of one row of pooling windows. The second lies `lanes` scalars after the
  /// first.
  /// @param parts tiles or rows that a plane is cut into
  template <class Data>
  TYPENET_HD TYPENET_INLINE static auto* sums(const Data& data, index channel, index block, index part, int parts) {
    return lane::block<pack>(data.saved, block) +
           (Stages::saved_values(In) + Stages::saved_candidates(In) + 2 * (channel * parts + part)) * lanes;
  }
  /// The pool candidates of one row of pooling windows, `[output column][lane]`.
  template <class Data>
  TYPENET_HD TYPENET_INLINE static auto* pool_candidates(const Data& data, index block, index channel, int row) {
    return lane::block<pack>(data.saved, block) + (Stages::saved_values(In) + (channel * out_height + row) * out_width) * lanes;
  }
  /// The gradient of one row of the chain's output, `[output column][lane]`.
  template <class Data>
  TYPENET_HD TYPENET_INLINE static auto* output_gradient_row(const Data& data, index block, index channel, int row) {
    return lane::block<pack>(data.output_gradient, block) + (channel * out_height + row) * out_width * lanes;
  }

  /// The place of number `i` of the pooling window at (`row`, `column`), in its plane of values, counted in elements.
  TYPENET_HD TYPENET_INLINE static constexpr index element(int row, int column, int i) {
    return index{row * kernel_height + i / kernel_width} * values_width + column * kernel_width + i % kernel_width;
  }

  /// Calls `body(block, channel, row)` for each row of pooling windows.
  template <class Body>
  TYPENET_HD static void for_each_row(Exec& exec, const Body& body) {
    constexpr int rows_per_item = lane::grain<Exec>(out_height, 1);
    constexpr index items = index{channels} * (out_height / rows_per_item);
    exec.for_each(exec.blocks() * items, [=] TYPENET_HD(index item) {
      const index block = item / items;
      const index channel = item % items / (out_height / rows_per_item);
      const int first = static_cast<int>(item % (out_height / rows_per_item)) * rows_per_item;
      for (int row = first; row < first + rows_per_item; ++row) body(block, channel, row);
    });
  }

  /// The normalization of one channel as a function object x → y; without a normalization, y = x.
  template <class Data>
  TYPENET_HD TYPENET_INLINE static auto normalizer(const Data& data, index channel, bool training) {
    if constexpr (Stages::has_norm)
      return Stages::norm::template normalizer<values_shape, pack>(of_norm(data), channel, training);
    else
      return [](const pack& x) TYPENET_LAMBDA_INLINE { return x; };
  }
  /// The backward pass of the normalization of one channel as a function object (dy, x) → dx; without a normalization, dx = dy.
  /// @param valid lanes of the block that are part of the batch; dx is zero in the others
  /// @param batch samples of the whole batch
  template <class Data>
  TYPENET_HD TYPENET_INLINE static auto normalizer_backward(const Data& data, index channel, [[maybe_unused]] int valid,
                                                            [[maybe_unused]] index batch) {
    if constexpr (Stages::has_norm) {
      const auto back = Stages::norm::template normalizer_backward<values_shape, pack>(of_norm(data), channel, batch);
      return [=](const pack& g, const pack& x) TYPENET_LAMBDA_INLINE { return lane::keep_lanes(back(g, x), valid); };
    } else {
      return [](const pack& g, const pack&) TYPENET_LAMBDA_INLINE { return g; };
    }
  }
};

}  // namespace typenet::detail
