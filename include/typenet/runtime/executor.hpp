// SPDX-License-Identifier: MIT
/// @file
/// Runs a compiled network: operation by operation forward, and in the reverse order backward.
#pragma once

#include <cstdint>
#include <utility>

#include <typenet/core/config.hpp>
#include <typenet/graph/compiled_network.hpp>
#include <typenet/graph/ir.hpp>
#include <typenet/graph/memory_plan.hpp>
#include <typenet/layer/layer_data.hpp>
#include <typenet/layer/tensor_spec.hpp>
#include <typenet/runtime/batch_memory.hpp>
#include <typenet/simd/execution.hpp>
#include <typenet/simd/lane_view.hpp>
#include <typenet/simd/loops.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet::detail {

/// Adds the values `a` and `b`, `Size` numbers a sample, and writes the sum to `to`: the end of a residual.
template <int Size, class Exec, class From, class To>
TYPENET_HD void add_values(Exec& exec, const From& a, const From& b, const To& to) {
  using pack = typename Exec::pack;
  lane::for_each_pack<Size>(exec, [=] TYPENET_HD(index block, index offset) {
    lane::store(lane::block<pack>(to, block) + offset,
                lane::load<pack>(lane::block<pack>(a, block) + offset) + lane::load<pack>(lane::block<pack>(b, block) + offset));
  });
}
template <int Size, one_sample_execution Exec, class From, class To>
TYPENET_HD void add_values(Exec& exec, const From& a, const From& b, const To& to) {
  using scalar = typename Exec::scalar;
  using vector = typename Exec::vector;
  lane::for_each_vector<Size>(exec, [&](index sample, int first, int count) {
    const vector sum = lane::load_unaligned<vector>(lane::block<scalar>(a, sample) + first) +
                       lane::load_unaligned<vector>(lane::block<scalar>(b, sample) + first);
    lane::store_or_add_first<false>(lane::block<scalar>(to, sample) + first, sum, count);
  });
}

/// Runs a compiled network, operation by operation. It gives each operation the addresses of its values and tensors.
/// @tparam Compiled a `compiled_network`
/// @tparam Layout a `batch_layout`
/// @tparam InPlace true where layers may overwrite their input
template <class Compiled, class Layout, bool InPlace = true>
class executor {
 protected:
  using Scalar = typename Layout::scalar;
  static constexpr int Lanes = Layout::lanes;
  static constexpr auto plan = Compiled::template memory<InPlace>;

  template <class... Ops, int... I, class Exec>
  TYPENET_HD static void forward_all(op_list<Ops...>, std::integer_sequence<int, I...>, Exec& exec, const batch_memory<Scalar>& memory) {
    (run_forward<Ops, I>(exec, memory), ...);
  }
  template <bool InputGradient, class... Ops, int... I, class Exec>
  TYPENET_HD static void backward_all(op_list<Ops...>, std::integer_sequence<int, I...>, Exec& exec, const batch_memory<Scalar>& memory) {
    // A fold from right to left: assignment evaluates its right operand first.
    int order = 0;
    ((run_backward<InputGradient, Ops, I>(exec, memory), order) = ... = 0);
  }

  using view = lane_view<Scalar, Lanes>;
  using const_view = lane_view<const Scalar, Lanes>;

  template <index Offset>
  static constexpr index offset_constant = Offset;

  static constexpr index input_stride = index{Compiled::input_shape.size()} * Lanes;
  static constexpr index activation_stride = plan.activations * Lanes;
  static constexpr index gradient_stride = plan.gradients * Lanes;

