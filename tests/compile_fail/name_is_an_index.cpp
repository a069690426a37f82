// SPDX-License-Identifier: MIT
// A name equal to the index of another layer.
//
// expect: typenet::at<1>, typenet::linear<8>, typenet::needs::a_name_of_its_own, typenet::got<> ?>
// expect[c++26]: typenet: layer 1, linear<8> needs a name that none of its neighbours has
#include <typenet/declarative.hpp>

namespace tn = typenet;

#ifdef TYPENET_ILL_FORMED
using network = tn::network<tn::input<8>, tn::named<"1", tn::linear<8>>, tn::linear<8>>;
#else
using network = tn::network<tn::input<8>, tn::named<"0", tn::linear<8>>, tn::linear<8>>;
#endif

inline constexpr tn::index parameters = network::parameter_count;
