// SPDX-License-Identifier: MIT
#include "penalties.hpp"

#include "emulated_machine.hpp"

TEST_CASE_TEMPLATE("the lowest output is the class on the lanes of a warp", Scalar, float, double) {
  penalties::check<testing::emulated_backend<Scalar>>();
}
