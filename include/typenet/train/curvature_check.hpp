// SPDX-License-Identifier: MIT
/// @file
/// The check of an optimizer that needs second derivatives against a network and a loss.
#pragma once

#include <type_traits>

#include <typenet/core/diagnostics.hpp>
#include <typenet/graph/ir.hpp>
#include <typenet/layer/layer.hpp>
#include <typenet/optimizers/optimizer.hpp>

namespace typenet {

namespace needs {
/// A layer, or a loss, with second derivatives.
struct second_derivatives {
  static constexpr auto text() { return detail::sentence{"second derivatives, which it does not have"}; }
};
}  // namespace needs

/// Never defined: its name is the message.
template <class Optimizer, class LayerOrLoss, class Needs>
struct optimizer_error;

namespace detail {

/// True where an operation passes second derivatives on.
template <class Op>
constexpr bool has_curvature() {
  if constexpr (Op::info.what != op_info::kind::layer)
    return true;
  else
    return Op::layer::only_reshapes || Op::layer::curvature != second_order::unknown;
}

/// The first layer of a network without second derivatives, or void.
template <class Ops>
struct without_curvature {
  using type = void;
};
template <class Op, class... Ops>
struct without_curvature<op_list<Op, Ops...>> : without_curvature<op_list<Ops...>> {};
template <class Op, class... Ops>
  requires(!has_curvature<Op>())
struct without_curvature<op_list<Op, Ops...>> {
  using type = typename Op::layer;
};

/// The first layer, or else the loss, that lacks the second derivatives an optimizer needs; void where none does.
template <class Optimizer, class Network, class Loss>
constexpr auto curvature_obstacle() {
  if constexpr (!uses_curvature<Optimizer> || !Network::fits) {
    return std::type_identity<void>{};
  } else {
    using layer = typename without_curvature<typename Network::operations>::type;
    if constexpr (!std::is_void_v<layer>)
      return std::type_identity<layer>{};
    else if constexpr (!requires { Loss::has_curvature; })
      return std::type_identity<Loss>{};
    else
      return std::type_identity<void>{};
  }
}

/// The sentence about a layer, or a loss, that lacks second derivatives.
template <class Optimizer, class Obstacle>
struct curvature_text {
  static constexpr sentence text() {
    return sentence{"typenet: "}.add(type_name<Optimizer>()).add(" needs ").add(type_name<Obstacle>()).add(" to have second derivatives");
  }
};

/// Reports an optimizer that cannot train `Network` with `Loss`.
template <class Optimizer, class Network, class Loss>
constexpr bool check_curvature() {
  using obstacle = typename decltype(curvature_obstacle<Optimizer, Network, Loss>())::type;
  if constexpr (!std::is_void_v<obstacle>)
    return report_error<optimizer_error<Optimizer, obstacle, needs::second_derivatives>, curvature_text<Optimizer, obstacle>>();
  return true;
}

}  // namespace detail
}  // namespace typenet
