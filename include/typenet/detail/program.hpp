// SPDX-License-Identifier: MIT
/// @file
/// A network's operations in order, each bound to its place in memory.
#pragma once

#include <array>
#include <cstdint>

#include <typenet/network.hpp>

namespace typenet::detail {

/// Where a batch lies. A stride is the distance between lane groups.
template <class Scalar>
struct batch_memory {
  const Scalar* input = nullptr;  ///< [group][element][lane]
  Scalar* activations = nullptr;
  Scalar* gradients = nullptr;
  Scalar* input_gradient = nullptr;  ///< laid out as the input, where it is wanted
  const Scalar* parameters = nullptr;
  Scalar* parameter_gradients = nullptr;
  Scalar* buffers = nullptr;
  Scalar* scratch = nullptr;
  /// Samples for which `scratch` is laid out: the largest padded batch.
  index capacity = 0;
};

/// Runs `Network` for one execution of a backend with `Lanes` lanes.
template <class Network, class Scalar, int Lanes, bool InPlace = true>
class program {
  static constexpr auto plan = Network::template memory<InPlace>;
  template <class Ops>
  struct table;
  template <class... Ops>
  struct table<op_list<Ops...>> {
    static constexpr int count = static_cast<int>(sizeof...(Ops));

    template <class Op>
    static constexpr int tensors(bool buffers) {
      if constexpr (Op::info.what == op_info::kind::layer)
        return static_cast<int>(buffers ? Op::layer::buffers(Op::in).size() : Op::layer::parameters(Op::in).size());
      else
        return 0;
    }
    /// The first tensor of each operation.
    static constexpr std::array<int, sizeof...(Ops) + 1> firsts(bool buffers) {
      const int counts[] = {tensors<Ops>(buffers)...};
      std::array<int, sizeof...(Ops) + 1> first{};
      for (int i = 0; i < count; ++i) first[i + 1] = first[i] + counts[i];
      return first;
    }
    static constexpr auto first_parameter = firsts(false);
    static constexpr auto first_buffer = firsts(true);

    /// Where each operation's scratch begins, for a capacity.
    template <class Op>
    static constexpr index scratch(index capacity) {
      if constexpr (Op::info.what == op_info::kind::layer)
        return aligned(Op::layer::scratch_size(Op::in, capacity));
      else
        return 0;
    }
    template <int I>
    static index scratch_offset(index capacity) {
      index offset = 0;
      int i = 0;
      ((offset += i++ < I ? scratch<Ops>(capacity) : 0), ...);
      return offset;
    }

    template <int... I, class Exec>
    static void forward(std::integer_sequence<int, I...>, Exec& exec, const batch_memory<Scalar>& memory) {
      (run_forward<Ops, I>(exec, memory), ...);
    }
    template <bool InputGradient, int... I, class Exec>
    static void backward(std::integer_sequence<int, I...>, Exec& exec, const batch_memory<Scalar>& memory) {
      // A right-to-left fold: assignment evaluates its right operand first.
      int order = 0;
      ((run_backward<InputGradient, Ops, I>(exec, memory), order) = ... = 0);
    }
  };
  using all = table<typename Network::operations>;
  using view = lane_view<Scalar, Lanes>;
  using const_view = lane_view<const Scalar, Lanes>;

  static constexpr index input_stride = index{Network::input_shape.size()} * Lanes;
  static constexpr index activation_stride = plan.activations * Lanes;
  static constexpr index gradient_stride = plan.gradients * Lanes;

  /// Arithmetic that leaves alone what a pass does not use.
  template <class T>
  static T* moved(T* base, index by) {
    return base == nullptr ? nullptr : base + by;
  }
  template <int Value>
  static const_view read(const batch_memory<Scalar>& memory) {
    constexpr value_place place = plan.values[Value];
    if constexpr (place.in_input)
      return {memory.input, input_stride};
    else
      return {moved(memory.activations, place.offset * Lanes), activation_stride};
  }
  template <int Value>
  static view write(const batch_memory<Scalar>& memory) {
    return {moved(memory.activations, plan.values[Value].offset * Lanes), activation_stride};
  }
  template <int Value>
  static view gradient(const batch_memory<Scalar>& memory) {
    constexpr value_place place = plan.values[Value];
    if constexpr (place.in_input)
      return {memory.input_gradient, input_stride};
    else
      return {moved(memory.gradients, place.offset * Lanes), gradient_stride};
  }

