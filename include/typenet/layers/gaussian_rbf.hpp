// SPDX-License-Identifier: MIT
/// @file
/// gaussian_rbf: how near an input lies to each of several learned centres.
#pragma once

#include <typenet/layer/layer.hpp>
#include <typenet/simd/loops.hpp>
#include <typenet/simd/lane_view.hpp>
#include <typenet/simd/execution.hpp>
#include <typenet/core/ceil_div.hpp>

namespace typenet {

/// y_i = exp(−½ ‖x − c_i‖²) for a vector x. Parameters: `centers` [Units, inputs], normal with deviation 0.2 at start.
///
/// In many dimensions such an output starts out vanishingly small; what trains it then is weight decay alone, until distances
/// have shrunk. Centres of a smaller spread, such as 0.2, learn at once.
template <int Units>
struct gaussian_rbf : layer_defaults {
  static constexpr bool backward_reads_output = true;

  template <shape In>
  static constexpr auto check() {
    if constexpr (Units < 1)
      return needs::positive_sizes{};
    else if constexpr (In.rank != 1)
      return needs::a_vector{};
    else
      return accepted{};
  }
  static constexpr shape output(shape) { return shape{Units}; }
  static constexpr auto parameters(shape in) {
    const int inputs = in.size();
    return std::array<parameter_spec, 1>{parameter_spec{"centers", parameter_role::centers, 2, {Units, inputs, 1, 1}, inputs, Units}};
  }
  static constexpr index macs(shape in) { return index{Units} * in.size(); }
  static constexpr index connections(shape in) { return macs(in); }

  template <shape In, class Exec, class Data>
  TYPENET_HD static void forward(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    using scalar = typename Exec::scalar;
    constexpr int inputs = In.size();
    exec.for_each(exec.blocks() * Units, [=] TYPENET_HD(index item) {
      const index block = item / Units;
      const index unit = item % Units;
      const scalar* x = lane::block<pack>(data.input, block);
      const scalar* center = data.parameters[0] + unit * inputs;
      pack square[4] = {0, 0, 0, 0};
      int j = 0;
      for (; j + 4 <= inputs; j += 4) {
        TYPENET_UNROLL
        for (int i = 0; i < 4; ++i) {
          const pack d = lane::load<pack>(x + index{j + i} * Exec::lanes) - center[j + i];
          square[i] = lane::fma(d, d, square[i]);
        }
      }
      for (; j < inputs; ++j) {
        const pack d = lane::load<pack>(x + index{j} * Exec::lanes) - center[j];
        square[0] = lane::fma(d, d, square[0]);
      }
      const pack distance = (square[0] + square[1]) + (square[2] + square[3]);
      lane::store(lane::block<pack>(data.output, block) + unit * Exec::lanes,
                        lane::exp(distance * static_cast<scalar>(-0.5)));
    });
  }

  /// dc_ij = Σ over samples of dy_i y_i (x_j − c_ij)
  template <shape In, class Exec, class Data>
  TYPENET_HD static void backward_parameters(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    using scalar = typename Exec::scalar;
    constexpr int inputs = In.size();
    constexpr int together = inputs_together(inputs);
    constexpr index tiles = detail::ceil_div(inputs, together);
    exec.template reduce<together>(
        Units * tiles, exec.blocks(),
        [=] TYPENET_HD(index item, index first_block, index last_block, pack(&sum)[together]) {
          const index unit = item / tiles;
          const int first = static_cast<int>(item % tiles) * together;
          const int count = inputs % together == 0 || first + together <= inputs ? together : inputs - first;
          const scalar* center = data.parameters[0] + unit * inputs + first;
          for (index b = first_block; b < last_block; ++b) {
            const pack pull = lane::load<pack>(lane::block<pack>(data.output_gradient, b) + unit * Exec::lanes) *
                              lane::load<pack>(lane::block<pack>(data.output, b) + unit * Exec::lanes);
            const scalar* x = lane::block<pack>(data.input, b) + index{first} * Exec::lanes;
            TYPENET_UNROLL
            for (int j = 0; j < together; ++j)
              if (j < count)
                sum[j] = lane::fma(pull, lane::load<pack>(x + index{j} * Exec::lanes) - center[j], sum[j]);
          }
        },
        [=] TYPENET_HD(index item, const scalar(&total)[together]) {
          const int first = static_cast<int>(item % tiles) * together;
          const int count = inputs % together == 0 || first + together <= inputs ? together : inputs - first;
          for (int j = 0; j < count; ++j) data.gradients[0][item / tiles * inputs + first + j] = total[j];
        });
  }

