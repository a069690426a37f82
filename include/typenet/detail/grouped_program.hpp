// SPDX-License-Identifier: MIT
/// @file
/// A training step for few workers with caches of their own. What concerns one lane group alone runs through as many layers as it can
/// before the next group begins, so that what a layer makes is still near when the next one reads it, and threads meet only where something
/// must be known of the whole batch: at a normalisation over the batch, and for the parameters.
#pragma once

#include <array>
#include <cstddef>
#include <utility>

#include <typenet/detail/program.hpp>

namespace typenet {

/// An execution that can hand lane groups to threads of their own. @see eigen_backend::execution::for_each_group
template <class Exec>
concept grouped_execution = requires(Exec& exec, void (*work)(Exec&, index)) { exec.for_each_group(work); };

namespace detail {

/// What is done of an operation, all that it takes or a part of it; or the comparison of the output with its target.
enum class pass_kind {
  forward,
  forward_before,
  forward_between,
  forward_after,
  compare,
  backward,
  backward_before,
  backward_between,
  backward_after,
  parameters
};
struct pass {
  pass_kind kind = pass_kind::forward;
  int op = 0;
  /// By the whole batch at once, or by lane groups.
  bool whole = false;
};
template <std::size_t Most>
struct pass_list {
  std::array<pass, Most> of{};
  std::size_t count = 0;
  /// Where passes begin that run together, and how many such there are.
  std::array<std::size_t, Most + 1> starts{};
  std::size_t runs = 0;

  constexpr void add(pass_kind kind, int op, bool whole) {
    if (count == 0 || whole || of[count - 1].whole) starts[runs++] = count;
    of[count++] = {kind, op, whole};
    starts[runs] = count;
  }
};

/// What an operation is to a step.
struct op_traits {
  bool idle = false;    ///< nothing is executed
  bool mixes = false;   ///< it must see the whole batch
  bool staged = false;  ///< it can do some of its work by groups even so
  bool parameters = false;
  bool grouped = false;  ///< the parameters' gradients are summed by groups
  bool chain = false;    ///< it has the steps of `fused`
};

/// Runs the training step of a lowered network on a `grouped_execution`.
template <class Lowered, class Scalar, int Lanes>
class grouped_program : lowered_program<Lowered, Scalar, Lanes> {
  using base = lowered_program<Lowered, Scalar, Lanes>;
  using groups = group_plan<Lowered>;
  static constexpr auto plan = base::plan;

  template <class Op>
  static constexpr op_traits traits_of(int grouped) {
    op_traits t;
    t.idle = Op::info.only_reshapes;
    t.grouped = grouped > 0;
    if constexpr (Op::info.what == op_info::kind::layer) {
      t.chain = requires { Op::layer::weights(Op::in); };
      t.mixes = Op::layer::mixes_samples;
      t.staged = t.mixes && t.chain;
      if constexpr (requires { Op::layer::weights(Op::in); })
        t.parameters = Op::layer::weights(Op::in) > 0;
      else
        t.parameters = Op::layer::parameters(Op::in).size() > 0;
    }
    return t;
  }
  template <class... Ops>
  static constexpr auto find_traits(op_list<Ops...>) {
    std::size_t i = 0;
    return std::array<op_traits, sizeof...(Ops)>{traits_of<Ops>(groups::tensors[i++])...};
  }
  static constexpr auto traits = find_traits(typename Lowered::operations{});

  static constexpr auto passes = [] {
    pass_list<6 * static_cast<std::size_t>(Lowered::count) + 1> list;
    for (int op = 0; op < Lowered::count; ++op) {
      const op_traits& t = traits[static_cast<std::size_t>(op)];
      if (t.idle) continue;
      if (t.staged) {
        list.add(pass_kind::forward_before, op, false);
        list.add(pass_kind::forward_between, op, true);
        list.add(pass_kind::forward_after, op, false);
      } else {
        list.add(pass_kind::forward, op, t.mixes);
      }
    }
    list.add(pass_kind::compare, 0, false);
    for (int op = Lowered::count - 1; op >= 0; --op) {
      const op_traits& t = traits[static_cast<std::size_t>(op)];
      if (t.idle) continue;
      if (t.staged) {
        list.add(pass_kind::backward_before, op, false);
        list.add(pass_kind::backward_between, op, true);
      }
      if (t.chain) list.add(pass_kind::backward_after, op, false);
      list.add(pass_kind::backward, op, t.mixes && !t.staged);
    }
    // The sums of many parameters are best made by those who own them, once for the batch.
    for (int op = Lowered::count - 1; op >= 0; --op) {
      const op_traits& t = traits[static_cast<std::size_t>(op)];
      if (t.parameters && !t.grouped && (!t.mixes || t.staged)) list.add(pass_kind::parameters, op, true);
    }
    return list;
  }();