  template <class Op, int I>
  static layer_data<Scalar, Lanes> data_of(const batch_memory<Scalar>& memory) {
    layer_data<Scalar, Lanes> data;
    data.input = read<Op::info.input>(memory);
    data.output = write<Op::info.output>(memory);
    const view out = gradient<Op::info.output>(memory);
    data.output_gradient = {out.base, out.stride};
    data.input_gradient = gradient<Op::info.input>(memory);
    data.saved = {moved(memory.activations, plan.saved[I] * Lanes), activation_stride};
    constexpr int parameter = all::first_parameter[I];
    static_assert(all::first_parameter[I + 1] - parameter <= max_layer_tensors &&
                      all::first_buffer[I + 1] - all::first_buffer[I] <= max_layer_tensors,
                  "typenet: a layer has at most max_layer_tensors parameters, and as many buffers");
    for (int p = 0; p < all::first_parameter[I + 1] - parameter; ++p) {
      const index offset = Network::parameters[static_cast<std::size_t>(parameter + p)].offset;
      data.parameters[p] = memory.parameters + offset;
      data.gradients[p] = moved(memory.parameter_gradients, offset);
    }
    constexpr int buffer = all::first_buffer[I];
    for (int b = 0; b < all::first_buffer[I + 1] - buffer; ++b)
      data.buffers[b] = memory.buffers + Network::buffers[static_cast<std::size_t>(buffer + b)].offset;
    data.scratch = moved(memory.scratch, all::template scratch_offset<I>(memory.capacity));
    data.random_substream = I;
    return data;
  }

  template <class Op, int I, class Exec>
  static void run_forward(Exec& exec, const batch_memory<Scalar>& memory) {
    using pack = typename Exec::pack;
    constexpr op_info op = Op::info;
    if constexpr (op.only_reshapes) {
    } else if constexpr (op.what == op_info::kind::layer) {
      Op::layer::template forward<Op::in>(exec, data_of<Op, I>(memory));
    } else {
      const const_view a = read<op.input>(memory);
      const const_view b = read<(op.second >= 0 ? op.second : 0)>(memory);
      const view to = write<op.output>(memory);
      lane::for_each_pack<Op::in.size()>(exec, [=] TYPENET_HD(index block, index offset) {
        pack sum = lane::load<pack>(a.template block<pack>(block) + offset);
        if constexpr (op.what == op_info::kind::add) sum = sum + lane::load<pack>(b.template block<pack>(block) + offset);
        lane::store<pack>(to.template block<pack>(block) + offset, sum);
      });
    }
  }

  template <bool InputGradient, class Op, int I, class Exec>
  static void run_backward(Exec& exec, const batch_memory<Scalar>& memory) {
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

  /// The gradient of an addition or a copy: what comes in goes on.
  template <int From, int To, bool Accumulate, bool InputGradient, int Size, class Exec>
  static void pass_on(Exec& exec, const batch_memory<Scalar>& memory) {
    using pack = typename Exec::pack;
    if constexpr (InputGradient || !plan.values[To].in_input) {
      const view from = gradient<From>(memory);
      const view to = gradient<To>(memory);
      lane::for_each_pack<Size>(exec, [=] TYPENET_HD(index block, index offset) {
        lane::put<Accumulate, pack>(to.template block<pack>(block) + offset, lane::load<pack>(from.template block<pack>(block) + offset));
      });
    }
  }

 public:
  static constexpr index activations = plan.activations;
  static constexpr index gradients = plan.gradients;

  template <class Exec>
  static void forward(Exec& exec, const batch_memory<Scalar>& memory) {
    all::forward(std::make_integer_sequence<int, all::count>{}, exec, memory);
  }
  /// From the gradient of the output, which the caller has written, to those of the parameters.
  template <bool InputGradient = false, class Exec>
  static void backward(Exec& exec, const batch_memory<Scalar>& memory) {
    all::template backward<InputGradient>(std::make_integer_sequence<int, all::count>{}, exec, memory);
  }
  static const_view output(const batch_memory<Scalar>& memory) { return read<Network::output_value>(memory); }
  static view output_gradient(const batch_memory<Scalar>& memory) { return gradient<Network::output_value>(memory); }
};

/// Copies samples from rows into the lanes of one group; the last sample fills the lanes that none is left for, so that what is
/// computed there is as finite as the rest.
template <class Pack, int Lanes, class Scalar>
void load_lanes(const Scalar* rows, index stride, int count, int size, Scalar* group) {
  const Scalar* row[Lanes];
  for (int l = 0; l < Lanes; ++l) row[l] = rows + (l < count ? l : count - 1) * stride;
  lane::to_lanes<Pack, Lanes>(row, size, group);
}

}  // namespace typenet::detail
