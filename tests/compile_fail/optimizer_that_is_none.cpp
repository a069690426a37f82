// SPDX-License-Identifier: MIT
// A user-defined optimizer without the check of its hyper-parameters.
//
// expect: typenet::optimizer_concept_error<signs, typenet::needs::all_of_an_optimizer ?>
// expect[c++26]: typenet: signs needs all that the concept typenet::optimizer asks for
#include <array>
#include <string_view>

#include <typenet/optimizers.hpp>

namespace tn = typenet;

struct signs {
  double learning_rate = 1e-3;

  static constexpr std::array<std::string_view, 1> state_names{"unused"};

#ifndef TYPENET_ILL_FORMED
  void check() const {}
#endif

  template <class Scalar>
  struct step_by_sign {
    Scalar learning_rate;
    template <class Pack>
    TYPENET_HD TYPENET_INLINE void operator()(Pack& weight, const Pack& gradient, Pack*) const {
      weight = weight - tn::lane::select(tn::lane::greater(gradient, 0), Pack(learning_rate), Pack(-learning_rate));
    }
  };
  template <class Scalar>
  [[nodiscard]] auto update(tn::index) const {
    return step_by_sign<Scalar>{static_cast<Scalar>(learning_rate)};
  }
};

static_assert(tn::detail::check_optimizer<signs>());
