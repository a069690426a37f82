// SPDX-License-Identifier: MIT
// A subsampling layer whose input is a vector, after flatten.
//
// expect: typenet::at<1>, typenet::trainable_subsample<2>, typenet::needs::an_image, typenet::got<64> ?>
// expect[c++26]: typenet: layer 1, trainable_subsample<2> needs an input of channels x height x width .it cannot follow flatten or linear.. it got 64
#include <typenet/declarative.hpp>

namespace tn = typenet;

#ifdef TYPENET_ILL_FORMED
using network = tn::network<tn::input<1, 8, 8>, tn::flatten, tn::trainable_subsample<2>>;
#else
using network = tn::network<tn::input<1, 8, 8>, tn::trainable_subsample<2>, tn::flatten>;
#endif

inline constexpr tn::index parameters = network::parameter_count;
