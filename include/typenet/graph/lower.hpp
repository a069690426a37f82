// SPDX-License-Identifier: MIT
/// @file
/// From a tree of layers to a list of operations on numbered values, checking every layer on the way. Value 0 is the input.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

#include <typenet/layer/compositions.hpp>
#include <typenet/layer/layer.hpp>

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

template <int Rank, int A, int B, int C>
struct got_for {
  using type = got<A, B, C>;
};
template <int A, int B, int C>
struct got_for<1, A, B, C> {
  using type = got<A>;
};
template <shape S>
struct got_of : got_for<S.rank, S[0], S[1], S[2]> {};
template <shape S>
using got_t = typename got_of<S>::type;

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
struct rejected {
  static constexpr bool fits = false;
  using error = layer_error<Where, Layer, Needs, Got>;
  static constexpr shape out{};
  static constexpr int value = 0;
  static constexpr int next = 1;
  using ops = op_list<>;

  static constexpr sentence text() {
    sentence s{"typenet: "};
    s.add(where_text(static_cast<Where*>(nullptr))).add(type_name<Layer>()).add(" needs ");
    if constexpr (requires { Needs::text(); })
      s.add(Needs::text());
    else
      s.add(type_name<Needs>());
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

template <class Where, int I>
struct deeper;
template <int... Path, int I>
struct deeper<at<Path...>, I> {
  using type = at<Path..., I>;
};

// ---- one layer

template <class L, shape In, int Value, int Next, class Where>
struct lower {
  static constexpr auto find() {
    if constexpr (!layer<L>) {
      return rejected<Where, L, needs::a_layer, got_t<In>>{};
    } else {
      using answer = decltype(L::template check<In>());
      if constexpr (std::is_same_v<answer, accepted>)
        return lowered<op_list<layer_op<L, In, Value, Next>>, L::output(In), Next, Next + 1>{};
      else
        return rejected<Where, L, answer, got_t<In>>{};
    }
  }
  using type = decltype(find());
};

// ---- names of neighbours

/// Whether one neighbour's word, or index where it has none, is another's.
template <class L>
struct neighbour_name {
  static constexpr std::string_view word{};
};
template <named_layer L>
struct neighbour_name<L> {
  static constexpr std::string_view word = L::word();
};

/// The first whose name an earlier one has, or -1.
template <class... Layers>
constexpr int repeated_name() {
  if constexpr ((named_layer<Layers> || ...)) {
    const std::string_view words[] = {neighbour_name<Layers>::word...};
    const auto name = [&](int i) { return words[i].empty() ? sentence{}.add(i) : sentence{words[i]}; };
    for (int i = 1; i < static_cast<int>(sizeof...(Layers)); ++i)
      for (int j = 0; j < i; ++j)
        if ((!words[i].empty() || !words[j].empty()) && name(i).view() == name(j).view()) return i;
  }
  return -1;
}

template <int I, class First, class... Rest>
struct nth {
  using type = typename nth<I - 1, Rest...>::type;
};
template <class First, class... Rest>
struct nth<0, First, Rest...> {
  using type = First;
};

/// `Lower` unless two neighbours have one name.
template <int Repeated, class Lower, class Where, class... Layers>
struct if_names_differ {
  using type = rejected<typename deeper<Where, Repeated>::type, typename nth<Repeated, Layers...>::type, needs::a_name_of_its_own, got<>>;
};
template <class Lower, class Where, class... Layers>
struct if_names_differ<-1, Lower, Where, Layers...> : Lower {};

// ---- layers one after another

template <class Ops, shape In, int Value, int Next, class Where, int I, class... Layers>
struct lower_chain {
  using type = lowered<Ops, In, Value, Next>;
};

template <class Ops, class Result, class Where, int I, class... Rest>
struct continue_chain {
  using type = Result;
};
template <class Ops, class Result, class Where, int I, class... Rest>
  requires Result::fits
struct continue_chain<Ops, Result, Where, I, Rest...>
    : lower_chain<typename join_lists<Ops, typename Result::ops>::type, Result::out, Result::value, Result::next, Where, I, Rest...> {};

template <class Ops, shape In, int Value, int Next, class Where, int I, class First, class... Rest>
struct lower_chain<Ops, In, Value, Next, Where, I, First, Rest...>
    : continue_chain<Ops, typename lower<First, In, Value, Next, typename deeper<Where, I>::type>::type, Where, I + 1, Rest...> {};

template <shape In, int Value, int Next, class Where, class... Layers>
struct lower_children
    : if_names_differ<repeated_name<Layers...>(), lower_chain<op_list<>, In, Value, Next, Where, 0, Layers...>, Where, Layers...> {};

template <class... Layers, shape In, int Value, int Next, class Where>
struct lower<sequential<Layers...>, In, Value, Next, Where> : lower_children<In, Value, Next, Where, Layers...> {};
template <shape In, int Value, int Next, class Where>
struct lower<sequential<>, In, Value, Next, Where> {
  using type = rejected<Where, sequential<>, needs::at_least_one_layer, got_t<In>>;
};

// ---- names

template <named_layer L, shape In, int Value, int Next, class Where>
struct lower<L, In, Value, Next, Where> {
  static constexpr bool plain = !L::word().empty() && L::word().find('.') == std::string_view::npos;
  using type = typename std::conditional_t<plain, lower<typename L::layer, In, Value, Next, Where>,
                                           std::type_identity<rejected<Where, L, needs::a_name_without_dots, got_t<In>>>>::type;
};

// ---- residual

template <class... Body, shape In, int Value, int Next, class Where>
struct lower<residual<Body...>, In, Value, Next, Where> {
  static constexpr auto find() {
    if constexpr (sizeof...(Body) == 0) {
      return rejected<Where, residual<>, needs::at_least_one_layer, got_t<In>>{};
    } else {
      using body = typename lower_children<In, Value, Next, Where, Body...>::type;
      if constexpr (!body::fits)
        return body{};
      else if constexpr (body::out != In)
        return rejected<Where, residual<Body...>, typename body_needs<got_t<In>>::type, typename body::got_out>{};
      else
        return lowered<typename body::ops::template append<add_op<In, Value, body::value, body::next>>, In, body::next, body::next + 1>{};
    }
  }

 private:
  template <class Got>
  struct body_needs;
  template <int... Extents>
  struct body_needs<got<Extents...>> {
    using type = needs::body_output<Extents...>;
  };

 public:
  using type = decltype(find());
};

// ---- concat

template <int... Values>
struct value_list {};

constexpr shape joined(shape first, int channels) {
  return first.rank == 1 ? shape{channels} : shape{channels, first.height(), first.width()};
}

/// Branches one by one; `First` is what the first made, `Channels` the sum so far.
template <class Whole, class Ops, class Joins, shape In, int Value, int Next, class Where, int I, shape First, int Channels,
          class... Branches>
struct lower_branches;

/// Where a branch ended: its value and where it belongs.
template <shape Out, int Value, int Offset>
struct branch_end {};

template <class... Ends>
struct branch_ends {};

/// A branch made a value of its own, or only handed its input on and needs a copy.
template <class Ops>
struct makes_value {
  static constexpr bool value = false;
};
template <class... Ops>
struct makes_value<op_list<Ops...>> {
  static constexpr bool value = (!Ops::info.only_reshapes || ...);
};

template <class Whole, class Ops, class... Ends, shape In, int Value, int Next, class Where, int I, shape First, int Channels>
struct lower_branches<Whole, Ops, branch_ends<Ends...>, In, Value, Next, Where, I, First, Channels> {
  static constexpr shape out = joined(First, Channels);
  template <class End>
  struct to_join;
  template <shape Out, int From, int Offset>
  struct to_join<branch_end<Out, From, Offset>> {
    using type = join_op<Out, From, Next, out, Offset>;
  };
  using type = lowered<typename Ops::template append<typename to_join<Ends>::type...>, out, Next, Next + 1>;
};

template <class Whole, class Ops, class... Ends, shape In, int Value, int Next, class Where, int I, shape First, int Channels, class Branch,
          class... Rest>
struct lower_branches<Whole, Ops, branch_ends<Ends...>, In, Value, Next, Where, I, First, Channels, Branch, Rest...> {
  static constexpr auto find() {
    using result = typename lower<Branch, In, Value, Next, typename deeper<Where, I>::type>::type;
    if constexpr (!result::fits) {
      return result{};
    } else if constexpr (I > 0 && result::out.rank != First.rank) {
      return rejected<Where, Whole, needs::branches_of_one_rank, typename result::got_out>{};
    } else if constexpr (I > 0 && (result::out.height() != First.height() || result::out.width() != First.width())) {
      return rejected<Where, Whole, needs::branches_of_height_and_width<First.height(), First.width()>, typename result::got_out>{};
    } else {
      constexpr int at = Channels * result::out.area();
      constexpr shape first = I == 0 ? result::out : First;
      constexpr int channels = Channels + result::out.channels();
      using ops = typename join_lists<Ops, typename result::ops>::type;
      if constexpr (makes_value<typename result::ops>::value) {
        return typename lower_branches<Whole, ops, branch_ends<Ends..., branch_end<result::out, result::value, at>>, In, Value,
                                       result::next, Where, I + 1, first, channels, Rest...>::type{};
      } else {
        using copied = typename ops::template append<copy_op<result::out, result::value, result::next>>;
        return typename lower_branches<Whole, copied, branch_ends<Ends..., branch_end<result::out, result::next, at>>, In, Value,
                                       result::next + 1, Where, I + 1, first, channels, Rest...>::type{};
      }
    }
  }
  using type = decltype(find());
};

template <class... Branches, shape In, int Value, int Next, class Where>
struct lower<concat<Branches...>, In, Value, Next, Where>
    : if_names_differ<repeated_name<Branches...>(),
                      lower_branches<concat<Branches...>, op_list<>, branch_ends<>, In, Value, Next, Where, 0, In, 0, Branches...>, Where,
                      Branches...> {};
template <shape In, int Value, int Next, class Where>
struct lower<concat<>, In, Value, Next, Where> {
  using type = rejected<Where, concat<>, needs::at_least_one_branch, got_t<In>>;
};

}  // namespace typenet::detail
