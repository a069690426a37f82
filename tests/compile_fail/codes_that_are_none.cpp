// SPDX-License-Identifier: MIT
// A radial layer with a number instead of a code table.
//
// expect: typenet::at<0>, typenet::euclidean_rbf<10>, typenet::needs::a_code_table, typenet::got<84> ?>
// expect[c++26]: typenet: layer 0, euclidean_rbf<10> needs a code_table. it got 84
#include <typenet/declarative.hpp>

namespace tn = typenet;

#ifdef TYPENET_ILL_FORMED
using network = tn::network<tn::input<84>, tn::euclidean_rbf<10>>;
#else
using network = tn::network<tn::input<84>, tn::euclidean_rbf<tn::lenet5_codes>>;
#endif

inline constexpr tn::index parameters = network::parameter_count;
