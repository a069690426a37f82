// SPDX-License-Identifier: MIT
// A Gaussian radial layer whose input is an image.
//
// expect: typenet::at<0>, typenet::gaussian_rbf<10>, typenet::needs::a_vector, typenet::got<3, 8, 8> ?>
// expect[c++26]: typenet: layer 0, gaussian_rbf<10> needs a vector of features .put flatten before it.. it got 3x8x8
#include <typenet/declarative.hpp>

namespace tn = typenet;

#ifdef TYPENET_ILL_FORMED
using network = tn::network<tn::input<3, 8, 8>, tn::gaussian_rbf<10>>;
#else
using network = tn::network<tn::input<3, 8, 8>, tn::flatten, tn::gaussian_rbf<10>>;
#endif

inline constexpr tn::index parameters = network::parameter_count;
