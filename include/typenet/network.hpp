// SPDX-License-Identifier: MIT
/// @file
/// The network type: its shapes, parameters and memory, all known when it is declared.
#pragma once

#include <array>
#include <cstddef>
#include <type_traits>

#include <typenet/core/ceil_div.hpp>
#include <typenet/core/config.hpp>
#include <typenet/core/diagnostics.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/graph/compile.hpp>
#include <typenet/graph/names.hpp>
#include <typenet/graph/placeholder.hpp>
#include <typenet/layer/input.hpp>
#include <typenet/layer/layer.hpp>
#include <typenet/layer/tensor_spec.hpp>
#include <typenet/simd/lane_view.hpp>

namespace typenet {

namespace detail {

/// What is known of a network that fits.
template <bool Fits, class Result, class Input, class... Layers>
struct network_facts {
 private:
  using chain = walk_chain<Layers...>;
  static constexpr auto tensor_counts = [] {
    count_tensors count;
    chain::visit(count, Input::value, tensor_name{});
    return count;
  }();
  static constexpr auto tensors = [] {
    collect_tensors<tensor_counts.parameters, tensor_counts.buffers> collect;
    chain::visit(collect, Input::value, tensor_name{});
    return collect;
  }();
  /// One of the counts, for each layer.
  static constexpr auto count_by_layer(index count_tensors::* what) {
    std::array<index, sizeof...(Layers)> counts{};
    shape now = Input::value;
    int i = 0;
    const auto one = [&]<class L>() {
      count_tensors count;
      now = walk<L>::visit(count, now, tensor_name{});
      counts[static_cast<std::size_t>(i++)] = count.*what;
    };
    (one.template operator()<Layers>(), ...);
    return counts;
  }
  template <class Op>
  static constexpr index macs_of_one() {
    if constexpr (Op::info.what == op_info::kind::layer)
      return Op::layer::macs(Op::in);
    else
      return 0;
  }
  template <class... Ops>
  static constexpr index macs_of(op_list<Ops...>) {
    return (macs_of_one<Ops>() + ...);
  }

 public:
  using operations = typename Result::ops;
  /// What kernels know of the network: with chains fused, and with each layer by itself.
  using compiled = typename compile<Input::value, Result>::fused;
  using unfused = typename compile<Input::value, Result>::unfused;

  /// Shape of one sample, and of what comes out for it.
  static constexpr shape input_shape = Input::value;
  static constexpr shape output_shape = Result::out;
  /// Which output names the class.
  static constexpr best_score best_output = compiled::best_output;
  static constexpr int layer_count = static_cast<int>(sizeof...(Layers));
  /// The shape after each layer.
  static constexpr std::array<shape, sizeof...(Layers)> shapes = [] {
    std::array<shape, sizeof...(Layers)> after{};
    ignore_leaves none;
    shape now = Input::value;
    int i = 0;
    ((after[static_cast<std::size_t>(i++)] = now = walk<Layers>::visit(none, now, tensor_name{})), ...);
    return after;
  }();

  /// Learned numbers in all, and in each layer.
  static constexpr index parameter_count = tensors.parameter_count;
  static constexpr std::array<index, sizeof...(Layers)> layer_parameter_counts = count_by_layer(&count_tensors::numbers);
  /// Every parameter, and every buffer, in PyTorch's order and by PyTorch's names.
  static constexpr auto& parameters = tensors.parameters;
  static constexpr auto& buffers = tensors.buffers;
  static constexpr index buffer_count = tensors.buffer_count;
  /// Scalars in the arenas that hold them, each tensor aligned.
  static constexpr index parameter_arena = tensors.parameter_end;
  static constexpr index buffer_arena = tensors.buffer_end;

  /// Multiply-accumulates of one forward pass of one sample.
  static constexpr index macs = macs_of(operations{});
  /// What the outputs of its layers read, biases counted, in all and in each layer (LeCun et al. 1998).
  static constexpr index connections = tensor_counts.connections;
  static constexpr std::array<index, sizeof...(Layers)> layer_connections = count_by_layer(&count_tensors::connections);

  template <bool InPlace = true>
  static constexpr auto memory = compiled::template memory<InPlace>;

  /// Samples for which room is made when a batch has `batch`: whole groups of `lanes`.
  static constexpr index padded_batch(index batch, index lanes = default_lanes) { return ceil_div(batch, lanes) * lanes; }
  /// Scalars that layers work with besides, for a padded batch.
  static constexpr index scratch_size(index padded) { return compiled::scratch_size(padded); }

