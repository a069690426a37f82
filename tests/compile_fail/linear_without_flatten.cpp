// SPDX-License-Identifier: MIT
// A linear layer whose input is an image.
//
// expect: typenet::at<1>, typenet::linear<10>, typenet::needs::a_vector, typenet::got<3, 8, 8> ?>
// expect[c++26]: typenet: layer 1, linear<10> needs a vector of features .put flatten before it.. it got 3x8x8
#include <typenet/declarative.hpp>

namespace tn = typenet;

#ifdef TYPENET_ILL_FORMED
using network = tn::network<tn::input<3, 8, 8>, tn::relu, tn::linear<10>>;
#else
using network = tn::network<tn::input<3, 8, 8>, tn::relu, tn::flatten, tn::linear<10>>;
#endif

inline constexpr tn::index parameters = network::parameter_count;
