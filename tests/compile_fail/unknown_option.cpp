// SPDX-License-Identifier: MIT
// A pooling layer with an option that it does not have.
//
// expect: typenet::at<0>, typenet::max_pool2d<2, typenet::groups<2> ?>, typenet::needs::no_unknown_option<typenet::groups<2> ?>, typenet::got<4, 8, 8> ?>
// expect[c++26]: typenet: layer 0, max_pool2d<2, groups<2>> needs to be without groups<2>, which is none of its options. it got 4x8x8
#include <typenet/declarative.hpp>

namespace tn = typenet;

#ifdef TYPENET_ILL_FORMED
using network = tn::network<tn::input<4, 8, 8>, tn::max_pool2d<2, tn::groups<2>>>;
#else
using network = tn::network<tn::input<4, 8, 8>, tn::max_pool2d<2, tn::stride<1>>>;
#endif

inline constexpr tn::index parameters = network::parameter_count;
