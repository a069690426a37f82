// SPDX-License-Identifier: MIT
#include <array>
#include <cstdio>

#include <typenet/thrust.hpp>
#include <typenet/typenet.hpp>

namespace tn = typenet;

using perceptron = tn::network<tn::input<2>, tn::linear<8>, tn::tanh, tn::linear<1>>;

int main() {
  tn::model<perceptron, tn::thrust_backend<float>> model{tn::seed{1}};
  tn::model<perceptron> same{tn::seed{1}};
  const std::array<float, 2> point{0.5f, -1.0f};
  const float value = model.predict(point)[0], expected = same.predict(point)[0];
  const float difference = value - expected;
  std::printf("%g on Thrust's system %d, %g on the CPU backend\n", double{value}, THRUST_DEVICE_SYSTEM, double{expected});
  return difference < 1e-5f && difference > -1e-5f ? 0 : 1;
}
