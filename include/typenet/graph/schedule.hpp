// SPDX-License-Identifier: MIT
/// @file
/// Pass 5, schedule: orders the work of a training step for executions that give each lane group to a thread of its own.
///
/// Takes a `compiled_network`. Leaves a `schedule`, which runtime/grouped_executor.hpp follows. In it, a training pass is one operation's
/// forward or backward computation, or a stage of one.
///
/// 1. A training pass covers one lane group or the whole batch. It covers the whole batch where samples depend on one another: at a
///    normalization over the batch, and for gradients of parameters that are not summed by groups.
/// 2. Neighbouring training passes of one lane group form a segment. A group runs through a whole segment before the thread takes the next
///    group, so a layer's output is still in the cache when the next layer reads it. Threads wait for one another between segments.
#pragma once

#include <array>
#include <cstddef>

#include <typenet/core/config.hpp>
#include <typenet/graph/compiled_network.hpp>
#include <typenet/graph/ir.hpp>
#include <typenet/layer/tensor_spec.hpp>

namespace typenet::detail {

/// The number of a layer's first parameters whose gradients are a training pass of their own: all parameters of the layer, or the
/// producer's parameters of a staged layer.
template <class Op>
constexpr std::size_t own_parameters() {
  if constexpr (Op::layer::is_staged)
    return static_cast<std::size_t>(Op::layer::producer_parameters(Op::in));
  else
    return Op::layer::parameters(Op::in).size();
}

/// The plan of the gradients that are summed in two steps: over the samples of each lane group, then over the groups. Layout of the sums:
/// `[group][operation][number]`.
template <class Compiled, class Ops = typename Compiled::operations>
struct group_plan;
template <class Compiled, class... Ops>
struct group_plan<Compiled, op_list<Ops...>> {
 private:
  // A layer sums by groups if it reads each parameter at least 32 times per sample; then one more sum per group costs little. A layer that
  // works in place sums by groups too.
  template <class Op>
  static constexpr int tensors_of() {
    if constexpr (Op::info.what == op_info::kind::layer) {
      const auto specs = Op::layer::parameters(Op::in);
      const std::size_t count = Op::layer::mixes_samples && !Op::layer::is_staged ? 0 : own_parameters<Op>();
      index numbers = 0;
      for (std::size_t t = 0; t < count; ++t) numbers += specs[t].size();
      const index places = Op::layer::macs(Op::in) > Op::in.size() ? Op::layer::macs(Op::in) : index{Op::in.size()};
      return Op::layer::in_place || places >= 32 * numbers ? static_cast<int>(count) : 0;
    } else {
      return 0;
    }
  }

 public:
  /// The number of each operation's first parameters whose gradients are summed by groups, [operation].
  static constexpr std::array<int, sizeof...(Ops)> tensors{tensors_of<Ops>()...};
  /// The offset of each operation's sums among the sums of one group, in scalars; then their number.
  static constexpr auto offsets = [] {
    std::array<index, sizeof...(Ops) + 1> at{};
    for (std::size_t op = 0; op < sizeof...(Ops); ++op) {
      const auto first = static_cast<std::size_t>(Compiled::template first_tensor<false>(static_cast<int>(op)));
      at[op + 1] = at[op] + Compiled::template offsets<false>[first + static_cast<std::size_t>(tensors[op])] -
                   Compiled::template offsets<false>[first];
    }
    return at;
  }();
  /// The number of sums of one group.
  static constexpr index sums = offsets.back();
};

/// The kinds of training passes. A staged layer (kernels/chain.hpp) runs in stages: `local`, `reduce` and `apply`.
enum class pass_kind {
  forward,            ///< the whole forward computation
  forward_local,      ///< forward, stage 1: what a lane group does by itself
  reduce_statistics,  ///< forward, stage 2: statistics over the batch
  forward_apply,      ///< forward, stage 3: normalization, activation and pool
  compare,            ///< comparison of the output with its target: losses, and the output's gradient
  backward,           ///< the gradient of the input; also of the parameters, unless `parameters` follows
  backward_local,     ///< backward, stage 1: what a lane group does by itself
  reduce_gradients,   ///< backward, stage 2: sums over the batch
  backward_apply,     ///< backward, stage 3: the gradient of the producer's output
  parameters          ///< the gradients of the parameters
};
/// A training pass.
struct pass {
  pass_kind kind = pass_kind::forward;
  int op = 0;          ///< number of the operation
  bool whole = false;  ///< true for the whole batch, false for one lane group
};
/// A list of at most `Most` training passes, in order of execution, cut into segments.
template <std::size_t Most>
struct pass_list {
  std::array<pass, Most> of{};
  std::size_t count = 0;
  /// The first training pass of each segment, then `count`.
  std::array<std::size_t, Most + 1> segment_starts{};
  std::size_t segments = 0;

