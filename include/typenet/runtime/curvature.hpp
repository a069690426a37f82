// SPDX-License-Identifier: MIT
/// @file
/// The diagonal of the Gauss-Newton approximation of the second derivatives, by a backward pass of its own.
///
/// The pass computes ∂²E/∂a² for each value a, from the loss to the input. It neglects mixed derivatives: where a layer computes y from x,
/// ∂²E/∂x_j² = Σ_i (∂y_i/∂x_j)² ∂²E/∂y_i². For a parameter w the sum also runs over its uses and over the samples.
/// @see LeCun, Bottou, Bengio, Haffner: "Gradient-based learning applied to document recognition", 1998, appendix C
#pragma once

#include <cstdint>
#include <utility>

#include <typenet/core/ceil_div.hpp>
#include <typenet/core/config.hpp>
#include <typenet/graph/ir.hpp>
#include <typenet/layer/layer.hpp>
#include <typenet/layer/layer_data.hpp>
#include <typenet/runtime/batch_memory.hpp>
#include <typenet/runtime/executor.hpp>
#include <typenet/simd/lane_view.hpp>
#include <typenet/simd/loops.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet::detail {

/// The memory of the pass for second derivatives. All arrays are aligned to the pack.
template <class Scalar>
struct curvature_memory {
  batch_memory<Scalar> first;              ///< of a forward and a backward pass that keep every value and gradient
  Scalar* curvatures = nullptr;            ///< `[group][value][element][lane]`: second derivatives by the values
  Scalar* parameter_curvatures = nullptr;  ///< laid out as `first.parameters`: second derivatives by the parameters
  Scalar* squared_parameters = nullptr;    ///< laid out as `first.parameters`: the squares of the parameters
  Scalar* squared_input = nullptr;         ///< `[group][element][lane]`: the squares of the input of one layer
};

/// Runs the backward pass for second derivatives. No layer overwrites its input, because the pass reads every value.
/// @tparam Layout a `batch_layout`
template <class Compiled, class Layout>
class curvature_executor : executor<Compiled, Layout, false> {
  using base = executor<Compiled, Layout, false>;
  using Scalar = typename Layout::scalar;
  static constexpr int Lanes = Layout::lanes;

  /// Numbers of the input that an operation needs squared.
  template <class Op>
  static constexpr int squared_size() {
    if constexpr (Op::info.what == op_info::kind::layer)
      return Op::layer::curvature == second_order::gauss_newton_linear ? Op::in.size() : 0;
    else
      return 0;
  }
  template <class... Ops>
  static constexpr int most_squared(op_list<Ops...>) {
    int most = 0;
    ((most = squared_size<Ops>() > most ? squared_size<Ops>() : most), ...);
    return most;
  }

  /// Runs operation I backward.
  template <class Op, int I, class Exec>
  TYPENET_HD static void pass_back(Exec& exec, const curvature_memory<Scalar>& memory) {
    batch_memory<Scalar> second = memory.first;
    second.gradients = memory.curvatures;
    second.parameter_gradients = memory.parameter_curvatures;
    if constexpr (Op::info.what != op_info::kind::layer || Op::info.only_reshapes) {
      base::template run_backward<false, Op, I>(exec, second);
    } else {
      constexpr bool accumulates = base::plan.accumulates[I];
      constexpr bool wanted = !base::plan.reads_network_input[I];
      if constexpr (Op::layer::curvature == second_order::gauss_newton_linear) {
        // The layer is linear in its parameters and in its input: the formulas of its gradients hold with the squares of both.
        second.parameters = memory.squared_parameters;
        layer_data<Scalar, Lanes> data = base::template data_of<Op, I>(second);
        square<Op::in.size()>(exec, data.input, memory.squared_input);
        data.input = {memory.squared_input, index{Op::in.size()} * Lanes};
        if constexpr (Op::layer::parameters(Op::in).size() > 0) Op::layer::template backward_parameters<Op::in>(exec, data);
        if constexpr (wanted) Op::layer::template backward_input<Op::in, accumulates>(exec, data);
      } else if constexpr (Op::layer::curvature == second_order::custom) {  // otherwise an error is reported
        curvature_data<Scalar, Lanes> data{base::template data_of<Op, I>(second), {}};
        const auto slope = base::template gradient<Op::info.output>(memory.first);
        data.output_slope = {slope.base, slope.stride};
        Op::layer::template backward_curvature<Op::in, wanted, accumulates>(exec, data);
      }
    }
  }

