// SPDX-License-Identifier: MIT
// Reads the input as the two files of MNIST: two bytes with the length of the first, little-endian, the images, the labels. A data set that
// is accepted has a class for each image.
#include <algorithm>

#include <typenet/data/mnist.hpp>

#include "fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::uint8_t> input{data, size};
  if (size < 2) return 0;
  const auto files = input.subspan(2);
  const std::size_t first = std::min<std::size_t>(input[0] + 256u * input[1], files.size());
  fuzz::input_file("t10k-images-idx3-ubyte", files.first(first));
  fuzz::input_file("t10k-labels-idx1-ubyte", files.subspan(first));
  try {
    const fuzz::tn::mnist_dataset read = fuzz::tn::load_mnist(fuzz::tn::mnist_split::test, fuzz::folder().path());
    ++fuzz::accepted;
    fuzz::demand(read.size() > 0, "a data set has images");
    for (fuzz::tn::index i = 0; i < read.size(); ++i) {
      fuzz::demand(read.label(i) >= 0 && read.label(i) < 10, "a label is a class");
      fuzz::demand(read.bytes(i).size() == 784, "an image has 28x28 pixels");
    }
  } catch (const fuzz::tn::error&) {
    return 0;
  }
  return 0;
}
