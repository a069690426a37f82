// SPDX-License-Identifier: MIT
#include "check_layers.hpp"

namespace tn = typenet;
using namespace golden_cases;

GOLDEN_CASES_CONV2D(ON_THRUST)