  template <class... Ops, int... I, class Exec>
  TYPENET_HD static void pass_all_back(op_list<Ops...>, std::integer_sequence<int, I...>, Exec& exec,
                                       const curvature_memory<Scalar>& memory) {
    int order = 0;
    ((pass_back<Ops, I>(exec, memory), order) = ... = 0);
  }

 public:
  /// Writes the squares of a value, `Size` numbers a sample, to `to`, `[group][element][lane]`.
  template <int Size, class Exec, class View>
  TYPENET_HD static void square(Exec& exec, const View& from, Scalar* to) {
    using pack = typename Exec::pack;
    const lane_view<Scalar, Lanes> there{to, index{Size} * Lanes};
    lane::for_each_pack<Size>(exec, [=] TYPENET_HD(index block, index offset) {
      const pack x = lane::load<pack>(lane::block<pack>(from, block) + offset);
      lane::store(lane::block<pack>(there, block) + offset, x * x);
    });
  }

  using base::activations;
  using base::backward;
  using base::forward;
  using base::gradients;
  using base::output;
  using base::output_gradient;
  using base::scratch_size;
  /// Numbers of one sample in the largest input that is squared.
  static constexpr int largest_squared_input = most_squared(typename Compiled::operations{});

  /// Computes the second derivatives by the parameters from those by the output, which the caller has written.
  template <class Exec>
  TYPENET_HD static void backward_curvature(Exec& exec, const curvature_memory<Scalar>& memory) {
    pass_all_back(typename Compiled::operations{}, std::make_integer_sequence<int, Compiled::count>{}, exec, memory);
  }
};

/// Adds the second derivatives of the loss of a batch, times `share`, to `total`.
/// @tparam Layout a `batch_layout`
/// @tparam Targets `class_labels` or `dense_values`
template <class Compiled, class Layout, class Loss, class Targets>
struct curvature_pass {
  using Scalar = typename Layout::scalar;
  static constexpr int Lanes = Layout::lanes;
  using executor_type = curvature_executor<Compiled, Layout>;

  curvature_memory<Scalar> memory;
  Loss loss;
  Targets targets;
  Scalar share;             ///< the weight of each sample: 1 / (samples of the estimate)
  Scalar* total = nullptr;  ///< laid out as the parameters: receives the sum

  TYPENET_ANY_SIDE
  template <class Exec>
  TYPENET_HD void operator()(Exec& exec) const {
    executor_type::forward(exec, memory.first);
    if constexpr (requires { Loss::has_curvature; }) begin(exec);
    executor_type::backward(exec, memory.first);
    const curvature_pass self = *this;
    for_each_parameter(exec, [=] TYPENET_HD(index at) {
      using pack = typename Exec::pack;
      const pack w = lane::load<pack>(self.memory.first.parameters + at);
      lane::store(self.memory.squared_parameters + at, w * w);
    });
    executor_type::backward_curvature(exec, memory);
    for_each_parameter(exec, [=] TYPENET_HD(index at) {
      using pack = typename Exec::pack;
      lane::store(self.total + at, lane::load<pack>(self.total + at) + lane::load<pack>(self.memory.parameter_curvatures + at));
    });
  }

