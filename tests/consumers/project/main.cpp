// SPDX-License-Identifier: MIT
#include <array>
#include <cstdio>

#include <typenet/data.hpp>
#include <typenet/typenet.hpp>

#include "network.hpp"

int main() {
  tn::model<classifier> model{tn::seed{1}};
  std::array<float, 64> image{};
  const auto scores = model.predict(image);
  std::printf("%zu scores, the first %g\n", scores.size(), static_cast<double>(scores[0]));
  return scores.size() == 3 ? 0 : 1;
}
