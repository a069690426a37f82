// SPDX-License-Identifier: MIT
// Reads the input as a file of weights. A model whose file is refused keeps its weights. Weights that are accepted can be saved, and come
// back with equal bits.
#include "fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fuzz::model fresh{fuzz::tn::seed{1}};
  static const std::string fresh_bits = fuzz::bits_of(fresh);
  fuzz::model read = fresh;
  const auto file = fuzz::input_file("weights", {data, size});
  try {
    fuzz::tn::load_weights(file, read);
  } catch (const fuzz::tn::error&) {
    fuzz::demand(fuzz::bits_of(read) == fresh_bits, "a model whose file is refused keeps its weights");
    return 0;
  }
  ++fuzz::accepted;
  fuzz::tn::save_weights(file, read);
  fuzz::model again = fresh;
  fuzz::tn::load_weights(file, again);
  fuzz::demand(fuzz::bits_of(again) == fuzz::bits_of(read), "weights that were accepted are saved and read again with equal bits");
  return 0;
}
