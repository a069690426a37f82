// SPDX-License-Identifier: MIT
/// @file
/// The concept `loss`, which a loss of your own models, and the check of a loss against a network and its targets.
#pragma once

#include <concepts>
#include <type_traits>

#include <typenet/core/config.hpp>
#include <typenet/core/diagnostics.hpp>
#include <typenet/core/sentence.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/core/type_name.hpp>
#include <typenet/layer/tensor_spec.hpp>
#include <typenet/losses/target.hpp>

namespace typenet {

/// The compiler's message about a loss: a type that is never defined, whose name says what is wrong.
template <class Loss, class Needs, class Got>
struct loss_error;

/// A trivially copyable object that compares outputs of shape `Out` with targets.
///
/// - `check<Out, Targets>()`: a static member; returns `accepted{}`, or one of `needs` where the output does not fit. `Targets` is
///   `class_targets<Classes>` or `dense_targets<Shape>`
/// - `operator()<Pack, Lanes, Out>(output, target, gradient, scale)`: returns the loss of each sample of one pack. `output` and `gradient`
///   hold element k at `k * Lanes`; where `gradient` is not null, it receives the loss's gradient times `scale`. `target` is a
///   `class_target<Pack>` or a `dense_target<Pack, Lanes>`; its `at(k)` is the target of output k
/// - optional, `static constexpr best_score best_output`: the outputs that it accepts, scores (`highest`) or penalties (`lowest`)
/// - optional, `static constexpr bool has_curvature = true` and `curvature<Pack, Lanes, Out>(output, target, to, scale)`: writes the second
///   derivatives by the outputs times `scale`
template <class L, shape Out>
concept loss = std::is_trivially_copyable_v<L> && requires(const L& l, const float* output, float* gradient) {
  L::template check<Out, class_targets<Out.size()>>();
  { l.template operator()<float, 1, Out>(output, class_target<float>{}, gradient, 1.0F) } -> std::same_as<float>;
};

namespace detail {

/// The sentence about a loss that does not fit.
template <class Loss, class Needs, shape Out>
struct loss_text {
  static constexpr sentence text() { return needs_message<Loss, Needs>::text().add("; the network's output is ").add(Out); }
};

/// `accepted`, or what `Loss` needs of a network and its targets. An ill-formed network has been reported already.
template <class Loss, class Network, class Targets>
constexpr auto loss_answer() {
  if constexpr (!Network::fits)
    return accepted{};
  else if constexpr (!loss<Loss, Network::output_shape>)
    return needs::all_of_a_loss{};
  else if constexpr (requires { requires Loss::best_output != Network::best_output; })
    return std::conditional_t<Network::best_output == best_score::lowest, needs::an_output_of_scores, needs::an_output_of_penalties>{};
  else
    return decltype(Loss::template check<Network::output_shape, Targets>()){};
}

/// Reports a loss that cannot compare the output of `Network` with targets of the kind `Targets`; returns true.
/// @tparam Targets `class_targets` or `dense_targets`
template <class Loss, class Network, class Targets>
constexpr bool check_loss() {
  using answer = decltype(loss_answer<Loss, Network, Targets>());
  if constexpr (!std::is_same_v<answer, accepted>)
    return report_error<loss_error<Loss, answer, got_t<Network::output_shape>>, loss_text<Loss, answer, Network::output_shape>>();
  return true;
}

}  // namespace detail
}  // namespace typenet
