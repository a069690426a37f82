// SPDX-License-Identifier: MIT
// A batch norm whose epsilon a template argument cannot hold.
//
// expect: typenet::at<0>, typenet::batch_norm<.*>, typenet::needs::a_decimal_number, typenet::got<8> ?>
// expect[c++26]: needs numbers of at most 15 digits whose magnitude is from 1e-15 to 1e15, or zero, as its arguments. it got 8
#include <typenet/declarative.hpp>

namespace tn = typenet;

#ifdef TYPENET_ILL_FORMED
using network = tn::network<tn::input<8>, tn::batch_norm<1e-20>>;
#else
using network = tn::network<tn::input<8>, tn::batch_norm<1e-15>>;
#endif

inline constexpr tn::index parameters = network::parameter_count;
