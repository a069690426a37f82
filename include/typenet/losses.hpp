// SPDX-License-Identifier: MIT
/// @file
/// Every loss of the library, and how one is checked against a network and its targets.
#pragma once

#include <type_traits>

#include <typenet/network.hpp>

// IWYU pragma: begin_exports
#include <typenet/losses/cross_entropy.hpp>
#include <typenet/losses/mse.hpp>
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

template <class Loss, class Needs, class Got, shape Out>
struct loss_rejected {
#if defined(__cpp_static_assert) && __cpp_static_assert >= 202306L
  static_assert(!sizeof(Loss*), loss_text<Loss, Needs>(Out));
#else
  // The undefined type's name is the message.
  static_assert(sizeof(loss_error<Loss, Needs, Got>) != 0, "typenet: a loss cannot compare this network's output with these targets");
#endif
};

/// Nothing, or one message that says what `Loss` needs of the output of `Network` to compare it with such targets.
template <class Loss, class Network, class Targets>
void require_loss_fits() {
  // An ill-formed network has been reported.
  if constexpr (Network::fits) {
    using answer = decltype(Loss::template check<Network::output_shape, Targets>());
    if constexpr (!std::is_same_v<answer, accepted>)
      static_cast<void>(sizeof(loss_rejected<Loss, answer, typename got_of<Network::output_shape>::type, Network::output_shape>));
  }
}

}  // namespace typenet::detail
