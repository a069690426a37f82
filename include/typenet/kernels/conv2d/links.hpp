// SPDX-License-Identifier: MIT
/// @file
/// Links: the pairs of input and output channels that a convolution connects, and the place of each pair's kernel among the weights.
///
/// Each link has one kernel of `taps` weights. Kernel n begins at scalar `n * taps` of the weights; within it, taps lie
/// `[kernel row][kernel column]`. A link class offers, for output channels o and input channels i:
/// - `kernels`: the number of links
/// - `inputs_of(o)`, `input(o, k)`, `input_kernel(o, k)`: the number of inputs of o; the k-th input of o; the kernel of that link
/// - `outputs_of(i)`, `output(i, k)`, `output_kernel(i, k)`: the number of outputs of i; the k-th output of i; the kernel of that link
/// - `shared_outputs`: consecutive outputs that read one set of inputs, and so may share a register tile
/// - `shared_inputs`: consecutive inputs that feed one set of outputs
/// - `output_step`, `input_step`: distance in kernels between neighboring outputs for one input, and between neighboring inputs for one
///   output; meaningful within a register tile
#pragma once

#include <typenet/core/config.hpp>
#include <typenet/kernels/conv2d/geometry.hpp>
#include <typenet/layer/connection_table.hpp>

namespace typenet::detail {

/// The links of a convolution without a connection table: all pairs within each group. Kernels lie `[output channel][input of the group]`.
template <conv_geometry G>
struct dense_links {
  static constexpr int shared_outputs = G.group_outputs();
  static constexpr int shared_inputs = G.group_inputs();
  TYPENET_HD static constexpr int inputs_of(int /*o*/) { return G.group_inputs(); }
  TYPENET_HD static constexpr int input(int o, int k) { return o / G.group_outputs() * G.group_inputs() + k; }
  TYPENET_HD static constexpr int input_kernel(int o, int k) { return o * G.group_inputs() + k; }
  TYPENET_HD static constexpr int outputs_of(int /*i*/) { return G.group_outputs(); }
  TYPENET_HD static constexpr int output(int i, int k) { return i / G.group_inputs() * G.group_outputs() + k; }
  TYPENET_HD static constexpr int output_kernel(int i, int k) { return output(i, k) * G.group_inputs() + i % G.group_inputs(); }
  static constexpr int output_step = G.group_inputs();
  static constexpr int input_step = 1;
  static constexpr int kernels = G.out_channels * G.group_inputs();
};

/// The links of a connection table. Kernels lie output by output, inputs ascending; absent links have none. Channels share no register
/// tile.
template <auto Table>
struct table_links {
  static constexpr int kernels = Table.links();
  static constexpr int shared_outputs = 1;
  static constexpr int shared_inputs = 1;
  static constexpr int output_step = 0;
  static constexpr int input_step = 0;

  /// The table as lists of links, in two orders: by output and by input.
  struct lookup {
    int first_kernel[Table.outputs + 1] = {};   ///< of each output, the first link by output, which is its first kernel; then the end
    int input_at[Table.links() + 1] = {};       ///< of each link by output, the input
    int first_of_input[Table.inputs + 1] = {};  ///< of each input, the first link by input; then the end
    int output_at[Table.links() + 1] = {};      ///< of each link by input, the output
    int kernel_at[Table.links() + 1] = {};      ///< of each link by input, the kernel
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
  // Device code cannot read a static array of a class: there the lookup is a constant of the function. On a CPU that would copy it to the
  // stack in each call.
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
