// SPDX-License-Identifier: MIT
/// @file
/// Every loss of the library, and how one is checked against a network and its targets.
#pragma once

#include <type_traits>

#include <typenet/network.hpp>

// IWYU pragma: begin_exports
#include <typenet/losses/cross_entropy.hpp>
#include <typenet/losses/mse.hpp>
#include <typenet/losses/rbf_map.hpp>
#include <typenet/losses/rbf_mse.hpp>
#include <typenet/losses/target.hpp>
// IWYU pragma: end_exports

namespace typenet::detail {

template <class Loss, class Needs>
constexpr sentence loss_text(shape out) {
  sentence s{"typenet: "};
  s.add(type_name<Loss>()).add(" needs ");
  if constexpr (requires { Needs::text(); })
    s.add(Needs::text());
  else
    s.add(type_name<Needs>());
  return s.add("; the network's output is ").add(out);
}

/// What a loss answers for a network; an ill-formed network has been reported.
template <class Loss, class Network, class Targets>
constexpr auto loss_answer() {
  if constexpr (!Network::fits)
    return accepted{};
  else if constexpr (requires { requires Loss::best_output != Network::best_output; })
    return std::conditional_t<Network::best_output == best_score::lowest, needs::an_output_of_scores, needs::an_output_of_penalties>{};
  else
    return decltype(Loss::template check<Network::output_shape, Targets>()){};
}

/// Complete where `Loss` can compare the output of `Network` with such targets; elsewhere one message says what it needs.
template <class Loss, class Network, class Targets, class Answer = decltype(loss_answer<Loss, Network, Targets>())>
struct loss_check {
#if defined(__cpp_static_assert) && __cpp_static_assert >= 202306L
  static_assert(!sizeof(Loss*), loss_text<Loss, Answer>(Network::output_shape));
#else
  // The undefined type's name is the message.
  static_assert(sizeof(loss_error<Loss, Answer, typename got_of<Network::output_shape>::type>) != 0,
                "typenet: a loss cannot compare this network's output with these targets");
#endif
};
template <class Loss, class Network, class Targets>
struct loss_check<Loss, Network, Targets, accepted> {};

}  // namespace typenet::detail
