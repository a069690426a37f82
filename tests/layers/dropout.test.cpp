// SPDX-License-Identifier: MIT
#include "check_gradients.hpp"

namespace tn = typenet;

GRADIENT_TEST("a dropout", tn::input<21>, tn::dropout<0.3>, tn::linear<4>)
GRADIENT_TEST("a dropout of images", tn::input<3, 5, 5>, tn::conv2d<4, 3>, tn::dropout<0.5>, tn::relu)
