// SPDX-License-Identifier: MIT
/// @file
/// The backward pass of a chain (kernels/chain.hpp): the gradients of the normalization's parameters, and the gradient of the values.
#pragma once

#include <typenet/core/config.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/kernels/chain/layout.hpp>
#include <typenet/simd/lane_view.hpp>
#include <typenet/simd/loops.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet::detail {

/// The kernels of the backward pass. Pooling windows are addressed by channel, row and column of the chain's output.
///
/// Below, x are the values, z = normalize(x) and y = activate(z); the pool's output is what the chain's output gradient belongs to.
/// `from` is a plane of x, `[row][column][lane]`. `gradient` is one row of the output's gradient, `[output column][lane]`.
/// @tparam Stages a `chain_stages`
template <class Stages, shape In, class Exec>
struct chain_backward {
  using layout = chain_layout<Stages, In, Exec>;
  using activation = typename Stages::activation;
  using pack = typename Exec::pack;
  using scalar = typename Exec::scalar;
  static constexpr int lanes = Exec::lanes;
  static constexpr int kernel_area = layout::kernel_area;

  /// Recomputes one pooling window: its values x, and the gradients dz.
  template <class Normalizer>
  TYPENET_HD TYPENET_INLINE static void differentiate_window(const scalar* from, const scalar* gradient, int row, int column,
                                                             const Normalizer& normalize, pack (&x)[kernel_area], pack (&dz)[kernel_area]) {
    pack z[kernel_area], y[kernel_area];
    TYPENET_UNROLL
    for (int i = 0; i < kernel_area; ++i) {
      x[i] = lane::load<pack>(from + layout::element(row, column, i) * lanes);
      z[i] = normalize(x[i]);
      y[i] = activation::apply(z[i]);
    }
    Stages::pool::distribute_gradient(y, lane::load<pack>(gradient + index{column} * lanes), dz);
    TYPENET_UNROLL
    for (int i = 0; i < kernel_area; ++i) dz[i] = activation::pass_back_at(z[i], y[i], dz[i]);
  }

  /// The gradient dz of a pool candidate.
  /// @param gradient the gradient of the pooling window's output, `[lane]`
  template <class Normalizer>
  TYPENET_HD TYPENET_INLINE static pack gradient_of_candidate(const pack& candidate, const scalar* gradient, const Normalizer& normalize) {
    const pack z = normalize(candidate);
    return activation::pass_back_at(z, activation::apply(z), lane::load<pack>(gradient));
  }

  /// Recomputes one pooling window whose candidate is known: its values x, and the gradients dz.
  /// @param candidates the candidates of the row of windows, `[output column][lane]`
  template <class Normalizer>
  TYPENET_HD TYPENET_INLINE static void differentiate_candidate(const scalar* from, const scalar* candidates, const scalar* gradient,
                                                                int row, int column, const Normalizer& normalize, pack (&x)[kernel_area],
                                                                pack (&dz)[kernel_area]) {
    const pack candidate = lane::load<pack>(candidates + index{column} * lanes);
    TYPENET_UNROLL
    for (int i = 0; i < kernel_area; ++i) x[i] = lane::load<pack>(from + layout::element(row, column, i) * lanes);
    Stages::pool::distribute_gradient_to_selected(candidate, x,
                                                  gradient_of_candidate(candidate, gradient + index{column} * lanes, normalize), dz);
  }

  /// Adds one row of pooling windows to Σ dz and Σ dz (x − mean), lane by lane.
  template <class Normalizer, class Data>
  TYPENET_HD TYPENET_INLINE static void add_row_gradients(const Data& data, index block, index channel, int row,
                                                          const Normalizer& normalize, const pack& mean, pack (&total)[2]) {
    const auto* const gradient = layout::output_gradient_row(data, block, channel, row);
    if constexpr (Stages::keeps_candidates) {
      const auto* const candidate = layout::pool_candidates(data, block, channel, row);
      for (int column = 0; column < layout::out_width; ++column) {
        const pack x = lane::load<pack>(candidate + index{column} * lanes);
        const pack dz = gradient_of_candidate(x, gradient + index{column} * lanes, normalize);
        total[0] = total[0] + dz;
        total[1] = lane::fma(dz, x - mean, total[1]);
      }
    } else {
      const auto* const from = lane::block<pack>(layout::values(data), block) + channel * layout::values_area * lanes;
      for (int column = 0; column < layout::out_width; ++column) {
        pack x[kernel_area], dz[kernel_area];
        differentiate_window(from, gradient, row, column, normalize, x, dz);
        pack sum = dz[0], product = dz[0] * (x[0] - mean);
        TYPENET_UNROLL
        for (int i = 1; i < kernel_area; ++i) {
          sum = sum + dz[i];
          product = lane::fma(dz[i], x[i] - mean, product);
        }
        total[0] = total[0] + sum;
        total[1] = total[1] + product;
      }
    }
  }