  /// dx_j = −Σ over units of dy_i y_i (x_j − c_ij)
  template <shape In, bool Accumulate, class Exec, class Data>
  TYPENET_HD static void backward_input(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    using scalar = typename Exec::scalar;
    constexpr int inputs = In.size();
    constexpr int together = inputs_together(inputs);
    constexpr index tiles = detail::ceil_div(inputs, together);
    exec.for_each(exec.blocks() * tiles, [=] TYPENET_HD(index item) {
      const index block = item / tiles;
      const int first = static_cast<int>(item % tiles) * together;
      const int count = inputs % together == 0 || first + together <= inputs ? together : inputs - first;
      const scalar* g = lane::block<pack>(data.output_gradient, block);
      const scalar* y = lane::block<pack>(data.output, block);
      const scalar* x = lane::block<pack>(data.input, block) + index{first} * Exec::lanes;
      scalar* to = lane::block<pack>(data.input_gradient, block) + index{first} * Exec::lanes;
      pack sum[together];
      TYPENET_UNROLL
      for (int j = 0; j < together; ++j) sum[j] = 0;
      for (int unit = 0; unit < Units; ++unit) {
        const pack pull = lane::load<pack>(g + index{unit} * Exec::lanes) * lane::load<pack>(y + index{unit} * Exec::lanes);
        const scalar* center = data.parameters[0] + index{unit} * inputs + first;
        TYPENET_UNROLL
        for (int j = 0; j < together; ++j)
          if (j < count)
            sum[j] = lane::fma(pull, center[j] - lane::load<pack>(x + index{j} * Exec::lanes), sum[j]);
      }
      TYPENET_UNROLL
      for (int j = 0; j < together; ++j)
        if (j < count) lane::store_or_add<Accumulate>(to + index{j} * Exec::lanes, sum[j]);
    });
  }

  // One sample: its features are in the lanes.

  template <shape In, one_sample_execution Exec, class Data>
  TYPENET_HD static void forward(Exec& exec, const Data& data) {
    using scalar = typename Exec::scalar;
    using vector = typename Exec::vector;
    constexpr int inputs = In.size(), width = lane::width<vector>;
    exec.for_each(exec.blocks() * Units, [&](index item) {
      const scalar* const x = lane::block<scalar>(data.input, item / Units);
      const scalar* const center = data.parameters[0] + item % Units * inputs;
      vector sum = 0;
      int j = 0;
      for (; j + width <= inputs; j += width) {
        const vector d = lane::load_unaligned<vector>(x + j) - lane::load_unaligned<vector>(center + j);
        sum = lane::fma(d, d, sum);
      }
      if constexpr (inputs % width > 0) {
        const vector d = lane::keep_lanes(lane::load_unaligned<vector>(x + j) - lane::load_unaligned<vector>(center + j), inputs % width);
        sum = lane::fma(d, d, sum);
      }
      lane::block<scalar>(data.output, item / Units)[item % Units] = lane::exp(scalar(-0.5) * lane::sum(sum));
    });
  }

  template <shape In, one_sample_execution Exec, class Data>
  TYPENET_HD static void backward_parameters(Exec& exec, const Data& data) {
    using scalar = typename Exec::scalar;
    using vector = typename Exec::vector;
    constexpr int inputs = In.size(), width = lane::width<vector>;
    const index batch = exec.batch();
    exec.for_each(Units, [&](index unit) {
      const scalar* const center = data.parameters[0] + unit * inputs;
      for (int j = 0; j < inputs; j += width) {
        const vector c = lane::load_unaligned<vector>(center + j);
        vector sum = 0;
        for (index sample = 0; sample < batch; ++sample) {
          const scalar pull = lane::block<scalar>(data.output_gradient, sample)[unit] * lane::block<scalar>(data.output, sample)[unit];
          const vector x = lane::load_unaligned<vector>(lane::block<scalar>(data.input, sample) + j);
          sum = lane::fma(pull, x - c, sum);
        }
        lane::store_or_add_first<false>(data.gradients[0] + unit * inputs + j, sum, inputs - j);
      }
    });
  }

  template <shape In, bool Accumulate, one_sample_execution Exec, class Data>
  TYPENET_HD static void backward_input(Exec& exec, const Data& data) {
    using scalar = typename Exec::scalar;
    using vector = typename Exec::vector;
    lane::for_each_vector<In.size()>(exec, [&](index sample, int first, int count) {
      const scalar* const g = lane::block<scalar>(data.output_gradient, sample);
      const scalar* const y = lane::block<scalar>(data.output, sample);
      const vector x = lane::load_unaligned<vector>(lane::block<scalar>(data.input, sample) + first);
      vector sum = 0;
      for (int unit = 0; unit < Units; ++unit)
        sum = lane::fma(g[unit] * y[unit],
                             lane::load_unaligned<vector>(data.parameters[0] + index{unit} * In.size() + first) - x, sum);
      lane::store_or_add_first<Accumulate>(lane::block<scalar>(data.input_gradient, sample) + first, sum, count);
    });
  }

 private:
  /// Inputs that one item takes on: as many as divide them, where that is not few.
  static constexpr int inputs_together(int inputs) {
    for (int n = 8; n > 4; --n)
      if (inputs % n == 0) return n;
    return 8;
  }
};

}  // namespace typenet
