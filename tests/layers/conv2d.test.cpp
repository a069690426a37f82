// SPDX-License-Identifier: MIT
#include "layer_tests.hpp"

namespace tn = typenet;
using namespace golden_cases;

LAYER_TESTS(GOLDEN_CASES_CONV2D)

#if TYPENET_TEST_FULLY
// Layers larger than a register tile in every direction: interior tiles, edges and remainders all occur.
GRADIENT_TEST("a wide padded convolution", tn::input<3, 9, 45>, tn::conv2d<10, 3, tn::padding<1>>)
GRADIENT_TEST("a wide strided convolution", tn::input<2, 11, 43>, tn::conv2d<7, 5, tn::padding<2>, tn::stride<2>>)
GRADIENT_TEST("many channels", tn::input<24, 5, 5>, tn::conv2d<40, 1>)
#endif
