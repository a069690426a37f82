// SPDX-License-Identifier: MIT
#include "check_layers.hpp"

namespace tn = typenet;
using namespace golden_cases;

GOLDEN_CASES_COMPOSITIONS(ON_THRUST)
