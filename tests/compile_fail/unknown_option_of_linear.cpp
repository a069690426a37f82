// SPDX-License-Identifier: MIT
// A linear layer with an option that it does not have.
//
// expect: typenet::at<0>, typenet::linear<4, typenet::padding<1(, 1)?> ?>, typenet::needs::no_unknown_option<typenet::padding<1(, 1)?> ?>, typenet::got<4> ?>
// expect[c++26]: typenet: layer 0, linear<4, padding<1>> needs to be without padding<1>, which is none of its options. it got 4
#include <typenet/declarative.hpp>

namespace tn = typenet;

#ifdef TYPENET_ILL_FORMED
using network = tn::network<tn::input<4>, tn::linear<4, tn::padding<1>>>;
#else
using network = tn::network<tn::input<4>, tn::linear<4, tn::bias<false>>>;
#endif

inline constexpr tn::index parameters = network::parameter_count;
