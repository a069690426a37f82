// SPDX-License-Identifier: MIT
// A user-defined layer without a forward pass.
//
// expect: typenet::layer_error<typenet::at<1>, halve, typenet::needs::a_forward_pass, typenet::got<1, 8, 8> ?>
// expect[c++26]: typenet: layer 1, halve needs a static member forward<In>.exec, data.. it got 1x8x8
#include <typenet/declarative.hpp>

namespace tn = typenet;

struct halve : tn::layer_defaults {
  template <tn::shape In>
  static constexpr auto check() {
    return tn::accepted{};
  }
  static constexpr tn::shape output(tn::shape in) { return in; }
#ifndef TYPENET_ILL_FORMED
  template <tn::shape In, class Exec, class Data>
  TYPENET_HD static void forward(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    tn::lane::for_each_pack<In.size()>(exec, [=] TYPENET_HD(tn::index block, tn::index offset) {
      tn::lane::store(tn::lane::block<pack>(data.output, block) + offset,
                      tn::lane::load<pack>(tn::lane::block<pack>(data.input, block) + offset) * 0.5F);
    });
  }
#endif
  template <tn::shape In, bool Accumulate, class Exec, class Data>
  TYPENET_HD static void backward_input(Exec& exec, const Data& data) {
    tn::lane::pass_values<In.size(), Accumulate>(exec, data.output_gradient, data.input_gradient);
  }
};

inline constexpr tn::index parameters = tn::network<tn::input<1, 8, 8>, tn::relu, halve>::parameter_count;
