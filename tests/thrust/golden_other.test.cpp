// SPDX-License-Identifier: MIT
#include "check_layers.hpp"

namespace tn = typenet;
using namespace golden_cases;

GOLDEN_CASES_OTHER(ON_THRUST)
GOLDEN_CASES_LENET5(ON_THRUST)
