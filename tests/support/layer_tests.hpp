// SPDX-License-Identifier: MIT
// The tests of one layer: golden cases compare it with PyTorch, and finite differences check its gradients.
#pragma once

#include "check_golden.hpp"
#include "golden_cases.hpp"
#if TYPENET_TEST_FULLY
#include "check_gradients.hpp"
#endif

#if TYPENET_TEST_FULLY
#define LAYER_TESTS(CASES) \
  CASES(GOLDEN_TEST)       \
  CASES(GRADIENT_TEST)
#else
#define LAYER_TESTS(CASES) CASES(GOLDEN_TEST)
#endif
