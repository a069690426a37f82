// SPDX-License-Identifier: MIT
/// @file
/// Pass 2, fuse: replaces neighbouring operations that can run as one chain (kernels/chain.hpp) by one operation.
///
/// Takes the `op_list` of pass 1. Leaves an `op_list` on the values of pass 1, in which the layer of a chain's operation is `fused`.
///
/// A chain is a producer, a normalization, an activation and a pool, in this order. Each may be missing, and each is the only reader of the
/// value before it. The pass takes the longest chain from each operation on, from the first to the last. Layers state their roles
/// (layer/fusion_role.hpp), so the pass knows no layer by name.
#pragma once

#include <array>
#include <cstddef>
#include <type_traits>
#include <utility>

#include <typenet/core/diagnostics.hpp>
#include <typenet/graph/ir.hpp>
#include <typenet/kernels/chain.hpp>
#include <typenet/layer/fusion_role.hpp>
#include <typenet/layer/needs.hpp>

namespace typenet {

/// The error of a layer that lacks what its fusion role asks for. Never defined: its name is the message.
template <class Layer, class Needs>
struct role_error;

namespace detail {

/// The requirement that a layer of a role must meet, one of `needs`.
template <fusion_role Role>
constexpr auto needs_of_role() {
  if constexpr (Role == fusion_role::producer)
    return needs::everything_of_a_producer{};
  else if constexpr (Role == fusion_role::normalization)
    return needs::everything_of_a_normalization{};
  else if constexpr (Role == fusion_role::activation)
    return needs::everything_of_an_activation{};
  else
    return needs::everything_of_a_pool{};
}

/// The message in C++26 about a layer that lacks what its role asks for.
template <class Layer, class Needs>
struct role_text {
  static constexpr sentence text() { return needs_message<Layer, Needs>::text().add(", since it says that this is its role"); }
};

/// The role of an operation: that of its layer, or `alone`. A layer that lacks what its role asks for stops compilation, and counts as
/// `alone` afterwards.
template <class Op>
constexpr fusion_role role_of() {
  if constexpr (Op::info.what == op_info::kind::layer) {
    using layer = typename Op::layer;
    constexpr fusion_role role = layer::template role<Op::in>();
    if constexpr (fills_role<layer, Op::in, role>) {
      return role;
    } else {
      using missing = decltype(needs_of_role<role>());
      static_assert(report_error<role_error<layer, missing>, role_text<layer, missing>>());
      return fusion_role::alone;
    }
  } else {
    return fusion_role::alone;
  }
}

/// The length of the chain that starts at each operation: 1 for an operation by itself, 0 for one that is inside an earlier chain.
/// @param output number of the network's output, which counts as read once more
template <std::size_t Ops>
constexpr std::array<int, Ops> find_chains(const std::array<op_info, Ops>& ops, const std::array<fusion_role, Ops>& roles, int output) {
  std::array<int, Ops> length{};
  const auto readers = [&](int value) {
    int n = value == output ? 1 : 0;
    for (const op_info& op : ops) n += (op.input == value ? 1 : 0) + (op.second == value ? 1 : 0);
    return n;
  };
  for (std::size_t i = 0; i < Ops;) {
    std::size_t end = i + 1;
    while (roles[i] != fusion_role::alone && end < Ops && roles[end] > roles[end - 1] && ops[end].input == ops[end - 1].output &&
           readers(ops[end].input) == 1)
      ++end;
    // An activation alone runs in place on the producer's output, which is faster than a chain of the two.
    if (end - i == 2 && roles[i] == fusion_role::producer && roles[i + 1] == fusion_role::activation) end = i + 1;
    length[i] = static_cast<int>(end - i);
    i = end;
  }
  return length;
}

/// The layer of role `Role` in the chain `Ops`, or `identity_stage<Role>` if there is none.
template <fusion_role Role, class... Ops>
struct chain_layer {
  using type = identity_stage<Role>;
};
template <fusion_role Role, class Op, class... Ops>
struct chain_layer<Role, Op, Ops...> : chain_layer<Role, Ops...> {};
template <fusion_role Role, class Op, class... Ops>
  requires(role_of<Op>() == Role)
struct chain_layer<Role, Op, Ops...> {
  using type = typename Op::layer;
};

/// The operations of a network with each chain replaced by one operation.
/// @tparam Ops an `op_list`
/// @tparam OutputValue number of the network's output
template <class Ops, int OutputValue>
struct fuse;
template <class... Ops, int OutputValue>
struct fuse<op_list<Ops...>, OutputValue> {
 private:
  static constexpr std::size_t count = sizeof...(Ops);
  static constexpr std::array<int, count> lengths = find_chains<count>({Ops::info...}, {role_of<Ops>()...}, OutputValue);
  /// The number of chains, single operations included.
  static constexpr std::size_t chains = [] {
    std::size_t n = 0;
    for (const int length : lengths) n += length > 0 ? 1 : 0;
    return n;
  }();
  /// The first operation of each chain.
  static constexpr std::array<std::size_t, chains> starts = [] {
    std::array<std::size_t, chains> at{};
    std::size_t n = 0;
    for (std::size_t i = 0; i < count; ++i)
      if (lengths[i] > 0) at[n++] = i;
    return at;
  }();

  template <std::size_t I>
  using op = op_at<I, op_list<Ops...>>;

  /// The operation for the chain that starts at `First`; `Which` is the sequence of the chain's operations, counted from `First`.
  template <std::size_t First, class Which>
  struct chain;
  template <std::size_t First>
  struct chain<First, std::index_sequence<0>> {
    using type = op<First>;
  };
  template <std::size_t First, std::size_t... I>
  struct chain<First, std::index_sequence<I...>> {
    template <fusion_role Role>
    using layer = typename chain_layer<Role, op<First + I>...>::type;
    using type = layer_op<
        fused<layer<fusion_role::producer>, layer<fusion_role::normalization>, layer<fusion_role::activation>, layer<fusion_role::pool>>,
        op<First>::in, op<First>::info.input, op<First + sizeof...(I) - 1>::info.output>;
  };
  template <std::size_t... I>
  static op_list<typename chain<starts[I], std::make_index_sequence<static_cast<std::size_t>(lengths[starts[I]])>>::type...> all(
      std::index_sequence<I...>);

 public:
  using type = decltype(all(std::make_index_sequence<chains>{}));
};

}  // namespace detail
}  // namespace typenet
