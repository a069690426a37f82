// SPDX-License-Identifier: MIT
#include <cmath>
#include <limits>
#include <vector>

#include <typenet/inference.hpp>

#include "layer_tests.hpp"
#include "scalar_backend.hpp"

namespace tn = typenet;
using namespace golden_cases;

LAYER_TESTS(GOLDEN_CASES_MAX_POOL2D)

TEST_CASE_TEMPLATE("NaN in a window is its maximum, wherever it lies", Backend, tn::cpu, tn::cpu_single, tn::eigen_backend<double>,
                   testing::scalar_backend<float>) {
  using scalar = typename Backend::scalar;
  tn::model<tn::network<tn::input<1, 2, 4>, tn::max_pool2d<2>>, Backend> model;
  tn::model<tn::network<tn::input<1, 2, 4>, tn::relu, tn::max_pool2d<2>>, Backend> fused;
  for (std::size_t at = 0; at < 8; ++at) {
    std::vector<scalar> image{1, 2, 3, 4, 5, 1, 7, 8};
    image[at] = std::numeric_limits<scalar>::quiet_NaN();
    const bool left = at % 4 < 2;
    const auto pooled = model.predict(image);
    CHECK(std::isnan(pooled[left ? 0 : 1]));
    CHECK(pooled[left ? 1 : 0] == (left ? 8 : 5));
    CHECK(std::isnan(fused.predict(image)[left ? 0 : 1]));
  }
}
