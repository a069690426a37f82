// SPDX-License-Identifier: MIT
/// @file
/// Radial basis functions: the passes of `gaussian_rbf`, whose centers are learned, and of `euclidean_rbf`, whose centers are fixed codes
/// of +1 and −1.
#pragma once

#include <cstdint>

#include <typenet/core/ceil_div.hpp>
#include <typenet/core/config.hpp>
#include <typenet/simd/execution.hpp>
#include <typenet/simd/lane_view.hpp>
#include <typenet/simd/loops.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet::detail {

/// The squared distance Σ_j (x_j − c_j)² of each sample of one pack from a center.
/// @param x `[input][lane]`, `inputs` numbers of each sample
/// @param center a function j → c_j, a pack or a plain number
template <int Lanes, class Pack, class Center>
TYPENET_HD TYPENET_INLINE Pack squared_distance(const lane::scalar_t<Pack>* x, int inputs, const Center& center) {
  // Four sums hide the latency of the additions.
  Pack square[4] = {0, 0, 0, 0};
  int j = 0;
  for (; j + 4 <= inputs; j += 4) {
    TYPENET_UNROLL
    for (int i = 0; i < 4; ++i) {
      const Pack d = lane::load<Pack>(x + index{j + i} * Lanes) - center(j + i);
      square[i] = lane::fma(d, d, square[i]);
    }
  }
  for (; j < inputs; ++j) {
    const Pack d = lane::load<Pack>(x + index{j} * Lanes) - center(j);
    square[0] = lane::fma(d, d, square[0]);
  }
  return (square[0] + square[1]) + (square[2] + square[3]);
}

/// The largest divisor of `inputs` from 5 to 8, or 8 where there is none.
constexpr int rbf_tile_size(int inputs) {
  for (int n = 8; n > 4; --n)
    if (inputs % n == 0) return n;
  return 8;
}

/// The passes of `gaussian_rbf`: y_i = exp(−½ ‖x − c_i‖²). Parameter 0 holds the centers, `[Units][Inputs]`, row-major.
template <int Inputs, int Units>
struct gaussian_rbf_kernel {
  /// Inputs that one work item of the backward passes handles: a divisor of `Inputs` from 5 to 8 if there is one, else 8.
  static constexpr int tile_size = rbf_tile_size(Inputs);
  /// Work items that cover the inputs.
  static constexpr index tiles = ceil_div(Inputs, tile_size);

  /// Inputs of the tile that starts at input `first`.
  TYPENET_HD TYPENET_INLINE static constexpr int tile_count(int first) {
    return Inputs % tile_size == 0 || first + tile_size <= Inputs ? tile_size : Inputs - first;
  }

  /// A work item is one unit of one block.
  template <class Exec, class Data>
  TYPENET_HD static void forward(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    using scalar = typename Exec::scalar;
    exec.for_each(exec.blocks() * Units, [=] TYPENET_HD(index item) {
      const index block = item / Units;
      const index unit = item % Units;
      const scalar* x = lane::block<pack>(data.input, block);
      const scalar* center = data.parameters[0] + unit * Inputs;
      const pack distance = squared_distance<Exec::lanes, pack>(x, Inputs, [&](int j) TYPENET_LAMBDA_INLINE { return center[j]; });
      lane::store(lane::block<pack>(data.output, block) + unit * Exec::lanes, lane::exp(distance * static_cast<scalar>(-0.5)));
    });
  }

  /// dc_ij = Σ over samples of dy_i y_i (x_j − c_ij). A work item is a tile of inputs of one unit.
  template <class Exec, class Data>
  TYPENET_HD static void backward_parameters(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    using scalar = typename Exec::scalar;
    exec.template reduce<tile_size>(
        Units * tiles, exec.blocks(),
        [=] TYPENET_HD(index item, index first_block, index last_block, pack(&sum)[tile_size]) {
          const index unit = item / tiles;
          const int first = static_cast<int>(item % tiles) * tile_size;
          const int count = tile_count(first);
          const scalar* center = data.parameters[0] + unit * Inputs + first;
          for (index b = first_block; b < last_block; ++b) {
            const pack pull = lane::load<pack>(lane::block<pack>(data.output_gradient, b) + unit * Exec::lanes) *
                              lane::load<pack>(lane::block<pack>(data.output, b) + unit * Exec::lanes);
            const scalar* x = lane::block<pack>(data.input, b) + index{first} * Exec::lanes;
            TYPENET_UNROLL
            for (int j = 0; j < tile_size; ++j)
              if (j < count) sum[j] = lane::fma(pull, lane::load<pack>(x + index{j} * Exec::lanes) - center[j], sum[j]);
          }
        },
        [=] TYPENET_HD(index item, const scalar(&total)[tile_size]) {
          const int first = static_cast<int>(item % tiles) * tile_size;
          const int count = tile_count(first);
          for (int j = 0; j < count; ++j) data.gradients[0][item / tiles * Inputs + first + j] = total[j];
        });
  }

