// SPDX-License-Identifier: MIT
/// @file
/// The intermediate representation of a network: a list of operations, in order of execution, on numbered values. A value is what one
/// operation writes; value 0 is the network's input.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

#include <typenet/core/config.hpp>
#include <typenet/core/diagnostics.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/layer/needs.hpp>

namespace typenet::detail {

/// The facts of an operation that the memory plan and the executors use. Sizes and offsets are scalars per sample.
struct op_info {
  enum class kind { layer, add, copy, join } what = kind::layer;
  int input = 0;               ///< number of the value read
  int second = -1;             ///< number of an addition's other operand; -1 for other operations
  int output = 0;              ///< number of the value written
  int output_size = 0;         ///< size of the value written
  int offset_in_output = 0;    ///< of a join: offset of its input in the joined value
  bool reads_input = false;    ///< the backward pass reads the input
  bool reads_output = false;   ///< the backward pass reads the output
  bool in_place = false;       ///< the output may overwrite the input
  bool only_reshapes = false;  ///< nothing is executed
  index saved = 0;             ///< scalars kept from the forward pass to the backward pass
};

/// The application of a layer to a value.
/// @tparam In shape of the input
/// @tparam Input, Output numbers of the values read and written
template <class Layer, shape In, int Input, int Output>
struct layer_op {
  using layer = Layer;
  static constexpr shape in = In;
  static constexpr shape out = Layer::output(In);
  static constexpr op_info info{op_info::kind::layer,
                                Input,
                                -1,
                                Output,
                                out.size(),
                                0,
                                Layer::backward_reads_input,
                                Layer::backward_reads_output,
                                Layer::in_place,
                                Layer::only_reshapes,
                                Layer::saved_size(In)};
};

/// The addition at the end of a residual: output = input + second.
template <shape In, int Input, int Second, int Output>
struct add_op {
  static constexpr shape in = In;
  static constexpr shape out = In;
  static constexpr op_info info{op_info::kind::add, Input, Second, Output, In.size(), 0, false, false, false, false, 0};
};

/// A copy of a value, for a branch whose output would otherwise be a value that other operations read too.
template <shape In, int Input, int Output>
struct copy_op {
  static constexpr shape in = In;
  static constexpr shape out = In;
  static constexpr op_info info{op_info::kind::copy, Input, -1, Output, In.size(), 0, false, false, false, false, 0};
};

/// The placement of a branch's value at `Offset` in the joined value. The memory plan lets the branch write there, so nothing is executed.
template <shape In, int Input, int Output, shape Joined, int Offset>
struct join_op {
  static constexpr shape in = In;
  static constexpr shape out = Joined;
  static constexpr op_info info{op_info::kind::join, Input, -1, Output, Joined.size(), Offset, false, false, false, true, 0};
};

/// A list of operations, in order of execution.
template <class... Ops>
struct op_list {
  template <class... More>
  using append = op_list<Ops..., More...>;
};
/// The concatenation of two lists.
template <class A, class B>
struct join_lists;
template <class... A, class... B>
struct join_lists<op_list<A...>, op_list<B...>> {
  using type = op_list<A..., B...>;
};

/// The base of `numbered_ops` that holds operation `I`. A conversion to it finds the operation in constant depth of instantiation.
template <std::size_t I, class Op>
struct numbered {
  using op = Op;
};
template <class Numbers, class... Ops>
struct numbered_ops;
template <std::size_t... I, class... Ops>
struct numbered_ops<std::index_sequence<I...>, Ops...> : numbered<I, Ops>... {};
template <std::size_t I, class Op>
numbered<I, Op> numbered_at(numbered<I, Op>*);

template <std::size_t I, class... Ops>
auto op_at_of(op_list<Ops...>) ->
    typename decltype(numbered_at<I>(static_cast<numbered_ops<std::index_sequence_for<Ops...>, Ops...>*>(nullptr)))::op;
/// Operation `I` of an `op_list`.
template <std::size_t I, class List>
using op_at = decltype(op_at_of<I>(List{}));

/// The result of lowering a part of a network without error.
/// @tparam Ops its operations, an `op_list`
/// @tparam Out shape of its output
/// @tparam Value number of its output
/// @tparam Next lowest number that no value has
template <class Ops, shape Out, int Value, int Next>
struct lowered {
  static constexpr bool fits = true;
  using ops = Ops;
  static constexpr shape out = Out;
  using got_out = typename got_of<Out>::type;
  static constexpr int value = Value;
  static constexpr int next = Next;
};

/// The result of lowering a part of a network with an error.
/// @tparam Where position of the layer, an `at`
/// @tparam Needs requirement that the layer's input or arguments violate, one of `needs`
/// @tparam Got shape of the layer's input, a `got`
template <class Where, class Layer, class Needs, class Got>
struct ill_formed {
  static constexpr bool fits = false;
  using error = layer_error<Where, Layer, Needs, Got>;

  /// The message in C++26.
  static constexpr sentence text() {
    sentence s{"typenet: "};
    s.add(where_text(static_cast<Where*>(nullptr))).add(type_name<Layer>()).add(" needs ");
    s.add(needs_text<Needs>());
    return s.add(got_text(static_cast<Got*>(nullptr)));
  }

 private:
  template <int... Path>
  static constexpr sentence where_text(at<Path...>*) {
    sentence s;
    int n = 0;
    ((s.add(n++ == 0 ? "layer " : ".").add(Path)), ...);
    if (n > 0) s.add(", ");
    return s;
  }
  template <int... Extents>
  static constexpr sentence got_text(got<Extents...>*) {
    sentence s;
    int n = 0;
    ((s.add(n++ == 0 ? "; it got " : "x").add(Extents)), ...);
    return s;
  }
};

}  // namespace typenet::detail
