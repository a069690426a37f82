// SPDX-License-Identifier: MIT
#include "check_golden.hpp"
#include "golden_cases.hpp"

namespace tn = typenet;
using namespace golden_cases;

GOLDEN_CASES_OTHER(GOLDEN_TEST)
GOLDEN_CASES_LENET5(GOLDEN_TEST)
