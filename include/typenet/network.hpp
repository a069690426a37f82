// SPDX-License-Identifier: MIT
/// @file
/// network: a network as a type, whose shapes, parameters and memory are known when it is declared. graph/compile.hpp compiles it.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <type_traits>

#include <typenet/core/ceil_div.hpp>
#include <typenet/core/config.hpp>
#include <typenet/core/diagnostics.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/graph/compile.hpp>
#include <typenet/graph/names.hpp>
#include <typenet/graph/placeholder.hpp>
#include <typenet/graph/visit.hpp>
#include <typenet/layer/input.hpp>
#include <typenet/layer/layer.hpp>
#include <typenet/layer/tensor_spec.hpp>
#include <typenet/simd/execution.hpp>
#include <typenet/simd/lane_view.hpp>

namespace typenet {

namespace detail {

/// What the bytes of a batch depend on: a scalar type stands for the CPU's backend of that scalar, in lanes.
template <class Of>
struct memory_user {
  using scalar = Of;
  static constexpr int lanes = default_lanes;
  static constexpr bool fuses_layers = true, sums_by_groups = true, one_sample = false;
};
template <class Backend>
  requires requires { typename Backend::execution; }
struct memory_user<Backend> {
  using scalar = typename Backend::scalar;
  static constexpr int lanes = Backend::lanes;
  static constexpr bool fuses_layers = Backend::fuses_layers, sums_by_groups = grouped_execution<typename Backend::execution>,
                        one_sample = one_sample_execution<typename Backend::execution>;
};

/// The facts of a network, which are the members of `network`.
/// @tparam Fits true where the network is well-formed
/// @tparam Lowered the result of pass 1 (graph/compile.hpp): a `lowered`, or an `ill_formed`
template <bool Fits, class Lowered, class Input, class... Layers>
struct network_facts {
 private:
  using chain = visit_chain<Layers...>;
  using passes = compile<Input, Lowered>;
  static constexpr auto tensor_counts = [] {
    count_tensors count;
    chain::apply(count, Input::value, tensor_name{});
    return count;
  }();
  static constexpr auto tensors = [] {
    collect_tensors<tensor_counts.parameters, tensor_counts.buffers> collect;
    chain::apply(collect, Input::value, tensor_name{});
    return collect;
  }();
  /// One member of `count_tensors` for each layer, [layer].
  static constexpr auto count_by_layer(index count_tensors::* member) {
    std::array<index, sizeof...(Layers)> counts{};
    shape now = Input::value;
    int i = 0;
    const auto one = [&]<class L>() {
      count_tensors count;
      now = visit_layer<L>::apply(count, now, tensor_name{});
      counts[static_cast<std::size_t>(i++)] = count.*member;
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
  template <class Of>
  using compiled_of = std::conditional_t<memory_user<Of>::fuses_layers, typename passes::fused, typename passes::unfused>;

 public:
  /// The operations before fusion, an `op_list`.
  using operations = typename Lowered::ops;
  /// The compiled network with chains of layers fused, for backends that fuse layers.
  using compiled = typename passes::fused;
  /// The compiled network with each layer by itself.
  using unfused = typename passes::unfused;

  /// The shape of one sample of the input.
  static constexpr shape input_shape = Input::value;
  /// The shape of the output for one sample.
  static constexpr shape output_shape = Lowered::out;
  /// The output that names the class: the highest score or the lowest penalty.
  static constexpr best_score best_output = compiled::best_output;
  /// The number of layers; a composition counts as one.
  static constexpr int layer_count = static_cast<int>(sizeof...(Layers));
  /// The output's shape of each layer, [layer].
  static constexpr std::array<shape, sizeof...(Layers)> shapes = [] {
    std::array<shape, sizeof...(Layers)> after{};
    shape now = Input::value;
    int i = 0;
    ((after[static_cast<std::size_t>(i++)] = now = output_of<Layers>(now)), ...);
    return after;
  }();

  /// The learned numbers of the network.
  static constexpr index parameter_count = tensors.parameter_count;
  /// The learned numbers of each layer, [layer].
  static constexpr std::array<index, sizeof...(Layers)> layer_parameter_counts = count_by_layer(&count_tensors::numbers);
  /// The parameters, a `std::array` of `parameter_info`, in PyTorch's order and with PyTorch's names.
  static constexpr auto& parameters = tensors.parameters;
  /// The buffers, a `std::array` of `buffer_info`, in PyTorch's order and with PyTorch's names.
  static constexpr auto& buffers = tensors.buffers;
  /// The numbers of all buffers.
  static constexpr index buffer_count = tensors.buffer_count;
  /// The scalars of the arena that holds the parameters, each aligned to `tensor_alignment`.
  static constexpr index parameter_arena = tensors.parameter_end;
  /// The scalars of the arena that holds the buffers, each aligned to `tensor_alignment`.
  static constexpr index buffer_arena = tensors.buffer_end;

  /// Multiply-accumulates of one forward pass of one sample.
  static constexpr index macs = macs_of(operations{});
  /// Connections of one sample as LeCun et al. 1998 count them: one for each tap and one for each bias.
  static constexpr index connections = tensor_counts.connections;
  /// Connections of each layer, [layer].
  static constexpr std::array<index, sizeof...(Layers)> layer_connections = count_by_layer(&count_tensors::connections);

  /// The memory plan of `compiled`: where each value lies, in scalars per sample.
  /// @tparam InPlace true where layers may overwrite their input
  template <bool InPlace = true>
  static constexpr auto memory = compiled::template memory<InPlace>;

  /// `batch` rounded up to whole lane groups: the samples that memory is allocated for.
  static constexpr index padded_batch(index batch, index lanes = default_lanes) { return ceil_div(batch, lanes) * lanes; }
  /// Scalars of the layers' scratch memory.
  /// @param padded a batch size, rounded up to whole lane groups
  static constexpr index scratch_size(index padded) { return compiled::scratch_size(padded); }

  /// Bytes of the learned numbers, without the padding for alignment.
  template <class Scalar = float>
  static constexpr index parameter_bytes = parameter_count * index{sizeof(Scalar)};
  /// Bytes of the input and of all values between the layers, for a batch.
  /// @tparam Of a backend, or a scalar type, which stands for the CPU's backend of that scalar, in lanes
  template <class Of = float>
  static constexpr index activation_bytes(index batch) {
    using of = memory_user<Of>;
    return padded_batch(batch, of::lanes) * (input_shape.size() + compiled_of<Of>::template memory<true>.activations) *
           index{sizeof(typename of::scalar)};
  }
  /// Bytes that training needs in addition, for a batch: the gradients of values and parameters, their sums by groups, and the scratch
  /// memory. A trainer allocates exactly as much (`trainer::workspace_bytes`).
  /// @tparam Of a backend, or a scalar type, which stands for the CPU's backend of that scalar, in lanes
  template <class Of = float>
  static constexpr index workspace_bytes(index batch) {
    using of = memory_user<Of>;
    using compiled_here = compiled_of<Of>;
    const index padded = padded_batch(batch, of::lanes);
    const index sums = of::sums_by_groups ? padded / of::lanes * passes::template schedule<compiled_here>::groups::sums : 0;
    return (padded * compiled_here::template memory<true>.gradients + parameter_arena + sums +
            compiled_here::template scratch_size<of::one_sample>(padded)) *
           index{sizeof(typename of::scalar)};
  }

  /// Visits every layer that is no composition, in order of execution: calls `visitor.leaf<Layer>(path, in)` with the layer's dotted path,
  /// a `tensor_name`, and its input's shape.
  template <class Visitor>
  static constexpr void visit(Visitor& visitor) {
    chain::apply(visitor, Input::value, tensor_name{});
  }

 private:
  static constexpr bool names_fit = tensors.names_fit();
  static_assert(names_fit, "typenet: a parameter's name is longer than 79 characters; shorten the words in named<>");
};

/// The only layer of the network that stands in for an ill-formed one.
struct placeholder : layer_defaults {
  static constexpr bool only_reshapes = true;
  static constexpr bool backward_reads_input = false;
  template <shape In>
  static constexpr auto check() {
    return accepted{};
  }
  static constexpr shape output(shape in) { return in; }
};
using placeholder_facts = network_facts<true, lower_t<input<1>, placeholder>, input<1>, placeholder>;

/// The facts of an ill-formed network. Stops compilation with one message, and leaves facts with which the rest of a program compiles.
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
  static constexpr placeholders::unknown<index> activation_bytes(index /*batch*/) {
    return {};
  }
  template <class Scalar = float>
  static constexpr placeholders::unknown<index> workspace_bytes(index /*batch*/) {
    return {};
  }
  static constexpr placeholders::unknown<index> scratch_size(index /*padded*/) { return {}; }
};

template <class Input, class... Layers>
using network_facts_of = network_facts<lower_t<Input, Layers...>::fits, lower_t<Input, Layers...>, Input, Layers...>;

}  // namespace detail

/// A network as a type: an `input` and the layers that follow it.
///
/// The first use of a member checks the layers one by one. A layer that does not fit its input stops compilation with one message: the
/// layer's index, its type, its requirement and its input's shape. `detail::network_facts` declares the members.
///
/// ```
/// using lenet = network<input<1, 28, 28>, conv2d<6, 5>, relu, max_pool2d<2>, flatten, linear<10>>;
/// static_assert(lenet::output_shape == shape{10});
/// ```
/// @tparam Input `input<features>` or `input<channels, height, width>`
/// @tparam Layers layers and compositions
template <class Input, class... Layers>
struct network : detail::network_facts_of<Input, Layers...> {
  /// True where the network is well-formed. A program sees false only after the message.
  static constexpr bool fits = detail::lower_t<Input, Layers...>::fits;
};

/// An instance of `network`.
template <class T>
concept network_type = requires {
  { T::fits } -> std::convertible_to<bool>;
  T::input_shape;
  T::output_shape;
  T::parameter_count;
};

}  // namespace typenet
