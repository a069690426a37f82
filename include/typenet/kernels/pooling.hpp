// SPDX-License-Identifier: MIT
/// @file
/// The passes of pooling layers: loops over windows. The layer says what is done with one window.
#pragma once

#include <typenet/core/config.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/layer/options.hpp>
#include <typenet/simd/lane_view.hpp>
#include <typenet/simd/loops.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet::detail {

/// The passes of one pooling layer for inputs of shape `In`, `[group][channel][row][column][lane]`.
/// @tparam Layer derives from `pooling` (layers/pooling_base.hpp), which lists what it declares
template <class Layer, shape In>
struct pooling_kernel {
  static constexpr kernel_size kernel = Layer::kernel;
  static constexpr kernel_size stride = Layer::stride;
  static constexpr kernel_size padding = Layer::padding;
  static constexpr int out_height = Layer::output(In).height();
  static constexpr int out_width = Layer::output(In).width();
  static constexpr int out_area = out_height * out_width;
  /// True where each input belongs to exactly one window.
  static constexpr bool is_non_overlapping = Layer::template is_non_overlapping<In>;
  /// Inputs of one window.
  static constexpr int count = Layer::count;

  template <class Exec, class Data>
  TYPENET_HD static void forward(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    for_each_plane<true>(exec, [=] TYPENET_HD(index block, index channel, int first, int last) {
      const auto* from = lane::block<pack>(data.input, block) + channel * In.area() * Exec::lanes;
      auto* to = lane::block<pack>(data.output, block) + channel * out_area * Exec::lanes;
      const auto arithmetic = Layer::template of_channel<pack>(data, channel);
      for (int row = first; row < last; ++row)
        for (int column = 0; column < out_width; ++column) {
          pack x[count];
          read<Exec::lanes>(from, row, column, x);
          lane::store(to + index{row * out_width + column} * Exec::lanes, arithmetic.combine(x));
        }
    });
  }

  /// Distributes the gradient of each window to its inputs. Where windows overlap, `input_gradient` is zeroed first and then added to.
  /// @tparam Squared true for second derivatives: each input gets the squared slope times the window's second derivative
  template <bool Accumulate, bool Squared, class Exec, class Data>
  TYPENET_HD static void backward_input(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    constexpr bool add = Accumulate || !is_non_overlapping;
    for_each_plane<is_non_overlapping>(exec, [=] TYPENET_HD(index block, index channel, int first, int last) {
      const auto* from = lane::block<pack>(data.input, block) + channel * In.area() * Exec::lanes;
      const auto* gradient = lane::block<pack>(data.output_gradient, block) + channel * out_area * Exec::lanes;
      auto* to = lane::block<pack>(data.input_gradient, block) + channel * In.area() * Exec::lanes;
      const auto arithmetic = Layer::template of_channel<pack>(data, channel);
      if (add && !Accumulate)
        for (int e = 0; e < In.area(); ++e) lane::store(to + index{e} * Exec::lanes, pack(0));
      for (int row = first; row < last; ++row)
        for (int column = 0; column < out_width; ++column) {
          pack x[count], share[count];
          if (Layer::backward_reads_input) read<Exec::lanes>(from, row, column, x);
          const pack own = lane::load<pack>(gradient + index{row * out_width + column} * Exec::lanes);
          arithmetic.distribute_gradient(x, Squared ? pack(1) : own, share);
          for_each_input(row, column, [&](int i, int e) TYPENET_LAMBDA_INLINE {
            if (e >= 0) lane::store_or_add<add>(to + index{e} * Exec::lanes, Squared ? share[i] * share[i] * own : share[i]);
          });
        }
    });
  }

  /// Calls `body(i, e)` for each input i of window (row, column) in reading order. The input is element e of its plane, or padding where e
  /// is −1.
  template <class Body>
  TYPENET_HD TYPENET_INLINE static void for_each_input(int row, int column, const Body& body) {
    const int top = row * stride.height - padding.height;
    const int left = column * stride.width - padding.width;
    TYPENET_UNROLL
    for (int y = 0; y < kernel.height; ++y) {
      TYPENET_UNROLL
      for (int x = 0; x < kernel.width; ++x) {
        const bool inside = (padding.height == 0 && padding.width == 0) ||
                            (top + y >= 0 && top + y < In.height() && left + x >= 0 && left + x < In.width());
        body(y * kernel.width + x, inside ? (top + y) * In.width() + left + x : -1);
      }
    }
  }

  /// Reads the inputs of window (row, column) of one plane; the padding has the layer's `padding_value`.
  /// @param plane `[row][column][lane]`
  template <int Lanes, class Pack>
  TYPENET_HD TYPENET_INLINE static void read(const lane::scalar_t<Pack>* plane, int row, int column, Pack (&x)[count]) {
    for_each_input(row, column, [&](int i, int e) TYPENET_LAMBDA_INLINE {
      constexpr auto padding_value = Layer::template padding_value<lane::scalar_t<Pack>>;
      x[i] = e >= 0 ? lane::load<Pack>(plane + index{e} * Lanes) : Pack(padding_value);
    });
  }

  /// Calls `body(block, channel, first, last)` for rows [first, last) of windows that cover every channel of every block. A work item is a
  /// plane, or one row where there are many workers and rows are independent.
  /// @tparam Independent true where no two rows of windows write to one input
  template <bool Independent, class Exec, class Body>
  TYPENET_HD static void for_each_plane(Exec& exec, const Body& body) {
    constexpr int rows = Independent ? lane::grain<Exec>(out_height, 1) : out_height;
    constexpr index parts = out_height / rows;
    exec.for_each(exec.blocks() * In.channels() * parts, [=] TYPENET_HD(index item) {
      const int first = static_cast<int>(item % parts) * rows;
      body(item / (In.channels() * parts), item / parts % In.channels(), first, first + rows);
    });
  }
};

}  // namespace typenet::detail
