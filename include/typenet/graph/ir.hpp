// SPDX-License-Identifier: MIT
/// @file
/// The intermediate representation of a network: a list of operations on numbered values. Value 0 is the network's input.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

#include <typenet/core/config.hpp>
#include <typenet/core/diagnostics.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/layer/needs.hpp>

namespace typenet::detail {

/// What an operation does, as plain numbers for the memory plan.
struct op_info {
  enum class kind { layer, add, copy, join } what = kind::layer;
  int input = 0;
  int second = -1;  ///< the other operand of an addition
  int output = 0;
  int output_size = 0;
  int offset_in_output = 0;  ///< of a join: where its input lies in the joined value
  bool reads_input = false;  ///< in the backward pass, as are these two
  bool reads_output = false;
  bool in_place = false;
  bool only_reshapes = false;
  index saved = 0;
};

/// A layer applied to a value.
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

/// The end of a residual: output = input + second.
template <shape In, int Input, int Second, int Output>
struct add_op {
  static constexpr shape in = In;
  static constexpr shape out = In;
  static constexpr op_info info{op_info::kind::add, Input, Second, Output, In.size(), 0, false, false, false, false, 0};
};

/// A value again, for a branch that would otherwise hand on a value that others use too.
template <shape In, int Input, int Output>
struct copy_op {
  static constexpr shape in = In;
  static constexpr shape out = In;
  static constexpr op_info info{op_info::kind::copy, Input, -1, Output, In.size(), 0, false, false, false, false, 0};
};

/// Says that a branch's value lies at `Offset` in the joined value; nothing is executed.
template <shape In, int Input, int Output, shape Joined, int Offset>
struct join_op {
  static constexpr shape in = In;
  static constexpr shape out = Joined;
  static constexpr op_info info{op_info::kind::join, Input, -1, Output, Joined.size(), Offset, false, false, false, true, 0};
};

template <class... Ops>
struct op_list {
  template <class... More>
  using append = op_list<Ops..., More...>;
};
template <class A, class B>
struct join_lists;
template <class... A, class... B>
struct join_lists<op_list<A...>, op_list<B...>> {
  using type = op_list<A..., B...>;
};

/// Operations by their number.
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
/// Operation `I` of a list.
template <std::size_t I, class List>
using op_at = decltype(op_at_of<I>(List{}));

/// A part of the network that fits: its operations, what comes out as which value, and the next free value.
template <class Ops, shape Out, int Value, int Next>
struct lowered {
  static constexpr bool fits = true;
  using ops = Ops;
  static constexpr shape out = Out;
  using got_out = typename got_of<Out>::type;
  static constexpr int value = Value;
  static constexpr int next = Next;
};

/// One that does not, and why.
template <class Where, class Layer, class Needs, class Got>
struct ill_formed {
  static constexpr bool fits = false;
  using error = layer_error<Where, Layer, Needs, Got>;
  static constexpr shape out{};
  static constexpr int value = 0;
  static constexpr int next = 1;
  using ops = op_list<>;

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
