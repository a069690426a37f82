// SPDX-License-Identifier: MIT
// A layer with a role in fused chains but without the members that the role requires.
//
// expect: typenet::role_error<(mine::)?half, typenet::needs::everything_of_a_pool ?>
// expect[c++26]: typenet: mine::half needs all that the concept typenet::pool_layer asks for, since it says that this is its role
#include <typenet/declarative.hpp>

namespace tn = typenet;

namespace mine {

struct half : tn::layer_defaults {
  static constexpr bool backward_reads_input = false;
  template <tn::shape In>
  static constexpr auto check() {
    return tn::accepted{};
  }
  static constexpr tn::shape output(tn::shape in) { return in; }
  template <tn::shape In, class Exec, class Data>
  static void forward(Exec& exec, const Data& data) {
    tn::lane::pass_values<In.size(), false>(exec, data.input, data.output);
  }
  template <tn::shape In, bool Accumulate, class Exec, class Data>
  static void backward_input(Exec& exec, const Data& data) {
    tn::lane::pass_values<In.size(), Accumulate>(exec, data.output_gradient, data.input_gradient);
  }
#ifdef TYPENET_ILL_FORMED
  template <tn::shape In>
  static constexpr tn::fusion_role role() {
    return tn::fusion_role::pool;
  }
#endif
};

}  // namespace mine

using network = tn::network<tn::input<1, 8, 8>, tn::relu, mine::half>;

inline constexpr tn::index parameters = network::parameter_count;
inline constexpr tn::index room = network::memory<>.activations;