  /// dx_j = −Σ over units of dy_i y_i (x_j − c_ij). A work item is a tile of inputs of one block.
  template <bool Accumulate, class Exec, class Data>
  TYPENET_HD static void backward_input(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    using scalar = typename Exec::scalar;
    exec.for_each(exec.blocks() * tiles, [=] TYPENET_HD(index item) {
      const index block = item / tiles;
      const int first = static_cast<int>(item % tiles) * tile_size;
      const int count = tile_count(first);
      const scalar* g = lane::block<pack>(data.output_gradient, block);
      const scalar* y = lane::block<pack>(data.output, block);
      const scalar* x = lane::block<pack>(data.input, block) + index{first} * Exec::lanes;
      scalar* to = lane::block<pack>(data.input_gradient, block) + index{first} * Exec::lanes;
      pack sum[tile_size];
      TYPENET_UNROLL
      for (int j = 0; j < tile_size; ++j) sum[j] = 0;
      for (int unit = 0; unit < Units; ++unit) {
        const pack pull = lane::load<pack>(g + index{unit} * Exec::lanes) * lane::load<pack>(y + index{unit} * Exec::lanes);
        const scalar* center = data.parameters[0] + index{unit} * Inputs + first;
        TYPENET_UNROLL
        for (int j = 0; j < tile_size; ++j)
          if (j < count) sum[j] = lane::fma(pull, center[j] - lane::load<pack>(x + index{j} * Exec::lanes), sum[j]);
      }
      TYPENET_UNROLL
      for (int j = 0; j < tile_size; ++j)
        if (j < count) lane::store_or_add<Accumulate>(to + index{j} * Exec::lanes, sum[j]);
    });
  }

  // ---- with neighboring features of one sample in the lanes

  template <one_sample_execution Exec, class Data>
  TYPENET_HD static void forward(Exec& exec, const Data& data) {
    using scalar = typename Exec::scalar;
    using vector = typename Exec::vector;
    constexpr int width = lane::width<vector>;
    exec.for_each(exec.blocks() * Units, [&](index item) {
      const scalar* const x = lane::block<scalar>(data.input, item / Units);
      const scalar* const center = data.parameters[0] + item % Units * Inputs;
      vector sum = 0;
      int j = 0;
      for (; j + width <= Inputs; j += width) {
        const vector d = lane::load_unaligned<vector>(x + j) - lane::load_unaligned<vector>(center + j);
        sum = lane::fma(d, d, sum);
      }
      if constexpr (Inputs % width > 0) {
        const vector d = lane::keep_lanes(lane::load_unaligned<vector>(x + j) - lane::load_unaligned<vector>(center + j), Inputs % width);
        sum = lane::fma(d, d, sum);
      }
      lane::block<scalar>(data.output, item / Units)[item % Units] = lane::exp(scalar(-0.5) * lane::sum(sum));
    });
  }

  template <one_sample_execution Exec, class Data>
  TYPENET_HD static void backward_parameters(Exec& exec, const Data& data) {
    using scalar = typename Exec::scalar;
    using vector = typename Exec::vector;
    constexpr int width = lane::width<vector>;
    const index batch = exec.batch();
    exec.for_each(Units, [&](index unit) {
      const scalar* const center = data.parameters[0] + unit * Inputs;
      for (int j = 0; j < Inputs; j += width) {
        const vector c = lane::load_unaligned<vector>(center + j);
        vector sum = 0;
        for (index sample = 0; sample < batch; ++sample) {
          const scalar pull = lane::block<scalar>(data.output_gradient, sample)[unit] * lane::block<scalar>(data.output, sample)[unit];
          const vector x = lane::load_unaligned<vector>(lane::block<scalar>(data.input, sample) + j);
          sum = lane::fma(pull, x - c, sum);
        }
        lane::store_or_add_first<false>(data.gradients[0] + unit * Inputs + j, sum, Inputs - j);
      }
    });
  }

  template <bool Accumulate, one_sample_execution Exec, class Data>
  TYPENET_HD static void backward_input(Exec& exec, const Data& data) {
    using scalar = typename Exec::scalar;
    using vector = typename Exec::vector;
    lane::for_each_vector<Inputs>(exec, [&](index sample, int first, int count) {
      const scalar* const g = lane::block<scalar>(data.output_gradient, sample);
      const scalar* const y = lane::block<scalar>(data.output, sample);
      const vector x = lane::load_unaligned<vector>(lane::block<scalar>(data.input, sample) + first);
      vector sum = 0;
      for (int unit = 0; unit < Units; ++unit)
        sum = lane::fma(g[unit] * y[unit], lane::load_unaligned<vector>(data.parameters[0] + index{unit} * Inputs + first) - x, sum);
      lane::store_or_add_first<Accumulate>(lane::block<scalar>(data.input_gradient, sample) + first, sum, count);
    });
  }
};

