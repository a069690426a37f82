// SPDX-License-Identifier: MIT
/// @file
/// Which input channel feeds which output channel, and where the kernel of each pair lies among the weights.
#pragma once

#include <typenet/core/config.hpp>
#include <typenet/kernels/conv2d/geometry.hpp>
#include <typenet/layer/connection_table.hpp>

namespace typenet::detail {

/// Where the weights of each (output, input) pair begin, in units of one kernel: all pairs of a group.
template <conv_geometry G>
struct dense_links {
  static constexpr int rows_together = G.group_outputs();
  static constexpr int columns_together = G.group_inputs();
  /// Inputs that output o reads, the k-th of them, and its kernel among all.
  TYPENET_HD static constexpr int inputs_of(int /*o*/) { return G.group_inputs(); }
  TYPENET_HD static constexpr int input(int o, int k) { return o / G.group_outputs() * G.group_inputs() + k; }
  TYPENET_HD static constexpr int input_kernel(int o, int k) { return o * G.group_inputs() + k; }
  /// Outputs that input i feeds, the k-th of them, and its kernel among all.
  TYPENET_HD static constexpr int outputs_of(int /*i*/) { return G.group_outputs(); }
  TYPENET_HD static constexpr int output(int i, int k) { return i / G.group_inputs() * G.group_outputs() + k; }
  TYPENET_HD static constexpr int output_kernel(int i, int k) { return output(i, k) * G.group_inputs() + i % G.group_inputs(); }
  /// Distance, in kernels, between one input's kernels for neighbouring outputs, and one output's for neighbouring inputs.
  static constexpr int output_step = G.group_inputs();
  static constexpr int input_step = 1;
  static constexpr int kernels = G.out_channels * G.group_inputs();
};

/// The same for a connection table: kernels are stored output by output, inputs ascending, none for absent links.
template <auto Table>
struct table_links {
  static constexpr int kernels = Table.links();
  static constexpr int rows_together = 1;
  static constexpr int columns_together = 1;
  static constexpr int output_step = 0;
  static constexpr int input_step = 0;

  struct lookup {
    int first_kernel[Table.outputs + 1] = {};
    int input_at[Table.links() + 1] = {};
    int first_of_input[Table.inputs + 1] = {};
    int output_at[Table.links() + 1] = {};
    int kernel_at[Table.links() + 1] = {};
  };
  static constexpr lookup make() {
    lookup t{};
    int n = 0;
    for (int o = 0; o < Table.outputs; ++o) {
      t.first_kernel[o] = n;
      for (int i = 0; i < Table.inputs; ++i)
        if (Table.on(i, o)) t.input_at[n++] = i;
    }
    t.first_kernel[Table.outputs] = n;
    n = 0;
    for (int i = 0; i < Table.inputs; ++i) {
      t.first_of_input[i] = n;
      for (int o = 0; o < Table.outputs; ++o) {
        if (!Table.on(i, o)) continue;
        t.output_at[n] = o;
        for (int w = t.first_kernel[o]; w < t.first_kernel[o + 1]; ++w)
          if (t.input_at[w] == i) t.kernel_at[n] = w;
        ++n;
      }
    }
    t.first_of_input[Table.inputs] = n;
    return t;
  }
  // Device code sees no constant of the class, and a constant of the function is one more copy on a processor's stack.
#if defined(__CUDA_ARCH__)
#define TYPENET_LOOKUP(t) constexpr lookup t = make()
#else
  static constexpr lookup stored = make();
#define TYPENET_LOOKUP(t) constexpr const lookup& t = stored
#endif
  TYPENET_HD static constexpr int inputs_of(int o) {
    TYPENET_LOOKUP(t);
    return t.first_kernel[o + 1] - t.first_kernel[o];
  }
  TYPENET_HD static constexpr int input(int o, int k) {
    TYPENET_LOOKUP(t);
    return t.input_at[t.first_kernel[o] + k];
  }
  TYPENET_HD static constexpr int input_kernel(int o, int k) {
    TYPENET_LOOKUP(t);
    return t.first_kernel[o] + k;
  }
  TYPENET_HD static constexpr int outputs_of(int i) {
    TYPENET_LOOKUP(t);
    return t.first_of_input[i + 1] - t.first_of_input[i];
  }
  TYPENET_HD static constexpr int output(int i, int k) {
    TYPENET_LOOKUP(t);
    return t.output_at[t.first_of_input[i] + k];
  }
  TYPENET_HD static constexpr int output_kernel(int i, int k) {
    TYPENET_LOOKUP(t);
    return t.kernel_at[t.first_of_input[i] + k];
  }
#undef TYPENET_LOOKUP
};

}  // namespace typenet::detail
