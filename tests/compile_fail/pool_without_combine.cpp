// SPDX-License-Identifier: MIT
// A layer with the role pool but without `combine`.
//
// expect: typenet::role_error<first_of_two, typenet::needs::everything_of_a_pool ?>
// expect[c++26]: typenet: first_of_two needs all that the concept typenet::pool_layer asks for, since it says that this is its role
#include <typenet/declarative.hpp>

namespace tn = typenet;

struct first_of_two : tn::layer_defaults {
  static constexpr tn::kernel_size kernel{1, 2};
  static constexpr bool is_max = false;

  template <tn::shape In>
  static constexpr auto check() {
    return tn::accepted{};
  }
  static constexpr tn::shape output(tn::shape in) { return tn::shape{in.channels(), in.height(), in.width() / 2}; }
  template <tn::shape In>
  static constexpr tn::fusion_role role() {
    return tn::fusion_role::pool;
  }

#ifndef TYPENET_ILL_FORMED
  template <class Pack, int Count>
  TYPENET_HD TYPENET_INLINE static Pack combine(const Pack (&x)[Count]) {
    return x[0];
  }
#endif
  template <class Pack, int Count>
  TYPENET_HD TYPENET_INLINE static void distribute_gradient(const Pack (&)[Count], const Pack& gradient, Pack (&to)[Count]) {
    to[0] = gradient;
    for (int i = 1; i < Count; ++i) to[i] = Pack(0);
  }

  template <tn::shape In, class Exec, class Data>
  TYPENET_HD static void forward(Exec&, const Data&) {}
  template <tn::shape In, bool Accumulate, class Exec, class Data>
  TYPENET_HD static void backward_input(Exec&, const Data&) {}
};

inline constexpr tn::index parameters = tn::network<tn::input<1, 8, 8>, tn::relu, first_of_two>::parameter_count;
