// SPDX-License-Identifier: MIT
/// @file
/// What kernels know of a network: its operations and where everything lies. Its type says nothing of names, so it can be part of
/// theirs.
#pragma once

#include <array>

#include <typenet/core/ceil_div.hpp>
#include <typenet/core/config.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/graph/ir.hpp>
#include <typenet/graph/memory_plan.hpp>
#include <typenet/layer/tensor_spec.hpp>

namespace typenet {

/// Every tensor starts at a multiple of this many scalars, so that packs never straddle two.
inline constexpr index tensor_alignment = 32;

namespace detail {

constexpr index aligned(index n) { return ceil_div(n, tensor_alignment) * tensor_alignment; }

template <shape In, class Ops, shape Out, int OutputValue, int Values>
struct compiled_network;

template <shape In, class... Ops, shape Out, int OutputValue, int Values>
struct compiled_network<In, op_list<Ops...>, Out, OutputValue, Values> {
  using operations = op_list<Ops...>;
  static constexpr int count = static_cast<int>(sizeof...(Ops));
  static constexpr shape input_shape = In;
  static constexpr shape output_shape = Out;
  static constexpr int output_value = OutputValue;
  static constexpr std::array<op_info, sizeof...(Ops)> op_infos{Ops::info...};

  template <class Op>
  static constexpr bool makes_penalties() {
    if constexpr (Op::info.what == op_info::kind::layer)
      return Op::layer::best_output == best_score::lowest;
    else
      return false;
  }
  /// Whether a value holds penalties: what made it says so, or all that was joined in it.
  static constexpr bool holds_penalties(int value) {
    constexpr bool penalties[] = {makes_penalties<Ops>()...};
    bool made = false, all = true;
    for (std::size_t i = 0; i < sizeof...(Ops); ++i) {
      const op_info& op = op_infos[i];
      if (op.output != value) continue;
      made = true;
      all = all && (op.only_reshapes || op.what == op_info::kind::copy ? holds_penalties(op.input) : penalties[i]);
    }
    return made && all;
  }
  /// Which output names the class.
  static constexpr best_score best_output = holds_penalties(OutputValue) ? best_score::lowest : best_score::highest;

  template <bool InPlace>
  static constexpr auto memory = make_memory_plan<count, Values>(op_infos, In.size(), InPlace);

  /// The offset of each parameter, or buffer, in its arena, in the order of the operations; then the size of the arena.
  template <bool Buffers>
  static constexpr auto make_offsets() {
    constexpr int tensors = (0 + ... + tensors_of<Ops, Buffers>());
    std::array<index, static_cast<std::size_t>(tensors) + 1> offsets{};
    std::size_t i = 0;
    const auto add = [&]<class Op>() {
      if constexpr (Op::info.what == op_info::kind::layer) {
        const auto specs = [] {
          if constexpr (Buffers)
            return Op::layer::buffers(Op::in);
          else
            return Op::layer::parameters(Op::in);
        }();
        for (const auto& spec : specs) {
          offsets[i + 1] = aligned(offsets[i] + spec.size());
          ++i;
        }
      }
    };
    (add.template operator()<Ops>(), ...);
    return offsets;
  }
  template <bool Buffers>
  static constexpr auto offsets = make_offsets<Buffers>();
  static constexpr index parameter_arena = offsets<false>.back();
  static constexpr index buffer_arena = offsets<true>.back();

  /// The number of an operation's first parameter, or buffer.
  template <bool Buffers>
  static constexpr int first_tensor(int op) {
    const int counts[] = {tensors_of<Ops, Buffers>()...};
    int first = 0;
    for (int i = 0; i < op; ++i) first += counts[i];
    return first;
  }

  /// Scalars that layers work with besides, for a padded batch: of those before an operation, or of all.
  /// @tparam Rows for kernels that work on rows of one sample, which may want another amount
  template <bool Rows = false>
  static constexpr index scratch_size(index samples, int before = count) {
    const index sizes[] = {scratch_of<Ops, Rows>(samples)...};
    index all = 0;
    for (int i = 0; i < before; ++i) all += sizes[i];
    return all;
  }

 private:
  template <class Op, bool Buffers>
  static constexpr int tensors_of() {
    if constexpr (Op::info.what == op_info::kind::layer)
      return static_cast<int>(Buffers ? Op::layer::buffers(Op::in).size() : Op::layer::parameters(Op::in).size());
    else
      return 0;
  }
  template <class Layer, bool Rows>
  static constexpr index scratch_of_layer(shape in, index samples) {
    if constexpr (Rows && requires { Layer::one_sample_scratch_size(in, samples); })
      return Layer::one_sample_scratch_size(in, samples);
    else
      return Layer::scratch_size(in, samples);
  }
  template <class Op, bool Rows>
  static constexpr index scratch_of(index samples) {
    if constexpr (Op::info.what == op_info::kind::layer)
      return aligned(scratch_of_layer<typename Op::layer, Rows>(Op::in, samples));
    else
      return 0;
  }
};

}  // namespace detail
}  // namespace typenet
