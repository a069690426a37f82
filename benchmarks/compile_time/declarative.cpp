// SPDX-License-Identifier: MIT
// Includes only the declarative half, which an editor compiles at every keystroke. benchmarks/run.sh measures the compile time.
#include <typenet/declarative.hpp>

namespace tn = typenet;

using lenet5 = tn::network<tn::input<1, 32, 32>,                                              //
                           tn::conv2d<6, 5>, tn::batch_norm<>, tn::relu, tn::max_pool2d<2>,   //
                           tn::conv2d<16, 5>, tn::batch_norm<>, tn::relu, tn::max_pool2d<2>,  //
                           tn::flatten, tn::dropout<0.1>,                                     //
                           tn::linear<120>, tn::relu, tn::linear<84>, tn::relu, tn::gaussian_rbf<10>>;

static_assert(lenet5::output_shape == tn::shape{10});
static_assert(lenet5::parameter_count == 61'740);
static_assert(lenet5::macs == 416'520);
