// SPDX-License-Identifier: MIT
/// @file
/// Visitors of the tree of layers. A visitor has a member `template <class Layer> void leaf(const tensor_name& path, shape in)`. It is
/// called for every layer that is no composition, in order of execution, with the layer's dotted path and its input's shape. A path is made
/// of indices and of the words of `named`, as in PyTorch's `state_dict`.
#pragma once

#include <typenet/core/shape.hpp>
#include <typenet/graph/lower.hpp>
#include <typenet/graph/names.hpp>
#include <typenet/layer/compositions.hpp>

namespace typenet::detail {

/// The visit of a layer. `apply(visitor, in, path)` visits the layers in it and returns the output's shape.
template <class L>
struct visit_layer {
  template <class Visitor>
  static constexpr shape apply(Visitor& visitor, shape in, const tensor_name& path) {
    visitor.template leaf<L>(path, in);
    return L::output(in);
  }
};

/// The name of a composition's member: its index, or the word of a `named` layer.
template <class L>
struct child_name {
  static constexpr void append(tensor_name& path, int i) { path.append(i); }
};
template <named_layer L>
struct child_name<L> {
  static constexpr void append(tensor_name& path, int) { path.append(L::word()); }
};

/// Visits member `i` of a composition whose path is `path`.
template <class L, class Visitor>
constexpr shape visit_child(Visitor& visitor, shape in, const tensor_name& path, int i) {
  tensor_name own = path;
  if (own.length > 0) own.append(".");
  child_name<L>::append(own, i);
  return visit_layer<L>::apply(visitor, in, own);
}

/// The visit of layers one after another.
template <class... Layers>
struct visit_chain {
  template <class Visitor>
  static constexpr shape apply(Visitor& visitor, shape in, const tensor_name& path) {
    int i = 0;
    ((in = visit_child<Layers>(visitor, in, path, i++)), ...);
    return in;
  }
};
template <class... Layers>
struct visit_layer<sequential<Layers...>> : visit_chain<Layers...> {};
template <class... Body>
struct visit_layer<residual<Body...>> : visit_chain<Body...> {};
template <class... Branches>
struct visit_layer<concat<Branches...>> {
  template <class Visitor>
  static constexpr shape apply(Visitor& visitor, shape in, const tensor_name& path) {
    shape first{};
    int channels = 0, i = 0;
    const auto branch = [&]<class B>() {
      const shape out = visit_child<B>(visitor, in, path, i);
      if (i++ == 0) first = out;
      channels += out.channels();
    };
    (branch.template operator()<Branches>(), ...);
    return joined(first, channels);
  }
};
template <named_layer L>
struct visit_layer<L> {
  template <class Visitor>
  static constexpr shape apply(Visitor& visitor, shape in, const tensor_name& path) {
    return visit_layer<typename L::layer>::apply(visitor, in, path);
  }
};

/// A visitor that does nothing, for visits that find the output's shape.
struct ignore_leaves {
  template <class L>
  constexpr void leaf(const tensor_name& /*path*/, shape /*in*/) {}
};

/// The output's shape of a layer or composition.
template <class L>
constexpr shape output_of(shape in) {
  ignore_leaves none;
  return visit_layer<L>::apply(none, in, tensor_name{});
}

}  // namespace typenet::detail