  /// `base + by`, or null where `base` is null because the pass does not use it.
  template <class T>
  TYPENET_HD static T* moved(T* base, index by) {
    return base == nullptr ? nullptr : base + by;
  }
  /// A value as its readers see it.
  template <int Value>
  TYPENET_HD static const_view read(const batch_memory<Scalar>& memory) {
    constexpr value_place place = plan.values[Value];
    if constexpr (place.in_input)
      return {memory.input, input_stride};
    else
      return {moved(memory.activations, place.offset * Lanes), activation_stride};
  }
  /// A value as its writers see it.
  template <int Value>
  TYPENET_HD static view write(const batch_memory<Scalar>& memory) {
    constexpr index offset = plan.values[Value].offset * Lanes;
    return {moved(memory.activations, offset), activation_stride};
  }
  /// The gradient of a value.
  template <int Value>
  TYPENET_HD static view gradient(const batch_memory<Scalar>& memory) {
    constexpr value_place place = plan.values[Value];
    if constexpr (place.in_input)
      return {memory.input_gradient, input_stride};
    else
      return {moved(memory.gradients, place.offset * Lanes), gradient_stride};
  }

  // Each offset is a constant of its own: device code cannot read constexpr arrays.
  template <int First, int... P>
  TYPENET_HD static void bind_parameters(std::integer_sequence<int, P...>, const batch_memory<Scalar>& memory,
                                         layer_data<Scalar, Lanes>& data) {
    ((data.parameters[P] = memory.parameters + offset_constant<Compiled::template offsets<false>[First + P]>,
      data.gradients[P] = moved(memory.parameter_gradients, offset_constant<Compiled::template offsets<false>[First + P]>)),
     ...);
  }
  template <int First, int... B>
  TYPENET_HD static void bind_buffers(std::integer_sequence<int, B...>, const batch_memory<Scalar>& memory,
                                      layer_data<Scalar, Lanes>& data) {
    ((data.buffers[B] = memory.buffers + offset_constant<Compiled::template offsets<true>[First + B]>), ...);
  }

  /// The memory of operation I, which runs a layer.
  template <class Op, int I>
  TYPENET_HD static layer_data<Scalar, Lanes> data_of(const batch_memory<Scalar>& memory) {
    layer_data<Scalar, Lanes> data;
    data.input = read<Op::info.input>(memory);
    data.output = write<Op::info.output>(memory);
    const view out = gradient<Op::info.output>(memory);
    data.output_gradient = {out.base, out.stride};
    data.input_gradient = gradient<Op::info.input>(memory);
    constexpr index saved = plan.saved[I] * Lanes;
    data.saved = {moved(memory.activations, saved), activation_stride};
    constexpr int parameter = Compiled::template first_tensor<false>(I);
    constexpr int parameters = Compiled::template first_tensor<false>(I + 1) - parameter;
    constexpr int buffer = Compiled::template first_tensor<true>(I);
    constexpr int buffers = Compiled::template first_tensor<true>(I + 1) - buffer;
    static_assert(parameters <= max_layer_tensors && buffers <= max_layer_tensors,
                  "typenet: a layer has at most max_layer_tensors parameters, and as many buffers");
    bind_parameters<parameter>(std::make_integer_sequence<int, parameters>{}, memory, data);
    bind_buffers<buffer>(std::make_integer_sequence<int, buffers>{}, memory, data);
    data.scratch = moved(memory.scratch, Compiled::template scratch_size<Layout::one_sample>(memory.capacity, I));
    data.random_substream = static_cast<std::uint32_t>(Op::info.output - 1);
    return data;
  }

  /// Runs operation I forward.
  template <class Op, int I, class Exec>
  TYPENET_HD static void run_forward(Exec& exec, const batch_memory<Scalar>& memory) {
    constexpr op_info op = Op::info;
    if constexpr (op.only_reshapes) {
    } else if constexpr (op.what == op_info::kind::layer) {
      Op::layer::template forward<Op::in>(exec, data_of<Op, I>(memory));
    } else {
      const const_view a = read<op.input>(memory);
      const view to = write<op.output>(memory);
      if constexpr (op.what == op_info::kind::add)
        add_values<Op::in.size()>(exec, a, read<op.second>(memory), to);
      else
        lane::pass_values<Op::in.size(), false>(exec, a, to);
    }
  }

