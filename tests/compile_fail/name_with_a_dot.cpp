// SPDX-License-Identifier: MIT
// A name with a dot.
//
// expect: typenet::at<0>, typenet::named<.*, typenet::linear<8> ?>, typenet::needs::a_name_without_dots, typenet::got<8> ?>
// expect[c++26]: typenet: layer 0, named<"a.b", linear<8>> needs a name that is not empty and holds no dot. it got 8
#include <typenet/declarative.hpp>

namespace tn = typenet;

#ifdef TYPENET_ILL_FORMED
using network = tn::network<tn::input<8>, tn::named<"a.b", tn::linear<8>>>;
#else
using network = tn::network<tn::input<8>, tn::named<"a_b", tn::linear<8>>>;
#endif

inline constexpr tn::index parameters = network::parameter_count;
