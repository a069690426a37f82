// SPDX-License-Identifier: MIT
// Fingerprints of the CPU backend with sixteen samples in the lanes.
#include "harness.hpp"
#include "networks.hpp"

namespace fingerprint {

void on_cpu() {
  steps<strided>("strided, sgd", tn::mse{}, tn::sgd{.learning_rate = 0.1}, {37, 16, 1});
  steps<bordered>("bordered, nesterov", tn::cross_entropy{.label_smoothing = 0.1},
                  tn::sgd{.learning_rate = 0.05, .momentum = 0.9, .nesterov = true, .weight_decay = 1e-3});
  steps<grouped>("grouped, adam", tn::cross_entropy{}, tn::adam{.learning_rate = 1e-2});
  steps<pools>("pools, rmsprop", tn::mse{.on = 1, .off = -1},
               tn::rmsprop{.learning_rate = 1e-3, .weight_decay = 1e-3, .momentum = 0.5, .centered = true});
  steps<averaged>("averaged, momentum", tn::mse{}, tn::sgd{.learning_rate = 0.1, .momentum = 0.8, .dampening = 0.1});
  steps<group_normed>("group normed, adamw", tn::cross_entropy{}, tn::adamw{.learning_rate = 3e-3});
  steps<normalised>("normalised, adamw", tn::cross_entropy{}, tn::adamw{.learning_rate = 3e-3});
  steps<composed>("composed, adamw", tn::mse{}, tn::adamw{.learning_rate = 3e-3}, {37, 80, 1});
}

void in_double() {
  using backend = tn::eigen_backend<double>;
  steps<bordered, backend>("double: bordered, adam", tn::cross_entropy{}, tn::adam{.learning_rate = 1e-2});
  steps<averaged, backend>("double: averaged, rmsprop", tn::mse{}, tn::rmsprop{.learning_rate = 1e-3});
  steps<composed, backend>("double: composed, nesterov", tn::mse{}, tn::sgd{.learning_rate = 0.05, .momentum = 0.9, .nesterov = true});
}

}  // namespace fingerprint