  /// Runs operation I backward.
  /// @tparam InputGradient true where the gradient of the network's input is wanted
  template <bool InputGradient, class Op, int I, class Exec>
  TYPENET_HD static void run_backward(Exec& exec, const batch_memory<Scalar>& memory) {
    constexpr op_info op = Op::info;
    if constexpr (op.only_reshapes) {
    } else if constexpr (op.what == op_info::kind::layer) {
      const layer_data<Scalar, Lanes> data = data_of<Op, I>(memory);
      if constexpr (Op::layer::parameters(Op::in).size() > 0) Op::layer::template backward_parameters<Op::in>(exec, data);
      if constexpr (InputGradient || !plan.reads_network_input[I])
        Op::layer::template backward_input<Op::in, plan.accumulates[I]>(exec, data);
    } else {
      pass_on<op.output, op.input, plan.accumulates[I], InputGradient, Op::in.size()>(exec, memory);
      if constexpr (op.second >= 0)
        pass_on<op.output, op.second, plan.accumulates_second[I] || op.second == op.input, InputGradient, Op::in.size()>(exec, memory);
    }
  }

  /// The backward pass of an addition or a copy: the gradient of value `From` is that of value `To`.
  template <int From, int To, bool Accumulate, bool InputGradient, int Size, class Exec>
  TYPENET_HD static void pass_on(Exec& exec, const batch_memory<Scalar>& memory) {
    constexpr bool wanted = InputGradient || !plan.values[To].in_input;
    if constexpr (wanted) lane::pass_values<Size, Accumulate>(exec, gradient<From>(memory), gradient<To>(memory));
  }

 public:
  /// Scalars of `batch_memory::activations` for one sample.
  static constexpr index activations = plan.activations;
  /// Scalars of `batch_memory::gradients` for one sample.
  static constexpr index gradients = plan.gradients;
  /// Scalars of `batch_memory::scratch` for `samples` samples, a multiple of the lanes.
  static constexpr index scratch_size(index samples) { return Compiled::template scratch_size<Layout::one_sample>(samples); }

  /// Computes the output from the input.
  template <class Exec>
  TYPENET_HD static void forward(Exec& exec, const batch_memory<Scalar>& memory) {
    forward_all(typename Compiled::operations{}, std::make_integer_sequence<int, Compiled::count>{}, exec, memory);
  }
  /// Computes the gradients of the parameters from the gradient of the output, which the caller has written.
  /// @tparam InputGradient true where the gradient of the network's input is wanted too
  template <bool InputGradient = false, class Exec>
  TYPENET_HD static void backward(Exec& exec, const batch_memory<Scalar>& memory) {
    backward_all<InputGradient>(typename Compiled::operations{}, std::make_integer_sequence<int, Compiled::count>{}, exec, memory);
  }
  /// The network's output, `[group][element][lane]`.
  TYPENET_HD static const_view output(const batch_memory<Scalar>& memory) { return read<Compiled::output_value>(memory); }
  /// The gradient of the network's output, `[group][element][lane]`.
  TYPENET_HD static view output_gradient(const batch_memory<Scalar>& memory) { return gradient<Compiled::output_value>(memory); }
};

/// The compiled network that a backend runs: with chains of layers fused where `Backend::fuses_layers`.
template <class Network, class Backend>
struct find_compiled {
  using type = typename Network::compiled;
};
template <class Network, class Backend>
  requires(!Backend::fuses_layers)
struct find_compiled<Network, Backend> {
  using type = typename Network::unfused;
};
template <class Network, class Backend>
using compiled_for = typename find_compiled<Network, Backend>::type;

/// The executor of a network on a backend.
template <class Network, class Backend>
using executor_for = executor<compiled_for<Network, Backend>, layout_of<Backend>>;

}  // namespace typenet::detail
