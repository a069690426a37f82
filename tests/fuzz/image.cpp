// SPDX-License-Identifier: MIT
// Reads the input as an image file. An image that is accepted has 28x28 bytes, and its inverse is the inverse of each.
#include "../../examples/lenet5/digit.hpp"
#include "fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto file = fuzz::input_file("image", {data, size});
  try {
    const std::vector<std::uint8_t> digit = lenet5::read_digit(file, false), inverse = lenet5::read_digit(file, true);
    ++fuzz::accepted;
    fuzz::demand(digit.size() == 784 && inverse.size() == 784, "a digit has 28x28 bytes");
    for (std::size_t i = 0; i < digit.size(); ++i)
      fuzz::demand(digit[i] + inverse[i] == 255, "the inverse of a digit is that of each byte");
  } catch (const fuzz::tn::error&) {
    return 0;
  }
  return 0;
}