/// The bits of a code table, each code from the first bit of a word on: a lookup that needs one shift.
/// @tparam Codes a `code_table`
template <auto Codes>
struct code_words {
  /// Words of one code.
  static constexpr int words = (Codes.columns + 63) / 64;
  struct lookup {
    std::uint64_t word[Codes.rows * words] = {};
  };
  static constexpr lookup make() {
    lookup t{};
    for (int r = 0; r < Codes.rows; ++r)
      for (int c = 0; c < Codes.columns; ++c)
        if (Codes.at(r, c) > 0) t.word[r * words + c / 64] |= std::uint64_t{1} << (c % 64);
    return t;
  }
  /// +1 or −1 in every lane.
  template <class Pack>
  TYPENET_HD TYPENET_INLINE static Pack at(int row, int column) {
    // A local table, since device code cannot read a constant of the class.
    constexpr lookup t = make();
    const bool plus = (t.word[row * words + column / 64] >> (column % 64) & 1) != 0;
    return Pack(static_cast<lane::scalar_t<Pack>>(plus ? 1 : -1));
  }
};

/// The passes of `euclidean_rbf`: y_i = Σ_j (x_j − w_ij)² with the codes w_i of the table.
/// @tparam Codes a `code_table`
template <int Inputs, auto Codes>
struct euclidean_rbf_kernel {
  /// A work item is one code of one block.
  template <class Exec, class Data>
  TYPENET_HD static void forward(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    constexpr int rows = Codes.rows;
    exec.for_each(exec.blocks() * rows, [=] TYPENET_HD(index item) {
      const index block = item / rows;
      const int row = static_cast<int>(item % rows);
      const auto* const x = lane::block<pack>(data.input, block);
      const pack distance = squared_distance<Exec::lanes, pack>(
          x, Inputs, [&](int j) TYPENET_LAMBDA_INLINE { return code_words<Codes>::template at<pack>(row, j); });
      lane::store(lane::block<pack>(data.output, block) + index{row} * Exec::lanes, distance);
    });
  }

  /// dx_j = 2 Σ over codes of dy_i (x_j − w_ij)
  template <bool Accumulate, class Exec, class Data>
  TYPENET_HD static void backward_input(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    constexpr int rows = Codes.rows;
    lane::for_each_pack<Inputs>(exec, [=] TYPENET_HD(index block, index offset) {
      const int column = static_cast<int>(offset / Exec::lanes);
      const auto* const gradient = lane::block<pack>(data.output_gradient, block);
      const pack x = lane::load<pack>(lane::block<pack>(data.input, block) + offset);
      pack sum = 0;
      for (int row = 0; row < rows; ++row)
        sum = lane::fma(lane::load<pack>(gradient + index{row} * Exec::lanes), x - code_words<Codes>::template at<pack>(row, column), sum);
      lane::store_or_add<Accumulate>(lane::block<pack>(data.input_gradient, block) + offset, sum + sum);
    });
  }

  /// ∂²E/∂x_j² = Σ over codes of ∂²E/∂y_i² (2 (x_j − w_ij))² + 2 ∂E/∂y_i. The second term is the second derivative of y itself: after
  /// `rbf_mse` it is the only one.
  template <bool Accumulate, class Exec, class Data>
  TYPENET_HD static void backward_curvature(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    constexpr int rows = Codes.rows;
    lane::for_each_pack<Inputs>(exec, [=] TYPENET_HD(index block, index offset) {
      const int column = static_cast<int>(offset / Exec::lanes);
      const auto* const curvature_of_output = lane::block<pack>(data.output_gradient, block);
      const auto* const slope_of_output = lane::block<pack>(data.output_slope, block);
      const pack x = lane::load<pack>(lane::block<pack>(data.input, block) + offset);
      pack sum = 0;
      for (int row = 0; row < rows; ++row) {
        const pack d = x - code_words<Codes>::template at<pack>(row, column);
        const pack slope = d + d;
        const pack g = lane::load<pack>(slope_of_output + index{row} * Exec::lanes);
        sum = sum + lane::fma(slope * slope, lane::load<pack>(curvature_of_output + index{row} * Exec::lanes), g + g);
      }
      lane::store_or_add<Accumulate>(lane::block<pack>(data.input_gradient, block) + offset, sum);
    });
  }
};

}  // namespace typenet::detail
