// SPDX-License-Identifier: MIT
/// @file
/// Pass 4, schedule: the order in which a training step runs the operations of a network, or parts of them, where each lane group has a
/// thread of its own (runtime/grouped_executor.hpp). What concerns one group alone runs through as many layers as possible before the next
/// group begins, so that a layer's output is still in the cache when the next layer reads it. Threads wait for one another only where the
/// whole batch must be known: at a normalization over the batch, and for the gradients of parameters.
#pragma once

#include <array>
#include <cstddef>

#include <typenet/core/config.hpp>
#include <typenet/graph/compiled_network.hpp>
#include <typenet/graph/ir.hpp>

namespace typenet::detail {

/// The number of a layer's parameters, the first ones, whose gradients are a pass of their own: all, or for a staged layer those of its
/// producer.
template <class Op>
constexpr std::size_t own_parameters() {
  if constexpr (Op::layer::is_staged)
    return static_cast<std::size_t>(Op::layer::producer_parameters(Op::in));
  else
    return Op::layer::parameters(Op::in).size();
}

/// Which gradients of parameters are summed in each lane group by itself, and then over the groups.
template <class Compiled, class Ops = typename Compiled::operations>
struct group_plan;
template <class Compiled, class... Ops>
struct group_plan<Compiled, op_list<Ops...>> {
 private:
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
  /// Of each operation how many, the first of all: where a group's numbers, still near, are summed over so many places that one more sum
  /// for each group does not matter.
  static constexpr std::array<int, sizeof...(Ops)> tensors{tensors_of<Ops>()...};
  /// Where those sums begin among all of one group; then how many there are.
  static constexpr auto offsets = [] {
    std::array<index, sizeof...(Ops) + 1> at{};
    for (std::size_t op = 0; op < sizeof...(Ops); ++op) {
      const auto first = static_cast<std::size_t>(Compiled::template first_tensor<false>(static_cast<int>(op)));
      at[op + 1] = at[op] + Compiled::template offsets<false>[first + static_cast<std::size_t>(tensors[op])] -
                   Compiled::template offsets<false>[first];
    }
    return at;
  }();
  static constexpr index sums = offsets.back();
};

/// What is done of an operation, all that it takes or a part of it; or the comparison of the output with its target.
enum class pass_kind {
  forward,
  forward_local,
  reduce_statistics,
  forward_apply,
  compare,
  backward,
  backward_local,
  reduce_gradients,
  backward_apply,
  parameters
};
struct pass {
  pass_kind kind = pass_kind::forward;
  int op = 0;
  /// By the whole batch at once, or by lane groups.
  bool whole = false;
};
template <std::size_t Most>
struct pass_list {
  std::array<pass, Most> of{};
  std::size_t count = 0;
  /// Where passes begin that run together, and how many such there are.
  std::array<std::size_t, Most + 1> segment_starts{};
  std::size_t segments = 0;

  constexpr void add(pass_kind kind, int op, bool whole) {
    if (count == 0 || whole || of[count - 1].whole) segment_starts[segments++] = count;
    of[count++] = {kind, op, whole};
    segment_starts[segments] = count;
  }
};

/// What an operation is to a step.
struct op_traits {
  bool idle = false;    ///< nothing is executed
  bool mixes = false;   ///< it must see the whole batch
  bool staged = false;  ///< it can do some of its work by groups even so
  bool parameters = false;
  bool grouped = false;  ///< the parameters' gradients are summed by groups
  bool chain = false;    ///< it has the steps of `fused`
};

/// The schedule of a compiled network.
template <class Compiled>
struct schedule {
  using groups = group_plan<Compiled>;

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
  template <class... Ops>
  static constexpr auto find_traits(op_list<Ops...>) {
    std::size_t i = 0;
    return std::array<op_traits, sizeof...(Ops)>{traits_of<Ops>(groups::tensors[i++])...};
  }
  static constexpr auto traits = find_traits(typename Compiled::operations{});

  static constexpr auto passes = [] {
    pass_list<6 * static_cast<std::size_t>(Compiled::count) + 1> list;
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
    // The sums of many parameters are best made by those who own them, once for the batch.
    for (int op = Compiled::count - 1; op >= 0; --op) {
      const op_traits& t = traits[static_cast<std::size_t>(op)];
      if (t.parameters && !t.grouped && (!t.mixes || t.staged)) list.add(pass_kind::parameters, op, true);
    }
    return list;
  }();
};

}  // namespace typenet::detail
