// SPDX-License-Identifier: MIT
/// @file
/// Pass 3, memory plan: decides where each value of the network lies, and which gradients add to what is there.
#pragma once

#include <array>

#include <typenet/graph/ir.hpp>

namespace typenet::detail {

/// Where a value lies in the arena of one lane group, counted in scalars per sample; or in the caller's input.
struct value_place {
  index offset = 0;
  bool in_input = false;
};

/// The plan of a network of `Ops` operations on `Values` values.
template <int Ops, int Values>
struct memory_plan {
  std::array<value_place, Values> values{};
  /// What each operation saves per sample.
  std::array<index, Ops> saved{};
  /// Whether the operation adds to its input's gradient, because a later reader of the same value has written it.
  std::array<bool, Ops> accumulates{};
  std::array<bool, Ops> accumulates_second{};
  /// Whether the operation reads the input of the network, whose gradient is seldom wanted.
  std::array<bool, Ops> reads_network_input{};
  /// Scalars per sample of the whole arena, and of the gradients', which needs nothing saved.
  index activations = 0;
  index gradients = 0;
};

/// @param in_place whether element-wise layers may overwrite their input; the results are the same
template <int Ops, int Values>
constexpr memory_plan<Ops, Values> make_memory_plan(const std::array<op_info, Ops>& ops, int input_size, bool in_place) {
  memory_plan<Ops, Values> plan{};
  // Each value stands for itself or lies at an offset inside another.
  std::array<int, Values> inside{};
  std::array<index, Values> offset{};
  std::array<int, Values> size{};
  std::array<int, Values> readers{};
  std::array<int, Values> maker{};
  // Values that are the same numbers under another shape share a gradient.
  std::array<int, Values> same{};
  for (int v = 0; v < Values; ++v) {
    inside[v] = -1;
    maker[v] = -1;
    same[v] = v;
  }
  size[0] = input_size;
  for (int i = 0; i < Ops; ++i) {
    size[ops[i].output] = ops[i].output_size;
    maker[ops[i].output] = i;
    ++readers[ops[i].input];
    if (ops[i].second >= 0) ++readers[ops[i].second];
  }
  const auto root = [&](int v) {
    while (inside[v] >= 0) v = inside[v];
    return v;
  };
  // Whether v's numbers may be overwritten once `reader` has read them.
  const auto may_overwrite = [&](int v) {
    for (;;) {
      if (v == 0 || readers[v] != 1) return false;
      const op_info& made = ops[maker[v]];
      if (made.what == op_info::kind::join) return false;
      if (!made.only_reshapes) return !made.reads_output;
      v = made.input;
    }
  };
  for (int i = 0; i < Ops; ++i) {
    const op_info& op = ops[i];
    if (op.what == op_info::kind::join) {
      const int part = root(op.input);
      inside[part] = op.output;
      offset[part] = op.offset_in_output;
    } else if (op.only_reshapes) {
      inside[op.output] = op.input;
      same[op.output] = same[op.input];
    } else if (in_place && op.in_place && !op.reads_input && may_overwrite(op.input)) {
      inside[op.output] = op.input;
    }
  }
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
  // Backward runs from the last operation to the first: who reads a value later writes its gradient earlier.
  for (int i = 0; i < Ops; ++i) {
    const int v = same[ops[i].input];
    plan.reads_network_input[i] = v == 0;
    bool written = false, second_written = ops[i].second >= 0 && same[ops[i].second] == v;
    for (int j = i + 1; j < Ops; ++j) {
      if (ops[j].only_reshapes && ops[j].what == op_info::kind::layer) continue;
      written = written || same[ops[j].input] == v || (ops[j].second >= 0 && same[ops[j].second] == v);
      if (ops[i].second >= 0)
        second_written = second_written || same[ops[j].input] == same[ops[i].second] ||
                         (ops[j].second >= 0 && same[ops[j].second] == same[ops[i].second]);
    }
    plan.accumulates[i] = written;
    plan.accumulates_second[i] = second_written;
  }
  return plan;
}

}  // namespace typenet::detail
