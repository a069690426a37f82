// SPDX-License-Identifier: MIT
#include <cstdio>

#include <typenet/data.hpp>

namespace tn = typenet;

int main() try {
  const tn::mnist_dataset digits = tn::load_mnist(tn::mnist_split::test, "no/such/folder");
  std::printf("%td digits\n", digits.size());
  return 1;
} catch (const tn::error& e) {
  std::printf("refused, as it should be: %s\n", e.what());
  return 0;
}
