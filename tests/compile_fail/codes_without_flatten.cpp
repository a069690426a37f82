// SPDX-License-Identifier: MIT
// A radial layer with codes whose input is an image.
//
// expect: typenet::at<0>, typenet::euclidean_rbf<.*, typenet::needs::a_vector, typenet::got<1, 12, 7> ?>
// expect[c++26]: typenet: layer 0, euclidean_rbf<table> needs a vector of features .put flatten before it.. it got 1x12x7
#include <typenet/declarative.hpp>

namespace tn = typenet;

#ifdef TYPENET_ILL_FORMED
using network = tn::network<tn::input<1, 12, 7>, tn::euclidean_rbf<tn::lenet5_codes>>;
#else
using network = tn::network<tn::input<1, 12, 7>, tn::flatten, tn::euclidean_rbf<tn::lenet5_codes>>;
#endif

inline constexpr tn::index parameters = network::parameter_count;
