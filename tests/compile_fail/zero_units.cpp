// SPDX-License-Identifier: MIT
// A Gaussian radial layer with zero units.
//
// expect: typenet::at<0>, typenet::gaussian_rbf<0>, typenet::needs::positive_sizes, typenet::got<4> ?>
// expect[c++26]: typenet: layer 0, gaussian_rbf<0> needs whole numbers of at least 1 as sizes. it got 4
#include <typenet/declarative.hpp>

namespace tn = typenet;

#ifdef TYPENET_ILL_FORMED
using network = tn::network<tn::input<4>, tn::gaussian_rbf<0>>;
#else
using network = tn::network<tn::input<4>, tn::gaussian_rbf<1>>;
#endif

inline constexpr tn::index parameters = network::parameter_count;
