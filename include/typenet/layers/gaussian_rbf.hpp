// SPDX-License-Identifier: MIT
/// @file
/// gaussian_rbf: how near an input lies to each of several learned centres.
#pragma once

#include <typenet/layer/layer.hpp>

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
      const scalar* x = data.input.template block<pack>(block);
      const scalar* center = data.parameters[0] + unit * inputs;
      pack square[4] = {lane::broadcast<pack>(0), lane::broadcast<pack>(0), lane::broadcast<pack>(0), lane::broadcast<pack>(0)};
      int j = 0;
      for (; j + 4 <= inputs; j += 4) {
        TYPENET_UNROLL
        for (int i = 0; i < 4; ++i) {
          const pack d = lane::load<pack>(x + index{j + i} * Exec::lanes) - lane::broadcast<pack>(center[j + i]);
          square[i] = lane::fma<pack>(d, d, square[i]);
        }
      }
      for (; j < inputs; ++j) {
        const pack d = lane::load<pack>(x + index{j} * Exec::lanes) - lane::broadcast<pack>(center[j]);
        square[0] = lane::fma<pack>(d, d, square[0]);
      }
      const pack distance = (square[0] + square[1]) + (square[2] + square[3]);
      lane::store<pack>(data.output.template block<pack>(block) + unit * Exec::lanes,
                        lane::exp<pack>(distance * lane::broadcast<pack>(static_cast<scalar>(-0.5))));
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
            const pack pull = lane::load<pack>(data.output_gradient.template block<pack>(b) + unit * Exec::lanes) *
                              lane::load<pack>(data.output.template block<pack>(b) + unit * Exec::lanes);
            const scalar* x = data.input.template block<pack>(b) + index{first} * Exec::lanes;
            TYPENET_UNROLL
            for (int j = 0; j < together; ++j)
              if (j < count)
                sum[j] = lane::fma<pack>(pull, lane::load<pack>(x + index{j} * Exec::lanes) - lane::broadcast<pack>(center[j]), sum[j]);
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
      const scalar* g = data.output_gradient.template block<pack>(block);
      const scalar* y = data.output.template block<pack>(block);
      const scalar* x = data.input.template block<pack>(block) + index{first} * Exec::lanes;
      scalar* to = data.input_gradient.template block<pack>(block) + index{first} * Exec::lanes;
      pack sum[together];
      TYPENET_UNROLL
      for (int j = 0; j < together; ++j) sum[j] = lane::broadcast<pack>(0);
      for (int unit = 0; unit < Units; ++unit) {
        const pack pull = lane::load<pack>(g + index{unit} * Exec::lanes) * lane::load<pack>(y + index{unit} * Exec::lanes);
        const scalar* center = data.parameters[0] + index{unit} * inputs + first;
        TYPENET_UNROLL
        for (int j = 0; j < together; ++j)
          if (j < count)
            sum[j] = lane::fma<pack>(pull, lane::broadcast<pack>(center[j]) - lane::load<pack>(x + index{j} * Exec::lanes), sum[j]);
      }
      TYPENET_UNROLL
      for (int j = 0; j < together; ++j)
        if (j < count) lane::put<Accumulate, pack>(to + index{j} * Exec::lanes, sum[j]);
    });
  }

  // One sample: its features are in the lanes.

  template <shape In, row_execution Exec, class Data>
  TYPENET_HD static void forward(Exec& exec, const Data& data) {
    using scalar = typename Exec::scalar;
    using row = typename Exec::row;
    constexpr int inputs = In.size(), width = lane::width<row>;
    exec.for_each(exec.blocks() * Units, [&](index item) {
      const scalar* const x = data.input.template block<scalar>(item / Units);
      const scalar* const center = data.parameters[0] + item % Units * inputs;
      row sum = lane::broadcast<row>(0);
      int j = 0;
      for (; j + width <= inputs; j += width) {
        const row d = lane::load_unaligned<row>(x + j) - lane::load_unaligned<row>(center + j);
        sum = lane::fma<row>(d, d, sum);
      }
      if constexpr (inputs % width > 0) {
        const row d = lane::keep_lanes<row>(lane::load_unaligned<row>(x + j) - lane::load_unaligned<row>(center + j), inputs % width);
        sum = lane::fma<row>(d, d, sum);
      }
      data.output.template block<scalar>(item / Units)[item % Units] = lane::exp<scalar>(scalar(-0.5) * lane::sum<row>(sum));
    });
  }

  template <shape In, row_execution Exec, class Data>
  TYPENET_HD static void backward_parameters(Exec& exec, const Data& data) {
    using scalar = typename Exec::scalar;
    using row = typename Exec::row;
    constexpr int inputs = In.size(), width = lane::width<row>;
    const index batch = exec.batch();
    exec.for_each(Units, [&](index unit) {
      const scalar* const center = data.parameters[0] + unit * inputs;
      for (int j = 0; j < inputs; j += width) {
        const row c = lane::load_unaligned<row>(center + j);
        row sum = lane::broadcast<row>(0);
        for (index sample = 0; sample < batch; ++sample) {
          const scalar pull = data.output_gradient.template block<scalar>(sample)[unit] * data.output.template block<scalar>(sample)[unit];
          const row x = lane::load_unaligned<row>(data.input.template block<scalar>(sample) + j);
          sum = lane::fma<row>(lane::broadcast<row>(pull), x - c, sum);
        }
        lane::put_first<false, row>(data.gradients[0] + unit * inputs + j, sum, inputs - j);
      }
    });
  }

  template <shape In, bool Accumulate, row_execution Exec, class Data>
  TYPENET_HD static void backward_input(Exec& exec, const Data& data) {
    using scalar = typename Exec::scalar;
    using row = typename Exec::row;
    lane::for_each_row<In.size()>(exec, [&](index sample, int first, int count) {
      const scalar* const g = data.output_gradient.template block<scalar>(sample);
      const scalar* const y = data.output.template block<scalar>(sample);
      const row x = lane::load_unaligned<row>(data.input.template block<scalar>(sample) + first);
      row sum = lane::broadcast<row>(0);
      for (int unit = 0; unit < Units; ++unit)
        sum = lane::fma<row>(lane::broadcast<row>(g[unit] * y[unit]),
                             lane::load_unaligned<row>(data.parameters[0] + index{unit} * In.size() + first) - x, sum);
      lane::put_first<Accumulate, row>(data.input_gradient.template block<scalar>(sample) + first, sum, count);
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
