// SPDX-License-Identifier: MIT
#include <array>
#include <cstdio>

#include <typenet/typenet.hpp>

namespace tn = typenet;

using perceptron = tn::network<tn::input<2>, tn::linear<8>, tn::tanh, tn::linear<1>>;

int main() {
  tn::model<perceptron> model{tn::seed{1}};
  const std::array<float, 2> point{0.5f, -1.0f};
  const auto value = model.predict(point);
  std::printf("%s\n%g\n", to_string(tn::build_info()).c_str(), static_cast<double>(value[0]));
  return value.size() == 1 ? 0 : 1;
}
