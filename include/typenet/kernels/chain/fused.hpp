// SPDX-License-Identifier: MIT
/// @file
/// fused: a chain (kernels/chain.hpp) as a layer.
#pragma once

#include <array>
#include <cstddef>

#include <typenet/core/config.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/kernels/chain/backward.hpp>
#include <typenet/kernels/chain/forward.hpp>
#include <typenet/kernels/chain/layout.hpp>
#include <typenet/kernels/chain/statistics.hpp>
#include <typenet/layer/layer.hpp>

namespace typenet::detail {

/// The specifications of `a`, then those of `b`.
template <class Spec, std::size_t A, std::size_t B>
constexpr auto join_specs(const std::array<Spec, A>& a, const std::array<Spec, B>& b) {
  std::array<Spec, A + B> all{};
  std::size_t n = 0;
  for (const Spec& one : a) all[n++] = one;
  for (const Spec& one : b) all[n++] = one;
  return all;
}

/// A chain as one layer. Its parameters and buffers are the producer's, then the normalization's. The other stages have none.
/// @tparam Producer layer of the role `fusion_role::producer`, or an `identity_stage`; the other parameters are the next roles in order
template <class Producer, class Norm, class Activation, class Pool>
struct fused : layer_defaults {
 private:
  using stages = chain_stages<Producer, Norm, Activation, Pool>;

 public:
  static constexpr shape output(shape in) { return stages::output(in); }
  static constexpr auto parameters(shape in) { return join_specs(Producer::parameters(in), Norm::parameters(stages::values(in))); }
  static constexpr auto buffers(shape in) { return join_specs(Producer::buffers(in), Norm::buffers(stages::values(in))); }
  static constexpr index macs(shape in) { return Producer::macs(in); }
  static constexpr index saved_size(shape in) { return stages::saved_size(in); }
  static constexpr index scratch_size(shape in, index samples) { return Norm::scratch_size(stages::values(in), samples); }
  static constexpr bool mixes_samples = stages::has_norm;
  static constexpr bool is_staged = true;

  template <shape In, class Exec, class Data>
  TYPENET_HD static void forward(Exec& exec, const Data& data) {
    if constexpr (stages::has_norm)
      if (exec.training()) {
        forward_local<In>(exec, data);
        reduce_statistics<In>(exec, data);
        forward_apply<In>(exec, data);
        return;
      }
    // With large work items, the item that computes rows of values also computes the chain's output from them.
    constexpr bool at_once = stages::has_producer && !Exec::many_workers;
    if constexpr (stages::has_producer) chain_forward<stages, In, Exec>::template produce<at_once>(exec, data);
    if constexpr (!at_once) forward_apply<In>(exec, data);
  }
  template <shape In, class Exec, class Data>
  TYPENET_HD static void backward_parameters(Exec& exec, const Data& data) {
    if constexpr (stages::has_norm) {
      backward_local<In>(exec, data);
      reduce_gradients<In>(exec, data);
    }
    backward_apply<In>(exec, data);
    if constexpr (stages::has_producer) backward_weights<In>(exec, data);
  }
  template <shape In, bool Accumulate, class Exec, class Data>
  TYPENET_HD static void backward_input(Exec& exec, const Data& data) {
    if constexpr (stages::has_producer)
      Producer::template backward_input<In, Accumulate>(exec, chain_layout<stages, In, Exec>::of_producer(data));
    else
      chain_backward<stages, In, Exec>::template differentiate<Accumulate>(exec, data, data.input_gradient);
  }

  // The passes in stages (graph/schedule.hpp), for executions that give each lane group to a thread. `_local` and `_apply` run for any part
  // of the batch by itself, `reduce_` for the whole batch. A chain without a normalization has `backward_apply` and `backward_weights`
  // only.

  /// The number of parameters, the first ones, whose gradients `backward_weights` writes.
  static constexpr int producer_parameters(shape in) { return static_cast<int>(Producer::parameters(in).size()); }

  /// Computes the values and the sums for their statistics.
  template <shape In, class Exec, class Data>
  TYPENET_HD static void forward_local(Exec& exec, const Data& data) {
    using kernels = chain_forward<stages, In, Exec>;
    if constexpr (stages::has_producer)
      kernels::template produce<false>(exec, data);
    else if constexpr (!Exec::many_workers)
      kernels::sum_input(exec, data);
  }
  /// Computes the statistics of the whole batch.
  template <shape In, class Exec, class Data>
  TYPENET_HD static void reduce_statistics(Exec& exec, const Data& data) {
    if constexpr (stages::has_producer || !Exec::many_workers)
      chain_statistics<stages, In, Exec>::reduce(exec, data);
    else
      Norm::template compute_statistics<In>(exec, data);
  }
  /// Computes the output from values and statistics.
  template <shape In, class Exec, class Data>
  TYPENET_HD static void forward_apply(Exec& exec, const Data& data) {
    chain_forward<stages, In, Exec>::apply(exec, data);
  }
  /// Computes the sums for the gradients of the normalization's parameters.
  template <shape In, class Exec, class Data>
  TYPENET_HD static void backward_local(Exec& exec, const Data& data) {
    if constexpr (!Exec::many_workers) chain_backward<stages, In, Exec>::sum_row_gradients(exec, data);
  }
  /// Writes the gradients of the normalization's parameters.
  template <shape In, class Exec, class Data>
  TYPENET_HD static void reduce_gradients(Exec& exec, const Data& data) {
    using kernels = chain_backward<stages, In, Exec>;
    if constexpr (Exec::many_workers)
      kernels::sum_parameter_gradients(exec, data);
    else
      kernels::reduce_row_gradients(exec, data);
  }
  /// Replaces the producer's output in `saved` by its gradient.
  template <shape In, class Exec, class Data>
  TYPENET_HD static void backward_apply(Exec& exec, const Data& data) {
    if constexpr (stages::has_producer) chain_backward<stages, In, Exec>::template differentiate<false>(exec, data, data.saved);
  }
  /// Writes the gradients of the producer's parameters.
  /// @pre `backward_apply` has run
  template <shape In, class Exec, class Data>
  TYPENET_HD static void backward_weights(Exec& exec, const Data& data) {
    Producer::template backward_weights<In, stages::has_norm>(exec, chain_layout<stages, In, Exec>::of_producer(data));
  }
};

}  // namespace typenet::detail
