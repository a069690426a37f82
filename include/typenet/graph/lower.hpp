// SPDX-License-Identifier: MIT
/// @file
/// Pass 1, lower: turns the tree of layers and compositions into a list of operations on numbered values.
///
/// Takes the network's `input` and layers. Leaves a `lowered` (graph/ir.hpp): the operations in order of execution, the output's shape and
/// number, and the count of values. If a layer does not fit, it leaves an `ill_formed` that names the first such layer instead.
///
/// `lower` handles one layer or composition: it has a specialization for each composition, and checks any other layer against its input's
/// shape. It takes the number of the input and the next free number, and leaves the number of the output and the next free number. A
/// `concat` ends with one `join` for each branch, which names the branch's part of the joined value. A branch that writes no value of its
/// own gets a copy.
#pragma once

#include <cstddef>
#include <string_view>
#include <type_traits>
#include <utility>

#include <typenet/core/diagnostics.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/graph/ir.hpp>
#include <typenet/layer/compositions.hpp>
#include <typenet/layer/input.hpp>
#include <typenet/layer/layer.hpp>

namespace typenet {

template <class Input = void, class... Layers>
struct network;

namespace detail {

/// `Where` with the index `I` appended.
template <class Where, int I>
struct deeper;
template <int... Path, int I>
struct deeper<at<Path...>, I> {
  using type = at<Path..., I>;
};

// ---- one layer

/// The lowering of a layer that is no composition.
/// @tparam In, Value shape and number of its input
/// @tparam Next lowest number that no value has
/// @tparam Where its position, an `at`
template <class L, shape In, int Value, int Next, class Where>
struct lower {
  static constexpr auto find() {
    using answer = decltype(check_layer<L, In>());
    if constexpr (std::is_same_v<answer, accepted>)
      return lowered<op_list<layer_op<L, In, Value, Next>>, L::output(In), Next, Next + 1>{};
    else
      return ill_formed<Where, L, answer, got_t<In>>{};
  }
  using type = decltype(find());
};

// ---- names of a composition's layers

/// The word of a `named` layer; empty for other layers, which go by their index.
template <class L>
struct neighbour_name {
  static constexpr std::string_view word{};
};
template <named_layer L>
struct neighbour_name<L> {
  static constexpr std::string_view word = L::word();
};

/// The index of the first layer with the name of an earlier one, or -1. Two indices always differ, so one of the names is a word.
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

/// `Lower`, or an `ill_formed` if layer `Repeated` has the name of an earlier one.
template <int Repeated, class Lower, class Where, class... Layers>
struct if_names_differ {
  using type = ill_formed<typename deeper<Where, Repeated>::type, typename nth<Repeated, Layers...>::type, needs::a_name_of_its_own, got<>>;
};
template <class Lower, class Where, class... Layers>
struct if_names_differ<-1, Lower, Where, Layers...> : Lower {};

// ---- layers one after another

/// The lowering of `Layers` one after another, which are the layers from index `I` on.
/// @tparam Ops the operations of the layers before them
template <class Ops, shape In, int Value, int Next, class Where, int I, class... Layers>
struct lower_chain {
  using type = lowered<Ops, In, Value, Next>;
};

/// The lowering of `Rest` after the layer whose lowering is `Result`; or `Result` if that is an error.
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

/// The lowering of a composition's layers one after another, after a check of their names.
template <shape In, int Value, int Next, class Where, class... Layers>
struct lower_children
    : if_names_differ<repeated_name<Layers...>(), lower_chain<op_list<>, In, Value, Next, Where, 0, Layers...>, Where, Layers...> {};

template <class... Layers, shape In, int Value, int Next, class Where>
struct lower<sequential<Layers...>, In, Value, Next, Where> : lower_children<In, Value, Next, Where, Layers...> {};
template <shape In, int Value, int Next, class Where>
struct lower<sequential<>, In, Value, Next, Where> {
  using type = ill_formed<Where, sequential<>, needs::at_least_one_layer, got_t<In>>;
};

// ---- named

template <named_layer L, shape In, int Value, int Next, class Where>
struct lower<L, In, Value, Next, Where> {
  static constexpr bool plain = !L::word().empty() && L::word().find('.') == std::string_view::npos;
  using type = typename std::conditional_t<plain, lower<typename L::layer, In, Value, Next, Where>,
                                           std::type_identity<ill_formed<Where, L, needs::a_name_without_dots, got_t<In>>>>::type;
};

// ---- residual

template <class... Body, shape In, int Value, int Next, class Where>
struct lower<residual<Body...>, In, Value, Next, Where> {
  static constexpr auto find() {
    if constexpr (sizeof...(Body) == 0) {
      return ill_formed<Where, residual<>, needs::at_least_one_layer, got_t<In>>{};
    } else {
      using body = typename lower_children<In, Value, Next, Where, Body...>::type;
      if constexpr (!body::fits)
        return body{};
      else if constexpr (body::out != In)
        return ill_formed<Where, residual<Body...>, typename body_needs<got_t<In>>::type, typename body::got_out>{};
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

/// The shape of outputs joined along the channels.
/// @param first shape of the first branch's output
/// @param channels sum over all branches
constexpr shape joined(shape first, int channels) {
  return first.rank == 1 ? shape{channels} : shape{channels, first.height(), first.width()};
}

/// The lowering of a `concat`'s branches one after another, which are the branches from index `I` on.
/// @tparam Whole the `concat`
/// @tparam Ops operations of the branches before them
/// @tparam Joins outputs of the branches before them, a `branch_ends`
/// @tparam First shape of the first branch's output
/// @tparam Channels sum over the branches before them
template <class Whole, class Ops, class Joins, shape In, int Value, int Next, class Where, int I, shape First, int Channels,
          class... Branches>
struct lower_branches;

/// The output of a branch: its shape, its number, and its offset in the joined value.
template <shape Out, int Value, int Offset>
struct branch_end {};

template <class... Ends>
struct branch_ends {};

/// True where operations write a value of their own; false where they only reshape, so that the output is the input.
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
      return ill_formed<Where, Whole, needs::branches_of_one_rank, typename result::got_out>{};
    } else if constexpr (I > 0 && (result::out.height() != First.height() || result::out.width() != First.width())) {
      return ill_formed<Where, Whole, needs::branches_of_height_and_width<First.height(), First.width()>, typename result::got_out>{};
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
  using type = ill_formed<Where, concat<>, needs::at_least_one_branch, got_t<In>>;
};

// ---- a whole network

/// True where `T` is an instance of `input`.
template <class T>
inline constexpr bool is_input = false;
template <int... Extents>
inline constexpr bool is_input<input<Extents...>> = true;

/// The lowering of a whole network: `type` is a `lowered` or an `ill_formed`. Checks `Input` before the layers.
template <class Input, class... Layers>
struct lower_network {
  static constexpr auto find() {
    if constexpr (std::is_void_v<Input>) {
      return ill_formed<at<>, network<void>, needs::an_input_and_layers, got<>>{};
    } else if constexpr (!is_input<Input>) {
      return ill_formed<at<>, Input, needs::an_input_first, got<>>{};
    } else if constexpr (!Input::one_or_three) {
      return ill_formed<at<>, Input, needs::one_or_three_extents, got<>>{};
    } else if constexpr (!Input::positive) {
      return ill_formed<at<>, Input, needs::positive_sizes, got<>>{};
    } else if constexpr (sizeof...(Layers) == 0) {
      return ill_formed<at<>, Input, needs::at_least_one_layer, got<>>{};
    } else {
      using whole = typename lower_children<Input::value, 0, 1, at<>, Layers...>::type;
      if constexpr (!whole::fits)
        return whole{};
      else if constexpr (makes_value<typename whole::ops>::value)
        return whole{};
      else  // A network that only reshapes copies its input, so that its output is in the arena.
        return lowered<typename whole::ops::template append<copy_op<whole::out, whole::value, whole::next>>, whole::out, whole::next,
                       whole::next + 1>{};
    }
  }
  using type = decltype(find());
};

}  // namespace detail
}  // namespace typenet
