// SPDX-License-Identifier: MIT
// Fingerprints of the Thrust backend on the host. Without Thrust, prints nothing.
#if __has_include(<thrust/version.h>)

#include <typenet/thrust.hpp>

#include "harness.hpp"
#include "images.hpp"
#include "networks.hpp"

namespace fingerprint {

void through_thrust() {
  using in_double = tn::thrust_backend<double>;
  steps<strided, tn::gpu>("thrust: strided, sgd", tn::mse{}, tn::sgd{.learning_rate = 0.1}, {37, 1});
  steps<composed, tn::gpu>("thrust: composed, adamw", tn::mse{}, tn::adamw{.learning_rate = 3e-3}, {37, 1});
  steps<pools, in_double>("thrust double: pools, rmsprop", tn::mse{}, tn::rmsprop{.learning_rate = 1e-3}, {37, 1});

  const auto data = samples<tn::shape{1, 10, 10}, 4>(45, 10);
  fits<connected, tn::gpu>("thrust: fit: connected, curvature", data, data, tn::rbf_map{},
                           tn::stochastic_diagonal_lm{.learning_rate = 1e-3, .curvature_samples = 40}, {.epochs = 1, .batch_size = 20});
  fits<classic, tn::gpu>("thrust: fit: classic, augmented", distorted(70, 20), distorted(33, 22), tn::cross_entropy{},
                         tn::adam{.learning_rate = 3e-3}, {.epochs = 2, .batch_size = 40, .validation_split = 0.2, .keep_best = true});
}

}  // namespace fingerprint

#else

#include "harness.hpp"

void fingerprint::through_thrust() {}

#endif
