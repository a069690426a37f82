// SPDX-License-Identifier: MIT
/// @file
/// Pass 4, tensor layout: gives each parameter and buffer an aligned offset in its arena, and each layer its scratch memory.
///
/// Takes the operations of pass 1 or 2. Leaves a `compiled_network`: the operations, their memory plan (pass 3), and the layout. It is what
/// the runtime knows of a network. Its type holds no names of layers or tensors, so networks that differ in names share the kernels.
#pragma once

#include <array>
#include <cstddef>

#include <typenet/core/ceil_div.hpp>
#include <typenet/core/config.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/graph/ir.hpp>
#include <typenet/graph/memory_plan.hpp>
#include <typenet/layer/tensor_spec.hpp>

namespace typenet {

/// The alignment of tensors in an arena, in scalars. No pack reaches from one tensor into the next.
inline constexpr index tensor_alignment = 32;

namespace detail {

/// `n` rounded up to a multiple of `tensor_alignment`.
constexpr index aligned(index n) { return ceil_div(n, tensor_alignment) * tensor_alignment; }

/// A network as the runtime executes it.
/// @tparam In, Out shapes of one sample of the input and the output
/// @tparam Ops the operations, an `op_list`
/// @tparam OutputValue number of the output
/// @tparam Values number of values, the input included
template <shape In, class Ops, shape Out, int OutputValue, int Values>
struct compiled_network;

template <shape In, class... Ops, shape Out, int OutputValue, int Values>
struct compiled_network<In, op_list<Ops...>, Out, OutputValue, Values> {
  using operations = op_list<Ops...>;
  static constexpr int count = static_cast<int>(sizeof...(Ops));  ///< operations
  static constexpr shape input_shape = In;
  static constexpr shape output_shape = Out;
  static constexpr int output_value = OutputValue;
  static constexpr std::array<op_info, sizeof...(Ops)> op_infos{Ops::info...};

  /// True where the operation is a layer whose outputs are penalties.
  template <class Op>
  static constexpr bool makes_penalties() {
    if constexpr (Op::info.what == op_info::kind::layer)
      return Op::layer::best_output == best_score::lowest;
    else
      return false;
  }
  /// True where a value holds penalties: its layer says so, or all values joined in it hold penalties.
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
  /// The output that names the class: the highest score or the lowest penalty.
  static constexpr best_score best_output = holds_penalties(OutputValue) ? best_score::lowest : best_score::highest;

  /// The memory plan.
  /// @tparam InPlace true where layers may overwrite their input
  template <bool InPlace>
  static constexpr auto memory = make_memory_plan<count, Values>(op_infos, In.size(), InPlace);

  /// The offset of each parameter (or buffer, if `Buffers`) in its arena, in scalars, in order of the operations; then the arena's size.
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
  /// Scalars of the arenas, with the padding for alignment.
  static constexpr index parameter_arena = offsets<false>.back();
  static constexpr index buffer_arena = offsets<true>.back();

  /// The number of an operation's first parameter (or buffer, if `Buffers`), counted over the whole network.
  template <bool Buffers>
  static constexpr int first_tensor(int op) {
    const int counts[] = {tensors_of<Ops, Buffers>()...};
    int first = 0;
    for (int i = 0; i < op; ++i) first += counts[i];
    return first;
  }

  /// The scalars of scratch memory that the first `before` operations need; this is also the offset of the next operation's.
  /// @tparam OneSample true for a `one_sample_execution`, whose kernels may need another amount
  /// @param samples the batch size, rounded up to whole lane groups
  template <bool OneSample = false>
  static constexpr index scratch_size(index samples, int before = count) {
    const index sizes[] = {scratch_of<Ops, OneSample>(samples)...};
    index all = 0;
    for (int i = 0; i < before; ++i) all += sizes[i];
    return all;
  }

 private:
  /// The number of an operation's parameters (or buffers, if `Buffers`).
  template <class Op, bool Buffers>
  static constexpr int tensors_of() {
    if constexpr (Op::info.what == op_info::kind::layer)
      return static_cast<int>(Buffers ? Op::layer::buffers(Op::in).size() : Op::layer::parameters(Op::in).size());
    else
      return 0;
  }
  template <class Layer, bool OneSample>
  static constexpr index scratch_of_layer(shape in, index samples) {
    if constexpr (OneSample && requires { Layer::one_sample_scratch_size(in, samples); })
      return Layer::one_sample_scratch_size(in, samples);
    else
      return Layer::scratch_size(in, samples);
  }
  template <class Op, bool OneSample>
  static constexpr index scratch_of(index samples) {
    if constexpr (Op::info.what == op_info::kind::layer)
      return aligned(scratch_of_layer<typename Op::layer, OneSample>(Op::in, samples));
    else
      return 0;
  }
};

}  // namespace detail
}  // namespace typenet
