// SPDX-License-Identifier: MIT
// Mutates a safetensors file part by part. A mutation of the whole mostly breaks the length before the header, so that nothing behind it is
// read.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most, unsigned random) {
  std::uint64_t header = 0;
  for (std::size_t i = std::min<std::size_t>(size, 8); i > 0; --i) header = header << 8 | data[i - 1];
  if (size < 9 || header > size - 8 || header == 0 || random % 4 == 0) return LLVMFuzzerMutate(data, size, most);
  const std::size_t tensors = 8 + static_cast<std::size_t>(header);
  if (random % 4 == 1 && tensors < size) {
    // The numbers, which keep their count.
    std::vector<std::uint8_t> numbers(data + tensors, data + size);
    const std::size_t mutated = LLVMFuzzerMutate(numbers.data(), numbers.size(), numbers.size());
    std::copy_n(numbers.begin(), mutated, data + tensors);
    return size;
  }
  // The header, whose new length is written before it.
  std::vector<std::uint8_t> text(data + 8, data + tensors);
  const std::vector<std::uint8_t> numbers(data + tensors, data + size);
  text.resize(most - size + text.size());
  const std::size_t mutated = LLVMFuzzerMutate(text.data(), static_cast<std::size_t>(header), text.size());
  for (std::size_t i = 0; i < 8; ++i) data[i] = static_cast<std::uint8_t>(static_cast<std::uint64_t>(mutated) >> 8 * i);
  std::copy_n(text.begin(), mutated, data + 8);
  std::copy(numbers.begin(), numbers.end(), data + 8 + mutated);
  return 8 + mutated + numbers.size();
}
