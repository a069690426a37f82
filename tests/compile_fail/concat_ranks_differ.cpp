// SPDX-License-Identifier: MIT
// A concat of an image and a vector.
//
// expect: typenet::at<0>, typenet::concat<typenet::relu, typenet::flatten>, typenet::needs::branches_of_one_rank, typenet::got<256> ?>
// expect[c++26]: typenet: layer 0, concat<relu, flatten> needs branches that are all images or all vectors. it got 256
#include <typenet/declarative.hpp>

namespace tn = typenet;

#ifdef TYPENET_ILL_FORMED
using network = tn::network<tn::input<4, 8, 8>, tn::concat<tn::relu, tn::flatten>>;
#else
using network = tn::network<tn::input<4, 8, 8>, tn::concat<tn::relu, tn::conv2d<2, 1>>>;
#endif

inline constexpr tn::index parameters = network::parameter_count;
