// SPDX-License-Identifier: MIT
// Two branches with equal names inside nested compositions.
//
// expect: typenet::at<1, 0, 1>, typenet::named<.*, typenet::linear<4> ?>, typenet::needs::a_name_of_its_own, typenet::got<> ?>
// expect[c++26]: typenet: layer 1.0.1, named<"a", linear<4>> needs a name that none of its neighbours has
#include <typenet/declarative.hpp>

namespace tn = typenet;

#ifdef TYPENET_ILL_FORMED
using network = tn::network<tn::input<8>, tn::relu, tn::residual<tn::concat<tn::named<"a", tn::linear<4>>, tn::named<"a", tn::linear<4>>>>>;
#else
using network = tn::network<tn::input<8>, tn::relu, tn::residual<tn::concat<tn::named<"a", tn::linear<4>>, tn::named<"b", tn::linear<4>>>>>;
#endif

inline constexpr tn::index parameters = network::parameter_count;
