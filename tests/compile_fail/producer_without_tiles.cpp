// SPDX-License-Identifier: MIT
// A layer with the role producer but without tiles.
//
// expect: typenet::role_error<wrapped, typenet::needs::everything_of_a_producer ?>
// expect[c++26]: typenet: wrapped needs all that the concept typenet::producer_layer asks for, since it says that this is its role
#include <typenet/declarative.hpp>

namespace tn = typenet;

using convolution = tn::conv2d<3, 3>;

struct wrapped : tn::layer_defaults {
  template <tn::shape In>
  static constexpr auto check() {
    return tn::accepted{};
  }
  static constexpr tn::shape output(tn::shape in) { return convolution::output(in); }
  static constexpr auto parameters(tn::shape in) { return convolution::parameters(in); }

  template <tn::shape In>
  static constexpr tn::fusion_role role() {
    return tn::fusion_role::producer;
  }
#ifndef TYPENET_ILL_FORMED
  template <tn::shape In, class Exec>
  using tiles = convolution::tiles<In, Exec>;
#endif
  static constexpr int max_tiles_per_row(tn::shape in) { return convolution::max_tiles_per_row(in); }
  template <tn::shape In, bool Centered, class Exec, class Data>
  TYPENET_HD static void backward_weights(Exec& exec, const Data& data) {
    convolution::backward_weights<In, Centered>(exec, data);
  }

  template <tn::shape In, class Exec, class Data>
  TYPENET_HD static void forward(Exec& exec, const Data& data) {
    convolution::forward<In>(exec, data);
  }
  template <tn::shape In, bool Accumulate, class Exec, class Data>
  TYPENET_HD static void backward_input(Exec& exec, const Data& data) {
    convolution::backward_input<In, Accumulate>(exec, data);
  }
  template <tn::shape In, class Exec, class Data>
  TYPENET_HD static void backward_parameters(Exec& exec, const Data& data) {
    convolution::backward_parameters<In>(exec, data);
  }
};

inline constexpr tn::index parameters = tn::network<tn::input<1, 8, 8>, wrapped, tn::relu>::parameter_count;
