// SPDX-License-Identifier: MIT
/// @file
/// The layer: a type that says which inputs it accepts, what comes out, which parameters it has, and how its arithmetic runs on packs of
/// samples. To write one, derive from `layer_defaults`, or from `elementwise` (layer/elementwise.hpp).
#pragma once

#include <array>
#include <concepts>
#include <type_traits>

#include <typenet/core/config.hpp>
#include <typenet/core/diagnostics.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/layer/fusion_role.hpp>
#include <typenet/layer/layer_data.hpp>
#include <typenet/layer/needs.hpp>
#include <typenet/layer/tensor_spec.hpp>

namespace typenet {

/// The second derivatives that a layer offers (runtime/curvature.hpp).
enum class second_order {
  unknown,              ///< nothing: optimizers that need them refuse the network
  gauss_newton_linear,  ///< the layer is linear in its input and in its parameters: the gradients' formulas serve, with both squared
  custom                ///< the layer has `backward_curvature`
};

/// The members that most layers share. Derive from it and declare what differs.
///
/// A layer adds, for any `Exec` that models `execution` and `Data` a `layer_data<scalar, lanes>`:
/// - `template <shape In> static constexpr auto check()`: returns `accepted{}`, or one of `needs` where the input does not fit
/// - `static constexpr shape output(shape in)`
/// - `template <shape In, class Exec, class Data> TYPENET_HD static void forward(Exec&, const Data&)`: writes `output`
/// - `template <shape In, bool Accumulate, class Exec, class Data> TYPENET_HD static void backward_input(Exec&, const Data&)`: writes
///   `input_gradient`, or adds to it where `Accumulate`. It keeps the lanes past the end of the batch at zero
/// - with parameters, `template <shape In, class Exec, class Data> TYPENET_HD static void backward_parameters(Exec&, const Data&)`: writes
///   (never adds) every gradient. It runs before `backward_input`
struct layer_defaults {
  static constexpr bool is_layer = true;

  static constexpr std::array<parameter_spec, 0> parameters(shape) { return {}; }
  static constexpr std::array<buffer_spec, 0> buffers(shape) { return {}; }
  /// Multiply-accumulates of one forward pass of one sample.
  static constexpr index macs(shape) { return 0; }
  /// Connections of one sample as LeCun et al. 1998 count them: one for each tap and one for each bias. Layers without weights, and
  /// normalizations, have none.
  static constexpr index connections(shape) { return 0; }
  /// Scalars per sample that are kept from forward to backward.
  static constexpr index saved_size(shape) { return 0; }
  /// Scalars of scratch memory for a batch of `samples`, a multiple of the lanes.
  static constexpr index scratch_size(shape, index /*samples*/) { return 0; }
  /// Scalars of scratch memory for a `one_sample_execution`; `scratch_size` counts where it is not declared.
  /// static constexpr index one_sample_scratch_size(shape, index samples);

  /// True where the result of one sample depends on other samples of the batch, or where `forward` or `backward_input` use `scratch`. The
  /// other layers run on one part of the batch after another.
  static constexpr bool mixes_samples = false;
  /// True where the backward pass reads the input of the forward pass.
  static constexpr bool backward_reads_input = true;
  /// True where the backward pass reads the output of the forward pass.
  static constexpr bool backward_reads_output = false;
  /// True where the output may overwrite the input, and the input's gradient the output's.
  static constexpr bool in_place = false;
  /// True where the output is the input under another shape: nothing is executed.
  static constexpr bool only_reshapes = false;
  /// True where the layer offers its passes in stages: see `fused` (kernels/chain.hpp).
  static constexpr bool is_staged = false;
  /// The kind of the outputs where a network ends with this layer.
  static constexpr best_score best_output = best_score::highest;
  /// The layer's place in a fused chain (layer/fusion_role.hpp).
  template <shape In>
  static constexpr fusion_role role() {
    return fusion_role::alone;
  }
  /// The second derivatives that the layer offers. With `second_order::custom` the layer has `template <shape In, bool Wanted, bool
  /// Accumulate, class Exec, class Data> TYPENET_HD static void backward_curvature(Exec&, const Data&)` for a `curvature_data`: it writes
  /// the second derivatives by the parameters and, where `Wanted`, those by the input.
  static constexpr second_order curvature = second_order::unknown;
};

/// A type that can stand in a network: an empty type that derives from `layer_defaults`, or a composition (layer/compositions.hpp).
template <class L>
concept layer = std::is_empty_v<L> && requires {
  { L::is_layer } -> std::convertible_to<bool>;
};

namespace detail {

/// A layer that says which inputs it accepts and what comes out.
template <class L, shape In>
concept checks_input = requires {
  L::template check<In>();
  { L::output(In) } -> std::same_as<shape>;
};
/// A layer with a forward pass.
template <class L, shape In>
concept has_forward = requires(execution_archetype& exec, const layer_data<float, 1>& data) { L::template forward<In>(exec, data); };
/// A layer with a gradient of its input.
template <class L, shape In>
concept has_backward_input = requires(execution_archetype& exec, const layer_data<float, 1>& data) {
  L::template backward_input<In, false>(exec, data);
  L::template backward_input<In, true>(exec, data);
};
/// A layer with gradients of its parameters, or without parameters.
template <class L, shape In>
concept has_backward_parameters = L::parameters(In).size() == 0 || requires(execution_archetype& exec, const layer_data<float, 1>& data) {
  L::template backward_parameters<In>(exec, data);
};

/// `accepted`, or the first thing that a layer lacks or that its input lacks. A layer that only reshapes needs no passes.
template <class L, shape In>
constexpr auto check_layer() {
  if constexpr (!layer<L>) {
    return needs::a_layer{};
  } else if constexpr (!checks_input<L, In>) {
    return needs::check_and_output{};
  } else {
    using answer = decltype(L::template check<In>());
    if constexpr (!std::is_same_v<answer, accepted> || L::only_reshapes)
      return answer{};
    else if constexpr (!has_forward<L, In>)
      return needs::a_forward_pass{};
    else if constexpr (!has_backward_input<L, In>)
      return needs::a_backward_input_pass{};
    else if constexpr (!has_backward_parameters<L, In>)
      return needs::a_backward_parameters_pass{};
    else
      return accepted{};
  }
}

}  // namespace detail
}  // namespace typenet
