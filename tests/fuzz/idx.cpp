// SPDX-License-Identifier: MIT
// Reads the input as an IDX file, plain or gzip-compressed. An array that is accepted has as many values as its extents say.
#include <typenet/data/idx.hpp>

#include "fuzz.hpp"

namespace {

template <class T>
bool read_as(const std::filesystem::path& file) {
  fuzz::tn::idx_array<T> read;
  try {
    read = fuzz::tn::read_idx<T>(file);
  } catch (const fuzz::tn::error&) {
    return false;
  }
  std::size_t count = 1;
  for (const std::uint32_t extent : read.extents) count *= extent;
  fuzz::demand(!read.extents.empty() && read.values.size() == count, "an array has as many values as its extents say");
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto file = fuzz::input_file("idx", {data, size});
  fuzz::tn::idx_type type{};
  try {
    type = fuzz::tn::read_idx_header(file).type;
  } catch (const fuzz::tn::error&) {
    fuzz::demand(!read_as<std::uint8_t>(file), "an array whose header is refused is refused");
    return 0;
  }
  switch (type) {
    case fuzz::tn::idx_type::uint8: fuzz::accepted += read_as<std::uint8_t>(file); break;
    case fuzz::tn::idx_type::int8: fuzz::accepted += read_as<std::int8_t>(file); break;
    case fuzz::tn::idx_type::int16: fuzz::accepted += read_as<std::int16_t>(file); break;
    case fuzz::tn::idx_type::int32: fuzz::accepted += read_as<std::int32_t>(file); break;
    case fuzz::tn::idx_type::float32: fuzz::accepted += read_as<float>(file); break;
    case fuzz::tn::idx_type::float64: fuzz::accepted += read_as<double>(file); break;
  }
  return 0;
}