  /// Writes the first and the second derivatives of the loss by the output. Lanes past the end of the batch become zero.
  template <class Exec>
  TYPENET_HD void begin(Exec& exec) const {
    using pack = typename Exec::pack;
    constexpr int outputs = Compiled::output_shape.size();
    const auto output = executor_type::output(memory.first);
    const auto slope = executor_type::output_gradient(memory.first);
    batch_memory<Scalar> second = memory.first;
    second.gradients = memory.curvatures;
    const auto curvature = executor_type::output_gradient(second);
    const index batch = exec.batch();
    const curvature_pass self = *this;
    exec.for_each(exec.blocks(), [=] TYPENET_HD(index block) {
      const Scalar* const y = lane::block<pack>(output, block);
      Scalar* const g = lane::block<pack>(slope, block);
      Scalar* const h = lane::block<pack>(curvature, block);
      const auto target = self.targets.template at<pack>(block);
      self.loss.template operator()<pack, Lanes, Compiled::output_shape>(y, target, g, self.share);
      self.loss.template curvature<pack, Lanes, Compiled::output_shape>(y, target, h, self.share);
      const int valid = lane::valid_lanes<pack>(block, batch);
      for (int k = 0; k < outputs; ++k) {
        lane::store(g + index{k} * Lanes, lane::keep_lanes(lane::load<pack>(g + index{k} * Lanes), valid));
        lane::store(h + index{k} * Lanes, lane::keep_lanes(lane::load<pack>(h + index{k} * Lanes), valid));
      }
    });
  }

  /// Calls `body(offset)` for each pack of the arena of parameters; `offset` is in scalars.
  template <class Exec, class Body>
  TYPENET_HD static void for_each_parameter(Exec& exec, const Body& body) {
    constexpr int width = lane::width<typename Exec::pack>;
    constexpr int together = lane::grain<Exec>(256, 1);
    constexpr index packs = ceil_div(Compiled::parameter_arena, width);
    exec.for_each(ceil_div(packs, together), [=] TYPENET_HD(index item) {
      const index last = (item + 1) * together < packs ? (item + 1) * together : packs;
      for (index p = item * together; p < last; ++p) body(p * width);
    });
  }
};

/// The memory that a trainer keeps for the estimate of second derivatives.
template <class Backend, class Network>
struct curvature_workspace {
  using compiled = typename Network::unfused;
  using scalar = typename Backend::scalar;
  using executor_type = curvature_executor<compiled, layout_of<Backend>>;
  using array = typename Backend::array;

  array activations, gradients, curvatures, parameter_gradients, parameter_curvatures, squared_parameters, squared_input, scratch;

  /// @param capacity samples of the largest batch, a multiple of the lanes
  explicit curvature_workspace(index capacity)
      : activations{capacity * executor_type::activations},
        gradients{capacity * executor_type::gradients},
        curvatures{capacity * executor_type::gradients},
        parameter_gradients{Network::parameter_arena},
        parameter_curvatures{Network::parameter_arena},
        squared_parameters{Network::parameter_arena},
        squared_input{capacity * executor_type::largest_squared_input},
        scratch{executor_type::scratch_size(capacity)} {}

  /// The memory of a pass over a batch of `model`.
  /// @param input `[group][element][lane]`, aligned to the pack
  template <class Model>
  curvature_memory<scalar> memory(Model& model, const scalar* input, index capacity) {
    curvature_memory<scalar> m;
    m.first.input = input;
    m.first.activations = activations.data();
    m.first.gradients = gradients.data();
    m.first.parameters = model.parameter_array().data();
    m.first.parameter_gradients = parameter_gradients.data();
    m.first.buffers = model.buffer_array().data();
    m.first.scratch = scratch.data();
    m.first.capacity = capacity;
    m.curvatures = curvatures.data();
    m.parameter_curvatures = parameter_curvatures.data();
    m.squared_parameters = squared_parameters.data();
    m.squared_input = squared_input.data();
    return m;
  }
};

}  // namespace typenet::detail
