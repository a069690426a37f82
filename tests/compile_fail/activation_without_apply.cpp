// SPDX-License-Identifier: MIT
// A user-defined element-wise layer with a derivative but without `apply`.
//
// expect: typenet::role_error<halve, typenet::needs::everything_of_an_activation ?>
// expect[c++26]: typenet: halve needs all that the concept typenet::activation_layer asks for, since it says that this is its role
#include <typenet/declarative.hpp>

namespace tn = typenet;

struct halve : tn::elementwise<halve, tn::differentiates_from::input> {
#ifndef TYPENET_ILL_FORMED
  template <class Pack>
  TYPENET_HD TYPENET_INLINE static Pack apply(const Pack& x) {
    return x * 0.5F;
  }
#endif
  template <class Pack>
  TYPENET_HD TYPENET_INLINE static Pack derivative(const Pack&) {
    return Pack(0.5F);
  }
};

inline constexpr tn::index parameters = tn::network<tn::input<1, 8, 8>, halve>::parameter_count;
