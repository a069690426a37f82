// SPDX-License-Identifier: MIT
// A concat whose branches have outputs of different height.
//
// expect: typenet::at<0>, typenet::concat<typenet::conv2d<2, 3>, typenet::conv2d<6, 5> ?>, typenet::needs::branches_of_height_and_width<6, 6>, typenet::got<6, 4, 4> ?>
// expect[c++26]: typenet: layer 0, concat<conv2d<2, 3>, conv2d<6, 5>> needs branches whose outputs are all 6x6. it got 6x4x4
#include <typenet/declarative.hpp>

namespace tn = typenet;

#ifdef TYPENET_ILL_FORMED
using network = tn::network<tn::input<4, 8, 8>, tn::concat<tn::conv2d<2, 3>, tn::conv2d<6, 5>>>;
#else
using network = tn::network<tn::input<4, 8, 8>, tn::concat<tn::conv2d<2, 3>, tn::conv2d<6, 5, tn::padding<1>>>>;
#endif

inline constexpr tn::index parameters = network::parameter_count;