  /// Sums and writes the gradients of the normalization's parameters in one pass, for executions with many workers.
  template <class Data>
  TYPENET_HD static void sum_parameter_gradients(Exec& exec, const Data& data) {
    const Data norm = layout::of_norm(data);
    exec.template reduce<2>(
        layout::channels, exec.blocks() * layout::out_height,
        [=] TYPENET_HD(index channel, index first, index last, pack(&total)[2]) {
          const auto normalize = layout::normalizer(data, channel, true);
          const pack mean = Stages::norm::template mean<pack>(norm, channel);
          lane::for_each_run(first, last, layout::out_height, [&](index block, index begin, index end) {
            for (int row = static_cast<int>(begin); row < static_cast<int>(end); ++row)
              add_row_gradients(data, block, channel, row, normalize, mean, total);
          });
        },
        [=] TYPENET_HD(index channel, const scalar(&total)[2]) {
          Stages::norm::template write_gradients<layout::values_shape>(norm, channel, total);
        });
  }
  /// Sums the gradients of the normalization's parameters over each row of pooling windows. The sums take the place of the statistics' in
  /// `saved`.
  template <class Data>
  TYPENET_HD static void sum_row_gradients(Exec& exec, const Data& data) {
    constexpr int rows = layout::out_height, channels = layout::channels;
    const Data norm = layout::of_norm(data);
    exec.for_each(exec.blocks() * channels * rows, [=] TYPENET_HD(index item) {
      const index block = item / (channels * rows), channel = item / rows % channels;
      const int row = static_cast<int>(item % rows);
      pack total[2] = {0, 0};
      add_row_gradients(data, block, channel, row, layout::normalizer(data, channel, true),
                        Stages::norm::template mean<pack>(norm, channel), total);
      auto* const to = layout::sums(data, channel, block, row, rows);
      lane::store(to, total[0]);
      lane::store(to + lanes, total[1]);
    });
  }
  /// Adds up the rows' sums, and writes the gradients of the normalization's parameters.
  template <class Data>
  TYPENET_HD static void reduce_row_gradients(Exec& exec, const Data& data) {
    constexpr int rows = layout::out_height;
    const Data norm = layout::of_norm(data);
    exec.template reduce<2>(
        layout::channels, exec.blocks() * rows,
        [=] TYPENET_HD(index channel, index first, index last, pack(&total)[2]) {
          lane::for_each_run(first, last, rows, [&](index block, index begin, index end) {
            for (index row = begin; row < end; ++row) {
              const auto* const from = layout::sums(data, channel, block, row, rows);
              total[0] = total[0] + lane::load<pack>(from);
              total[1] = total[1] + lane::load<pack>(from + lanes);
            }
          });
        },
        [=] TYPENET_HD(index channel, const scalar(&total)[2]) {
          Stages::norm::template write_gradients<layout::values_shape>(norm, channel, total);
        });
  }

  /// Writes the gradient of the values.
  /// @tparam Accumulate adds to `to` where true
  /// @param to view of the values' shape; may be the values themselves, since each window is read before it is written
  template <bool Accumulate, class Data, class To>
  TYPENET_HD static void differentiate(Exec& exec, const Data& data, const To& to) {
    const index batch = exec.batch(), whole = exec.whole_batch();
    layout::for_each_row(exec, [=] TYPENET_HD(index block, index channel, int row) {
      const auto* const from = lane::block<pack>(layout::values(data), block) + channel * layout::values_area * lanes;
      const auto* const gradient = layout::output_gradient_row(data, block, channel, row);
      auto* const back = lane::block<pack>(to, block) + channel * layout::values_area * lanes;
      const auto normalize = layout::normalizer(data, channel, true);
      const auto normalize_backward = layout::normalizer_backward(data, channel, lane::valid_lanes<pack>(block, batch), whole);
      // Rows of windows between a prefetch and its use: the values of a batch do not stay in the nearest cache.
      constexpr int ahead = 3;
      for (int column = 0; column < layout::out_width; ++column) {
        pack x[kernel_area], dz[kernel_area];
        if constexpr (!Exec::many_workers)
          for (int i = 0; i < kernel_area; ++i) lane::prefetch(from, layout::element(row + ahead, column, i) * lanes);
        if constexpr (Stages::keeps_candidates)
          differentiate_candidate(from, layout::pool_candidates(data, block, channel, row), gradient, row, column, normalize, x, dz);
        else
          differentiate_window(from, gradient, row, column, normalize, x, dz);
        TYPENET_UNROLL
        for (int i = 0; i < kernel_area; ++i)
          lane::store_or_add<Accumulate>(back + layout::element(row, column, i) * lanes, normalize_backward(dz[i], x[i]));
      }
    });
  }
};

}  // namespace typenet::detail
