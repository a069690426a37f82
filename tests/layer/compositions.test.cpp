// SPDX-License-Identifier: MIT
#include "layer_tests.hpp"

namespace tn = typenet;
using namespace golden_cases;

GOLDEN_CASES_COMPOSITIONS(GOLDEN_TEST)
#if TYPENET_TEST_FULLY
GOLDEN_CASES_COMPOSITIONS(GRADIENT_TEST_EVERYWHERE)
#endif
