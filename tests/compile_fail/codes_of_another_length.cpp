// SPDX-License-Identifier: MIT
// A radial layer whose codes are longer than its input vector.
//
// expect: typenet::at<1>, typenet::euclidean_rbf<.*, typenet::needs::as_many_features_as_its_codes<84>, typenet::got<80> ?>
// expect[c++26]: typenet: layer 1, euclidean_rbf<table> needs a vector of 84 features, as long as its codes. it got 80
#include <typenet/declarative.hpp>

namespace tn = typenet;

#ifdef TYPENET_ILL_FORMED
using network = tn::network<tn::input<120>, tn::linear<80>, tn::euclidean_rbf<tn::lenet5_codes>>;
#else
using network = tn::network<tn::input<120>, tn::linear<84>, tn::euclidean_rbf<tn::lenet5_codes>>;
#endif

inline constexpr tn::index parameters = network::parameter_count;
