// SPDX-License-Identifier: MIT
/// @file
/// What kernels know of a network: its operations and where everything lies. Its type says nothing of names, so it can be part of
/// theirs.
#pragma once

#include <array>

#include <typenet/graph/memory_plan.hpp>

namespace typenet {

/// Every tensor starts at a multiple of this many scalars, so that packs never straddle two.
inline constexpr index tensor_alignment = 32;

namespace detail {

constexpr index aligned(index n) { return ceil_div(n, tensor_alignment) * tensor_alignment; }

template <shape In, class Ops, shape Out, int OutputValue, int Values>
struct lowered_network;

template <shape In, class... Ops, shape Out, int OutputValue, int Values>
struct lowered_network<In, op_list<Ops...>, Out, OutputValue, Values> {
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
    if constexpr (Rows && requires { Layer::row_scratch_size(in, samples); })
      return Layer::row_scratch_size(in, samples);
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

/// Which gradients of parameters are summed in each lane group by itself, and then over the groups.
template <class Lowered, class Ops = typename Lowered::operations>
struct group_plan;
template <class Lowered, class... Ops>
struct group_plan<Lowered, op_list<Ops...>> {
 private:
  template <class Op>
  static constexpr int tensors_of() {
    if constexpr (Op::info.what == op_info::kind::layer) {
      const auto specs = Op::layer::parameters(Op::in);
      std::size_t count = Op::layer::mixes_samples ? 0 : specs.size();
      if constexpr (requires { Op::layer::weights(Op::in); }) count = static_cast<std::size_t>(Op::layer::weights(Op::in));
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
      const auto first = static_cast<std::size_t>(Lowered::template first_tensor<false>(static_cast<int>(op)));
      at[op + 1] = at[op] + Lowered::template offsets<false>[first + static_cast<std::size_t>(tensors[op])] -
                   Lowered::template offsets<false>[first];
    }
    return at;
  }();
  static constexpr index sums = offsets.back();
};

}  // namespace detail
}  // namespace typenet
