// SPDX-License-Identifier: MIT
#include "fat_binary.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "report.hpp"

namespace cuda_on_cpu {
namespace {

// The structures that nvcc writes.

struct fat_wrapper {
  std::uint32_t magic;
  std::uint32_t version;
  const std::byte* data;
  const void* name;
};

struct fat_header {
  std::uint32_t magic;
  std::uint16_t version;
  std::uint16_t header_bytes;
  std::uint64_t bytes;  ///< of all entries
};

/// The beginning of an entry; its contents follow after `header_bytes`.
struct fat_entry {
  std::uint16_t kind;  ///< 1 for PTX, 2 for machine code
  std::uint16_t version;
  std::uint32_t header_bytes;
  std::uint64_t bytes;
  std::uint32_t compressed_bytes;
  std::uint32_t options;
  std::uint16_t minor, major;
  std::uint32_t architecture;
};

template <class T>
T read(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}

}  // namespace

std::string ptx_of(const void* wrapper) {
  constexpr std::uint32_t wrapper_magic = 0x466243B1, header_magic = 0xBA55ED50;
  constexpr std::uint16_t kind_ptx = 1;
  const auto outer = read<fat_wrapper>(static_cast<const std::byte*>(wrapper));
  if (outer.magic != wrapper_magic || read<fat_header>(outer.data).magic != header_magic)
    stop("the program registers code in a form that is not known; it must be compiled by nvcc");
  const auto header = read<fat_header>(outer.data);
  const std::byte* at = outer.data + header.header_bytes;
  const std::byte* const end = at + header.bytes;
  std::string_view best;
  std::uint32_t newest = 0;
  while (at < end) {
    const auto entry = read<fat_entry>(at);
    const std::string_view contents{reinterpret_cast<const char*>(at + entry.header_bytes), static_cast<std::size_t>(entry.bytes)};
    // Compressed PTX does not contain its first directive.
    if (entry.kind == kind_ptx && contents.find(".version ") != std::string_view::npos && entry.architecture >= newest) {
      newest = entry.architecture;
      best = contents;
    }
    at += entry.header_bytes + entry.bytes;
  }
  return std::string{best.substr(0, best.find('\0'))};
}

}  // namespace cuda_on_cpu