  template <int I>
  using op = op_at<static_cast<std::size_t>(I), typename Lowered::operations>;

  /// What an operation's kernels are given: of the batch, or of one group, which has its own place for its sums.
  template <int I, bool Grouped>
  static layer_data<Scalar, Lanes> data_of(const batch_memory<Scalar>& memory) {
    layer_data<Scalar, Lanes> data = base::template data_of<op<I>, I>(memory);
    if constexpr (Grouped && groups::tensors[I] > 0) {
      constexpr auto first = static_cast<std::size_t>(Lowered::template first_tensor<false>(I));
      for (int t = 0; t < groups::tensors[I]; ++t)
        data.gradients[t] =
            memory.group_sums + groups::offsets[I] +
            (Lowered::template offsets<false>[first + static_cast<std::size_t>(t)] - Lowered::template offsets<false>[first]);
    }
    return data;
  }

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
      if constexpr (now.kind == pass_kind::forward_before)
        layer::template forward_before<in>(exec, data);
      else if constexpr (now.kind == pass_kind::forward_between)
        layer::template forward_between<in>(exec, data);
      else if constexpr (now.kind == pass_kind::forward_after)
        layer::template forward_after<in>(exec, data);
      else if constexpr (now.kind == pass_kind::backward_before)
        layer::template backward_before<in>(exec, data);
      else if constexpr (now.kind == pass_kind::backward_between)
        layer::template backward_between<in>(exec, data);
      else if constexpr (now.kind == pass_kind::backward_after)
        layer::template backward_after<in>(exec, data);
      else if constexpr (now.kind == pass_kind::parameters)
        parameters_of<layer, in>(exec, data);
      else {
        if constexpr (t.parameters && (t.grouped || now.whole)) parameters_of<layer, in>(exec, data);
        if constexpr (!plan.reads_network_input[now.op]) layer::template backward_input<in, plan.accumulates[now.op]>(exec, data);
      }
    }
  }
  template <class Layer, shape In, class Exec, class Data>
  static void parameters_of(Exec& exec, const Data& data) {
    if constexpr (requires { Layer::weights(In); })
      Layer::template backward_weights<In>(exec, data);
    else
      Layer::template backward_parameters<In>(exec, data);
  }

  template <std::size_t Run, class Exec, class Compare>
  static void run(Exec& exec, const batch_memory<Scalar>& memory, const Compare& compare) {
    constexpr std::size_t first = passes.starts[Run], last = passes.starts[Run + 1];
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

  static batch_memory<Scalar> of_group(const batch_memory<Scalar>& memory, index group) {
    batch_memory<Scalar> own = memory;
    own.input += group * base::input_stride;
    own.activations += group * base::activation_stride;
    own.gradients += group * base::gradient_stride;
    own.group_sums = base::moved(memory.group_sums, group * groups::sums);
    return own;
  }

  /// The gradients that were summed by groups, over all of them, the first first.
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
            Lowered::template offsets<false>[static_cast<std::size_t>(Lowered::template first_tensor<false>(static_cast<int>(op)))];
        lane::store<pack>(memory.parameter_gradients + first + (at - groups::offsets[op]), sum);
      }
    });
  }

 public:
  /// From the input to the gradients of the parameters.
  /// @param compare `compare(execution, output, output's gradient, group)` writes the latter for a lane group
  template <class Exec, class Compare>
  static void train(Exec& exec, const batch_memory<Scalar>& memory, const Compare& compare) {
    [&]<std::size_t... R>(std::index_sequence<R...>) { (run<R>(exec, memory, compare), ...); }(std::make_index_sequence<passes.runs>{});
    if constexpr (groups::sums > 0) add_groups(exec, memory);
  }
};

}  // namespace detail
}  // namespace typenet
