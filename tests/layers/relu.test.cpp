// SPDX-License-Identifier: MIT
#include "layer_tests.hpp"

namespace tn = typenet;
using namespace golden_cases;

LAYER_TESTS(GOLDEN_CASES_RELU)
