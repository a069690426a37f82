// SPDX-License-Identifier: MIT
#include <cmath>
#include <limits>
#include <vector>

#include "layer_tests.hpp"

namespace tn = typenet;
using namespace golden_cases;

LAYER_TESTS(GOLDEN_CASES_BATCH_NORM)

TEST_CASE_TEMPLATE("NaN in a channel makes both of its running statistics NaN, as in PyTorch", Backend, tn::eigen_backend<double>,
                   tn::eigen_backend<double, 1>) {
  testing::network_runner<tn::network<tn::input<2, 2, 2>, tn::batch_norm<>>, Backend, true> run{2};
  run.set_parameter(0, {1, 1});
  run.set_parameter(1, {0, 0});
  std::vector<double> images(16, 1.0);
  images[5] = std::numeric_limits<double>::quiet_NaN();  // of the second channel
  run.forward(images, 2);
  CHECK(std::isfinite(run.buffer(0)[0]));
  CHECK(std::isnan(run.buffer(0)[1]));
  CHECK(std::isfinite(run.buffer(1)[0]));
  CHECK(std::isnan(run.buffer(1)[1]));
}
