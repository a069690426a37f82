// SPDX-License-Identifier: MIT
// Mutates the content of a gzip file. A mutation of the file itself is mostly found by its checksum, so that its content is not read.
#include <zlib.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

namespace {

/// The content of the first gzip stream, cut after `most` bytes; empty where there is none.
std::vector<std::uint8_t> content(std::uint8_t* data, std::size_t size, std::size_t most) {
  std::vector<std::uint8_t> out(most);
  z_stream zlib{};
  if (inflateInit2(&zlib, 15 + 16) != Z_OK) return {};
  zlib.next_in = data;
  zlib.avail_in = static_cast<uInt>(size);
  zlib.next_out = out.data();
  zlib.avail_out = static_cast<uInt>(out.size());
  inflate(&zlib, Z_FINISH);
  out.resize(zlib.total_out);
  inflateEnd(&zlib);
  return out;
}

/// The content as a gzip stream, made with little memory and in little time; empty where it would be longer than `most`.
std::vector<std::uint8_t> pack(std::vector<std::uint8_t>& inside, std::size_t most) {
  std::vector<std::uint8_t> out(most);
  z_stream zlib{};
  if (deflateInit2(&zlib, Z_BEST_SPEED, Z_DEFLATED, 9 + 16, 1, Z_DEFAULT_STRATEGY) != Z_OK) return {};
  zlib.next_in = inside.data();
  zlib.avail_in = static_cast<uInt>(inside.size());
  zlib.next_out = out.data();
  zlib.avail_out = static_cast<uInt>(out.size());
  const int status = deflate(&zlib, Z_FINISH);
  out.resize(status == Z_STREAM_END ? zlib.total_out : 0);
  deflateEnd(&zlib);
  return out;
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most, unsigned random) {
  const bool compressed = size > 2 && data[0] == 0x1f && data[1] == 0x8b;
  if (!compressed || random % 4 == 0) return LLVMFuzzerMutate(data, size, most);
  std::vector<std::uint8_t> inside = content(data, size, most);
  const std::size_t length = inside.size();
  inside.resize(most);
  inside.resize(LLVMFuzzerMutate(inside.data(), length, most));
  const std::vector<std::uint8_t> packed = pack(inside, most);
  if (packed.empty()) return LLVMFuzzerMutate(data, size, most);
  std::copy(packed.begin(), packed.end(), data);
  return packed.size();
}
