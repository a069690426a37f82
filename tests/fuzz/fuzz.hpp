// SPDX-License-Identifier: MIT
/// @file
/// What the fuzz harnesses share. A harness is a file that defines `LLVMFuzzerTestOneInput`: it gives the input to one reader. A reader may
/// accept an input, or refuse it by an exception of the library; everything else is a finding.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <typenet/io.hpp>
#include <typenet/typenet.hpp>

#include "../data/scratch.hpp"

/// The entry of a harness. libFuzzer calls it with each input.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace fuzz {

namespace tn = typenet;
using scratch::bytes;

/// Inputs that a reader has accepted so far.
inline long accepted = 0;

/// Makes a broken promise a finding.
/// @throws std::logic_error unless `kept`
inline void demand(bool kept, const char* promise) {
  if (!kept) throw std::logic_error{promise};
}

/// The temporary folder of this process.
inline const scratch::folder& folder() {
  static const scratch::folder made;
  return made;
}

/// Writes the input to a file of the temporary folder.
inline std::filesystem::path input_file(std::string_view name, std::span<const std::uint8_t> input) {
  return folder().write(name, bytes(input.begin(), input.end()));
}

/// A small network that has every kind of tensor: weights, biases, running means, a counter.
using network = tn::network<tn::input<1, 3, 3>, tn::conv2d<1, 2>, tn::batch_norm<>, tn::relu, tn::flatten, tn::linear<2>>;
using model = tn::model<network>;
using trainer = tn::trainer<model, tn::cross_entropy, tn::adam>;
using data_set = tn::tensor_dataset<tn::shape{1, 3, 3}, 2>;

/// Six samples of two classes.
inline data_set samples() {
  std::vector<float> values;
  std::vector<int> labels;
  for (int i = 0; i < 6; ++i) {
    labels.push_back(i % 2);
    for (int p = 0; p < 9; ++p) values.push_back(static_cast<float>((i + 2) * (p + 1) % 7) / 7 - static_cast<float>(i % 2));
  }
  return {std::move(values), std::move(labels)};
}

/// The options of a training that a checkpoint resumes.
inline tn::fit_options training_options() { return {.epochs = 3, .batch_size = 4, .threads = 1, .keep_best = true}; }

/// The bits of arrays, one after the other.
template <class... Array>
std::string bits_of(const Array&... array) {
  std::string all;
  (all.append(reinterpret_cast<const char*>(array.data()), static_cast<std::size_t>(array.size()) * sizeof(*array.data())), ...);
  return all;
}
inline std::string bits_of(const model& m) { return bits_of(m.parameter_array(), m.buffer_array()); }

}  // namespace fuzz
