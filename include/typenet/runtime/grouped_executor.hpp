// SPDX-License-Identifier: MIT
/// @file
/// Runs a training step by the schedule of graph/schedule.hpp, for executions that give each lane group to a thread.
#pragma once

#include <cstddef>
#include <utility>

#include <typenet/core/ceil_div.hpp>
#include <typenet/core/config.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/graph/compiled_network.hpp>
#include <typenet/graph/ir.hpp>
#include <typenet/graph/schedule.hpp>
#include <typenet/layer/layer_data.hpp>
#include <typenet/runtime/batch_memory.hpp>
#include <typenet/runtime/executor.hpp>
#include <typenet/simd/execution.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet::detail {

/// Runs the training step of a compiled network on a `grouped_execution`.
/// @tparam Compiled a `compiled_network`
/// @tparam Layout a `batch_layout`
template <class Compiled, class Layout>
class grouped_executor : executor<Compiled, Layout> {
  using base = executor<Compiled, Layout>;
  using Scalar = typename Layout::scalar;
  static constexpr int Lanes = Layout::lanes;
  using groups = group_plan<Compiled>;
  static constexpr auto traits = schedule<Compiled>::traits;
  static constexpr auto passes = schedule<Compiled>::passes;
  static constexpr auto plan = base::plan;

  template <int I>
  using op = op_at<static_cast<std::size_t>(I), typename Compiled::operations>;

  /// The memory of operation I for the whole batch, or for one group where `Grouped`. A group has sums of its own for some gradients.
  template <int I, bool Grouped>
  static layer_data<Scalar, Lanes> data_of(const batch_memory<Scalar>& memory) {
    layer_data<Scalar, Lanes> data = base::template data_of<op<I>, I>(memory);
    if constexpr (Grouped && groups::tensors[I] > 0) {
      constexpr auto first = static_cast<std::size_t>(Compiled::template first_tensor<false>(I));
      for (int t = 0; t < groups::tensors[I]; ++t)
        data.gradients[t] =
            memory.group_sums + groups::offsets[I] +
            (Compiled::template offsets<false>[first + static_cast<std::size_t>(t)] - Compiled::template offsets<false>[first]);
    }
    return data;
  }

  /// Runs pass P of the schedule on the whole batch, or on lane group `group`.
  template <std::size_t P, class Exec, class Compare>
  static void run_pass(Exec& exec, const batch_memory<Scalar>& memory, const Compare& compare, index group) {
    constexpr pass now = passes.of[P];
    using one = op<now.op>;
    constexpr shape in = one::in;
    if constexpr (now.kind == pass_kind::compare) {
      compare(exec, base::output(memory), base::output_gradient(memory), group);
    } else if constexpr (now.kind == pass_kind::forward) {
      base::template run_forward<one, now.op>(exec, memory);
    } else if constexpr (one::info.what != op_info::kind::layer) {
      base::template run_backward<false, one, now.op>(exec, memory);
    } else {
      using layer = typename one::layer;
      constexpr op_traits t = traits[now.op];
      const auto data = data_of<now.op, !now.whole>(memory);
      if constexpr (now.kind == pass_kind::forward_local)
        layer::template forward_local<in>(exec, data);
      else if constexpr (now.kind == pass_kind::reduce_statistics)
        layer::template reduce_statistics<in>(exec, data);
      else if constexpr (now.kind == pass_kind::forward_apply)
        layer::template forward_apply<in>(exec, data);
      else if constexpr (now.kind == pass_kind::backward_local)
        layer::template backward_local<in>(exec, data);
      else if constexpr (now.kind == pass_kind::reduce_gradients)
        layer::template reduce_gradients<in>(exec, data);
      else if constexpr (now.kind == pass_kind::backward_apply)
        layer::template backward_apply<in>(exec, data);
      else if constexpr (now.kind == pass_kind::parameters)
        parameters_of<layer, in>(exec, data);
      else {
        if constexpr (t.parameters && (t.grouped || now.whole)) parameters_of<layer, in>(exec, data);
        if constexpr (!plan.reads_network_input[now.op]) layer::template backward_input<in, plan.accumulates[now.op]>(exec, data);
      }
    }
  }
  /// Computes the gradients of the parameters of one layer.
  template <class Layer, shape In, class Exec, class Data>
  static void parameters_of(Exec& exec, const Data& data) {
    if constexpr (Layer::is_staged)
      Layer::template backward_weights<In>(exec, data);
    else
      Layer::template backward_parameters<In>(exec, data);
  }

  /// Runs a segment of the schedule: one pass on the whole batch, or several passes group by group.
  template <std::size_t Segment, class Exec, class Compare>
  static void run_segment(Exec& exec, const batch_memory<Scalar>& memory, const Compare& compare) {
    constexpr std::size_t first = passes.segment_starts[Segment], last = passes.segment_starts[Segment + 1];
    if constexpr (passes.of[first].whole) {
      run_pass<first>(exec, memory, compare, 0);
    } else {
      exec.for_each_group([&](Exec& part, index group) {
        const batch_memory<Scalar> own = of_group(memory, group);
        [&]<std::size_t... P>(std::index_sequence<P...>) {
          (run_pass<first + P>(part, own, compare, group), ...);
        }(std::make_index_sequence<last - first>{});
      });
    }
  }

  /// The memory of one lane group.
  static batch_memory<Scalar> of_group(const batch_memory<Scalar>& memory, index group) {
    batch_memory<Scalar> own = memory;
    own.input += group * base::input_stride;
    own.activations += group * base::activation_stride;
    own.gradients += group * base::gradient_stride;
    own.group_sums = base::moved(memory.group_sums, group * groups::sums);
    return own;
  }

  /// Sums the gradients that were computed group by group over the groups, in ascending order.
  template <class Exec>
  static void add_groups(Exec& exec, const batch_memory<Scalar>& memory) {
    using pack = typename Exec::pack;
    constexpr index width = lane::width<pack>, chunk = 16 * width;
    constexpr index items = ceil_div(groups::sums, chunk);
    const index blocks = exec.blocks();
    exec.for_each(items, [&](index item) {
      const index end = (item + 1) * chunk < groups::sums ? (item + 1) * chunk : groups::sums;
      std::size_t op = 0;
      for (index at = item * chunk; at < end; at += width) {
        while (at >= groups::offsets[op + 1]) ++op;
        pack sum = lane::load<pack>(memory.group_sums + at);
        for (index g = 1; g < blocks; ++g) sum = sum + lane::load<pack>(memory.group_sums + g * groups::sums + at);
        const index first =
            Compiled::template offsets<false>[static_cast<std::size_t>(Compiled::template first_tensor<false>(static_cast<int>(op)))];
        lane::store(memory.parameter_gradients + first + (at - groups::offsets[op]), sum);
      }
    });
  }

 public:
  /// Computes the gradients of the parameters from the input: forward pass, loss and backward pass.
  /// @param compare `compare(execution, output, output_gradient, group)` writes the gradient of the output for one lane group
  template <class Exec, class Compare>
  static void train(Exec& exec, const batch_memory<Scalar>& memory, const Compare& compare) {
    [&]<std::size_t... R>(std::index_sequence<R...>) {
      (run_segment<R>(exec, memory, compare), ...);
    }(std::make_index_sequence<passes.segments>{});
    if constexpr (groups::sums > 0) add_groups(exec, memory);
  }
};

}  // namespace typenet::detail
