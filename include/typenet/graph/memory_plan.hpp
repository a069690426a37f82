// SPDX-License-Identifier: MIT
/// @file
/// Pass 3, memory plan: places each value of the network in an arena, and decides which gradients are written and which are added to.
///
/// Takes the operations of pass 1 or 2. Leaves a `memory_plan`. All its offsets and sizes are scalars per sample; the runtime multiplies
/// them by the lanes of a group.
///
/// 1. A value lies inside another if they share memory: a branch's output inside the joined value, a reshaped value inside its source, and
///    the output of an in-place layer inside its input.
/// 2. Values that lie inside no other one follow one another in the arena. What operations save for the backward pass follows them.
/// 3. The backward pass runs from the last operation to the first. Of several readers of a value, the last one writes the value's gradient,
///    and the earlier ones add to it.
#pragma once

#include <array>

#include <typenet/core/config.hpp>
#include <typenet/graph/ir.hpp>

namespace typenet::detail {

/// The place of a value.
struct value_place {
  index offset = 0;       ///< from the start of the arena of one lane group, or of the network's input
  bool in_input = false;  ///< true where the value is part of the network's input
};

/// The memory plan of a network of `Ops` operations on `Values` values. Arrays are [value] or [operation].
template <int Ops, int Values>
struct memory_plan {
  std::array<value_place, Values> values{};
  /// Offset in the arena of what each operation saves for the backward pass.
  std::array<index, Ops> saved{};
  /// True where the operation adds to its input's gradient, which a later reader of the value has written.
  std::array<bool, Ops> accumulates{};
  /// True where an addition adds to the gradient of its second operand.
  std::array<bool, Ops> accumulates_second{};
  /// True where the operation reads the network's input, whose gradient is seldom wanted.
  std::array<bool, Ops> reads_network_input{};
  index activations = 0;  ///< size of the arena: values, then what operations save
  index gradients = 0;    ///< size of the gradients' arena: the values alone, at their offsets
};

/// Makes the memory plan.
/// @param ops the operations, in order of execution
/// @param input_size scalars of one sample of the network's input
/// @param in_place true where layers may overwrite their input; the results have equal bits in both cases
template <int Ops, int Values>
constexpr memory_plan<Ops, Values> make_memory_plan(const std::array<op_info, Ops>& ops, int input_size, bool in_place) {
  memory_plan<Ops, Values> plan{};
  // The value that each value lies inside, or -1, and its offset there.
  std::array<int, Values> inside{};
  std::array<index, Values> offset{};
  std::array<int, Values> size{};
  // The number of operations that read each value, and the operation that writes it.
  std::array<int, Values> readers{};
  std::array<int, Values> writer{};
  // The value before all reshapes. It shares its gradient with the reshaped values.
  std::array<int, Values> source{};
  for (int v = 0; v < Values; ++v) {
    inside[v] = -1;
    writer[v] = -1;
    source[v] = v;
  }
  size[0] = input_size;
  for (int i = 0; i < Ops; ++i) {
    size[ops[i].output] = ops[i].output_size;
    writer[ops[i].output] = i;
    ++readers[ops[i].input];
    if (ops[i].second >= 0) ++readers[ops[i].second];
  }
  const auto root = [&](int v) {
    while (inside[v] >= 0) v = inside[v];
    return v;
  };
  // True where the only reader of value v may overwrite it: no backward pass reads it, and no other value depends on its memory.
  const auto may_overwrite = [&](int v) {
    for (;;) {
      if (v == 0 || readers[v] != 1) return false;
      const op_info& written = ops[writer[v]];
      if (written.what == op_info::kind::join) return false;
      if (!written.only_reshapes) return !written.reads_output;
      v = written.input;
    }
  };
  // 1. Values that share memory.
  for (int i = 0; i < Ops; ++i) {
    const op_info& op = ops[i];
    if (op.what == op_info::kind::join) {
      const int part = root(op.input);
      inside[part] = op.output;
      offset[part] = op.offset_in_output;
    } else if (op.only_reshapes) {
      inside[op.output] = op.input;
      source[op.output] = source[op.input];
    } else if (in_place && op.in_place && !op.reads_input && may_overwrite(op.input)) {
      inside[op.output] = op.input;
    }
  }
  // 2. Offsets.
  std::array<index, Values> start{};
  index next = 0;
  for (int v = 1; v < Values; ++v)
    if (inside[v] < 0) {
      start[v] = next;
      next += size[v];
    }
  plan.gradients = next;
  for (int v = 0; v < Values; ++v) {
    index at = 0;
    int r = v;
    for (; inside[r] >= 0; r = inside[r]) at += offset[r];
    plan.values[v] = {start[r] + at, r == 0};
  }
  for (int i = 0; i < Ops; ++i) {
    plan.saved[i] = next;
    next += ops[i].saved;
  }
  plan.activations = next;
  // 3. Gradients: an operation adds to a gradient that a later operation has written.
  for (int i = 0; i < Ops; ++i) {
    const int v = source[ops[i].input];
    plan.reads_network_input[i] = v == 0;
    bool written = false, second_written = ops[i].second >= 0 && source[ops[i].second] == v;
    for (int j = i + 1; j < Ops; ++j) {
      if (ops[j].only_reshapes && ops[j].what == op_info::kind::layer) continue;
      written = written || source[ops[j].input] == v || (ops[j].second >= 0 && source[ops[j].second] == v);
      if (ops[i].second >= 0)
        second_written = second_written || source[ops[j].input] == source[ops[i].second] ||
                         (ops[j].second >= 0 && source[ops[j].second] == source[ops[i].second]);
    }
    plan.accumulates[i] = written;
    plan.accumulates_second[i] = second_written;
  }
  return plan;
}

}  // namespace typenet::detail
