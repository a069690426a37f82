// SPDX-License-Identifier: MIT
// A user-defined loss that can check an output but has no call operator.
//
// expect: typenet::loss_error<absolute, typenet::needs::all_of_a_loss, typenet::got<10> ?>
// expect[c++26]: typenet: absolute needs all that the concept typenet::loss asks for. the network's output is 10
#include <typenet/declarative.hpp>
#include <typenet/losses.hpp>

namespace tn = typenet;

struct absolute {
  template <tn::shape Out, class Targets>
  static constexpr auto check() {
    return tn::accepted{};
  }
#ifndef TYPENET_ILL_FORMED
  template <class Pack, int Lanes, tn::shape Out, class Target>
  TYPENET_HD Pack operator()(const tn::lane::scalar_t<Pack>* output, const Target& target, tn::lane::scalar_t<Pack>* gradient,
                             tn::lane::scalar_t<Pack> scale) const {
    Pack sum = 0;
    for (int k = 0; k < Out.size(); ++k) {
      const Pack difference = tn::lane::load<Pack>(output + tn::index{k} * Lanes) - target.at(k);
      sum = sum + tn::lane::abs(difference);
      if (gradient != nullptr)
        tn::lane::store(gradient + tn::index{k} * Lanes, tn::lane::select(tn::lane::greater(difference, 0), Pack(scale), Pack(-scale)));
    }
    return sum;
  }
#endif
};

using network = tn::network<tn::input<4>, tn::linear<10>>;

static_assert(tn::detail::check_loss<absolute, network, tn::class_targets<10>>());