  /// Appends a training pass. One of the whole batch is a segment by itself.
  constexpr void add(pass_kind kind, int op, bool whole) {
    if (count == 0 || whole || of[count - 1].whole) segment_starts[segments++] = count;
    of[count++] = {kind, op, whole};
    segment_starts[segments] = count;
  }
};

/// The properties of an operation that decide its training passes.
struct op_traits {
  bool idle = false;        ///< nothing is executed
  bool mixes = false;       ///< its result for one sample depends on the whole batch
  bool staged = false;      ///< it mixes samples, but only in its reduce stages
  bool parameters = false;  ///< it has parameters whose gradients are a training pass of their own
  bool grouped = false;     ///< its parameters' gradients are summed by groups
  bool chain = false;       ///< its layer is staged, as `fused` is
};

/// The schedule of a compiled network.
template <class Compiled>
struct schedule {
  using groups = group_plan<Compiled>;

  /// The `op_traits` of one operation.
  /// @param grouped number of its parameters whose gradients are summed by groups
  template <class Op>
  static constexpr op_traits traits_of(int grouped) {
    op_traits t;
    t.idle = Op::info.only_reshapes;
    t.grouped = grouped > 0;
    if constexpr (Op::info.what == op_info::kind::layer) {
      t.chain = Op::layer::is_staged;
      t.mixes = Op::layer::mixes_samples;
      t.staged = t.mixes && t.chain;
      t.parameters = own_parameters<Op>() > 0;
    }
    return t;
  }
  /// The `op_traits` of each operation, [operation].
  template <class... Ops>
  static constexpr auto find_traits(op_list<Ops...>) {
    std::size_t i = 0;
    return std::array<op_traits, sizeof...(Ops)>{traits_of<Ops>(groups::tensors[i++])...};
  }
  static constexpr auto traits = find_traits(typename Compiled::operations{});

  /// The training passes, in order of execution.
  static constexpr auto passes = [] {
    // At most three passes forward, four backward and one for parameters of each operation, and the comparison.
    pass_list<8 * static_cast<std::size_t>(Compiled::count) + 1> list;
    for (int op = 0; op < Compiled::count; ++op) {
      const op_traits& t = traits[static_cast<std::size_t>(op)];
      if (t.idle) continue;
      if (t.staged) {
        list.add(pass_kind::forward_local, op, false);
        list.add(pass_kind::reduce_statistics, op, true);
        list.add(pass_kind::forward_apply, op, false);
      } else {
        list.add(pass_kind::forward, op, t.mixes);
      }
    }
    list.add(pass_kind::compare, 0, false);
    for (int op = Compiled::count - 1; op >= 0; --op) {
      const op_traits& t = traits[static_cast<std::size_t>(op)];
      if (t.idle) continue;
      if (t.staged) {
        list.add(pass_kind::backward_local, op, false);
        list.add(pass_kind::reduce_gradients, op, true);
      }
      if (t.chain) list.add(pass_kind::backward_apply, op, false);
      list.add(pass_kind::backward, op, t.mixes && !t.staged);
    }
    // Gradients that are not summed by groups: the owner of each tile of parameters sums over the whole batch.
    for (int op = Compiled::count - 1; op >= 0; --op) {
      const op_traits& t = traits[static_cast<std::size_t>(op)];
      if (t.parameters && !t.grouped && (!t.mixes || t.staged)) list.add(pass_kind::parameters, op, true);
    }
    return list;
  }();
};

}  // namespace typenet::detail
