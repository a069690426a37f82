// SPDX-License-Identifier: MIT
#include <array>
#include <cstdio>

#include <typenet/data.hpp>
#include <typenet/io.hpp>
#include <typenet/typenet.hpp>

namespace tn = typenet;

using classifier = tn::network<tn::input<1, 8, 8>, tn::conv2d<4, 3>, tn::relu, tn::max_pool2d<2>, tn::flatten, tn::linear<3>>;

int main() {
  tn::model<classifier> model{tn::seed{1}};
  std::array<float, 64> image{};
  const auto scores = model.predict(image);
  std::printf("%zu scores, the first %g\n", scores.size(), static_cast<double>(scores[0]));
  return scores.size() == 3 ? 0 : 1;
}
