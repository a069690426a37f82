// SPDX-License-Identifier: MIT
// A mistake at nesting depth three: the index in the error is a path through branches and names.
//
// expect: typenet::at<1, 1, 1, 0>, typenet::linear<4>, typenet::needs::a_vector, typenet::got<4, 8, 8> ?>
// expect[c++26]: typenet: layer 1.1.1.0, linear<4> needs a vector of features .put flatten before it.. it got 4x8x8
#include <typenet/declarative.hpp>

namespace tn = typenet;

#ifdef TYPENET_ILL_FORMED
using network = tn::network<tn::input<4, 8, 8>, tn::relu,
                            tn::named<"body", tn::concat<tn::relu, tn::sequential<tn::relu, tn::residual<tn::linear<4>>>>>>;
#else
using network =
    tn::network<tn::input<4, 8, 8>, tn::relu, tn::named<"body", tn::concat<tn::relu, tn::sequential<tn::relu, tn::residual<tn::relu>>>>>;
#endif

inline constexpr tn::index parameters = network::parameter_count;