  /// Bytes of the learned numbers, without padding.
  template <class Scalar = float>
  static constexpr index parameter_bytes = parameter_count * index{sizeof(Scalar)};
  /// Bytes of every value between the layers for a batch, the input included.
  template <class Scalar = float>
  static constexpr index activation_bytes(index batch, index lanes = default_lanes) {
    return padded_batch(batch, lanes) * (input_shape.size() + memory<>.activations) * index{sizeof(Scalar)};
  }
  /// Bytes that training needs besides: the gradients of those values and of the parameters, and what layers work with.
  template <class Scalar = float>
  static constexpr index workspace_bytes(index batch, index lanes = default_lanes) {
    const index padded = padded_batch(batch, lanes);
    return (padded * memory<>.gradients + parameter_arena + padded / lanes * detail::group_plan<compiled>::sums + scratch_size(padded)) *
           index{sizeof(Scalar)};
  }

  /// Visits every layer, compositions opened, as `visitor.leaf<Layer>(name, input shape)`.
  template <class Visitor>
  static constexpr void visit(Visitor& visitor) {
    chain::visit(visitor, Input::value, tensor_name{});
  }

 private:
  static constexpr bool names_fit = tensors.names_fit();
  static_assert(names_fit, "typenet: a parameter's name is longer than 79 characters; shorten the words in named<>");
};

/// The only layer of the network that stands in for one that cannot be.
struct placeholder : layer_defaults {
  static constexpr bool only_reshapes = true;
  static constexpr bool backward_reads_input = false;
  template <shape In>
  static constexpr auto check() {
    return accepted{};
  }
  static constexpr shape output(shape in) { return in; }
};
using placeholder_facts = network_facts<true, typename lower_network<input<1>, placeholder>::type, input<1>, placeholder>;

/// Stops compilation with the one message, and leaves a network behind with which the rest of a program compiles.
template <class Where, class Layer, class Needs, class Got, class Input, class... Layers>
struct network_facts<false, ill_formed<Where, Layer, Needs, Got>, Input, Layers...> : placeholder_facts {
  static_assert(report_error<layer_error<Where, Layer, Needs, Got>, ill_formed<Where, Layer, Needs, Got>>());
  static constexpr placeholders::unknown_shape input_shape{};
  static constexpr placeholders::unknown_shape output_shape{};
  static constexpr placeholders::unknown<best_score, best_score::highest> best_output{};
  static constexpr placeholders::unknown_length<int> layer_count{};
  static constexpr placeholders::unknown_array<placeholders::unknown_shape> shapes{};
  static constexpr placeholders::unknown<index> parameter_count{};
  static constexpr placeholders::unknown<index> buffer_count{};
  static constexpr placeholders::unknown<index> parameter_arena{};
  static constexpr placeholders::unknown<index> buffer_arena{};
  static constexpr placeholders::unknown<index> macs{};
  static constexpr placeholders::unknown<index> connections{};
  static constexpr placeholders::unknown_array<placeholders::unknown<index>> layer_parameter_counts{};
  static constexpr placeholders::unknown_array<placeholders::unknown<index>> layer_connections{};
  static constexpr placeholders::unknown_array<placeholders::unknown_tensor<parameter_info>> parameters{};
  static constexpr placeholders::unknown_array<placeholders::unknown_tensor<buffer_info>> buffers{};
  template <bool InPlace = true>
  static constexpr placeholders::unknown_memory memory{};
  template <class Scalar = float>
  static constexpr placeholders::unknown<index> parameter_bytes{};
  template <class Scalar = float>
  static constexpr placeholders::unknown<index> activation_bytes(index /*batch*/, index /*lanes*/ = default_lanes) {
    return {};
  }
  template <class Scalar = float>
  static constexpr placeholders::unknown<index> workspace_bytes(index /*batch*/, index /*lanes*/ = default_lanes) {
    return {};
  }
  static constexpr placeholders::unknown<index> scratch_size(index /*padded*/) { return {}; }
};

template <class Input, class... Layers>
using network_facts_of = network_facts<lower_network<Input, Layers...>::type::fits, typename lower_network<Input, Layers...>::type, Input, Layers...>;

}  // namespace detail

/// A network as a type: an `input` and the layers that follow, checked one by one as the type is named. A layer that cannot
/// take what reaches it stops compilation with one message that names its index, itself, its need and what it got.
///
/// ```
/// using lenet = network<input<1, 28, 28>, conv2d<6, 5>, relu, max_pool2d<2>, flatten, linear<10>>;
/// static_assert(lenet::output_shape == shape{10});
/// ```
template <class Input, class... Layers>
struct network : detail::network_facts_of<Input, Layers...> {
  static constexpr bool fits = detail::lower_network<Input, Layers...>::type::fits;
};

/// Any instance of `network`.
template <class T>
concept network_type = requires {
  { T::fits } -> std::convertible_to<bool>;
  T::input_shape;
  T::output_shape;
  T::parameter_count;
};

}  // namespace typenet
