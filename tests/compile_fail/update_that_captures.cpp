// SPDX-License-Identifier: MIT
// A user-defined optimizer whose arithmetic is a lambda with captures, which has no default constructor.
//
// expect: typenet::optimizer_concept_error<decay, typenet::needs::all_of_an_optimizer ?>
// expect[c++26]: typenet: decay needs all that the concept typenet::optimizer asks for
#include <array>
#include <string_view>

#include <typenet/optimizers.hpp>

namespace tn = typenet;

struct decay {
  double learning_rate = 1e-3;

  static constexpr std::array<std::string_view, 0> state_names{};
  void check() const {}

  template <class Scalar>
  struct step_of_decay {
    Scalar rate;
    template <class Pack>
    TYPENET_HD TYPENET_INLINE void operator()(Pack& weight, const Pack& gradient, Pack*) const {
      weight = weight - gradient * rate;
    }
  };
  template <class Scalar>
  [[nodiscard]] auto update(tn::index) const {
#ifdef TYPENET_ILL_FORMED
    return [rate = static_cast<Scalar>(learning_rate)](auto& weight, const auto& gradient, auto*) { weight = weight - gradient * rate; };
#else
    return step_of_decay<Scalar>{static_cast<Scalar>(learning_rate)};
#endif
  }
};

static_assert(tn::detail::check_optimizer<decay>());
