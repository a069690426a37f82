// SPDX-License-Identifier: MIT
// Fingerprints of the CPU backend that stores neighboring numbers of one sample in the lanes.
#include "harness.hpp"
#include "networks.hpp"

namespace fingerprint {

void one_sample() {
  using backend = tn::cpu_single;
  steps<strided, backend>("single: strided, sgd", tn::mse{}, tn::sgd{.learning_rate = 0.1}, {1, 5});
  steps<grouped, backend>("single: grouped, adam", tn::cross_entropy{}, tn::adam{.learning_rate = 1e-2}, {1, 5});
  steps<pools, backend>("single: pools, rmsprop", tn::mse{}, tn::rmsprop{.learning_rate = 1e-3}, {1, 5});
  steps<classic, backend>("single: classic, adam", tn::cross_entropy{}, tn::adam{.learning_rate = 3e-3}, {1, 5});
  steps<composed, backend>("single: composed, sgd", tn::mse{}, tn::sgd{.learning_rate = 0.1}, {1, 5});
  steps<vectors, backend>("single: vectors, sgd", tn::mse{}, tn::sgd{.learning_rate = 0.1}, {3, 5});
  steps<bordered, tn::eigen_backend<double, 1>>("single double: bordered, sgd", tn::cross_entropy{}, tn::sgd{.learning_rate = 0.1}, {1, 5});
}

}  // namespace fingerprint
