// SPDX-License-Identifier: MIT
#include "device_memory.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <iterator>

#include "common.hpp"
#include "report.hpp"
#include "settings.hpp"

namespace cuda_on_cpu {
namespace {

constexpr std::uint64_t page = 4096;
/// Addresses that the device has in all: enough to use none of them twice.
constexpr std::uint64_t address_space = std::uint64_t{4} << 40;
/// Addresses that belong to no allocation, between two.
constexpr std::uint64_t gap = std::uint64_t{1} << 16;

std::byte* reserve() {
  void* const found = mmap(nullptr, address_space, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (found == MAP_FAILED)
    stop("the system refuses to reserve the addresses of device memory; a limit of virtual memory (ulimit -v) would be why");
  return static_cast<std::byte*>(found);
}

}  // namespace

device_memory::device_memory() : addresses_{reinterpret_cast<std::uint64_t>(reserve())}, memory_{reserve()}, next_{gap} {}

std::uint64_t device_memory::allocate(std::size_t bytes) {
  if (bytes > bytes_left()) return 0;
  const std::uint64_t body = round_up(std::max<std::uint64_t>(bytes, 1), page);
  if (next_ + body + gap > address_space) stop("all addresses of device memory have been used; a program of fewer allocations would run");
  std::byte* const memory = memory_ + next_;
  if (mprotect(memory, body, PROT_READ | PROT_WRITE) != 0) return 0;
  std::memset(memory, 0xFF, bytes);
  const std::uint64_t address = addresses_ + next_;
  all_[address] = {address, bytes, memory, false};
  next_ += body + gap;
  used_ += bytes;
  most_ = std::max(most_, used_);
  return address;
}

bool device_memory::free(std::uint64_t address) {
  const auto found = all_.find(address);
  if (found == all_.end() || found->second.memory == nullptr || found->second.is_host) return false;
  allocation& freed = found->second;
  const std::uint64_t body = round_up(std::max<std::uint64_t>(freed.bytes, 1), page);
  mmap(freed.memory, body, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
  used_ -= freed.bytes;
  freed.memory = nullptr;
  last_ = {};
  return true;
}

void device_memory::add_host(void* memory, std::size_t bytes) {
  const auto address = reinterpret_cast<std::uint64_t>(memory);
  all_[address] = {address, bytes, static_cast<std::byte*>(memory), true};
}

bool device_memory::remove_host(void* memory) {
  const auto found = all_.find(reinterpret_cast<std::uint64_t>(memory));
  if (found == all_.end() || !found->second.is_host) return false;
  all_.erase(found);
  last_ = {};
  return true;
}

const allocation* device_memory::holding(std::uint64_t address) const {
  auto above = all_.upper_bound(address);
  if (above == all_.begin()) return nullptr;
  const allocation& found = (--above)->second;
  return found.memory != nullptr && address - found.address < found.bytes ? &found : nullptr;
}

std::byte* device_memory::search(std::uint64_t address, std::size_t bytes) {
  const allocation* const found = holding(address);
  if (found == nullptr || bytes > found->bytes - (address - found->address)) return nullptr;
  last_ = *found;
  return found->memory + (address - found->address);
}

bool device_memory::is_device_address(std::uint64_t address) const { return address >= addresses_ && address - addresses_ < address_space; }

std::string device_memory::describe(std::uint64_t address) const {
  if (address < page) return "which is a null pointer, or near one";
  const auto text_of = [](const allocation& a) {
    return (a.memory == nullptr ? "a freed allocation of " : "an allocation of ") + std::to_string(a.bytes) + " bytes at " +
           hexadecimal(a.address);
  };
  if (all_.empty() || (!is_device_address(address) && holding(address) == nullptr)) return "which is no device memory";
  const auto above = all_.upper_bound(address);
  const std::uint64_t before = above == all_.end() ? address_space : above->first - address;
  if (above == all_.begin()) return "which is " + std::to_string(before) + " bytes before " + text_of(above->second);
  const allocation& found = std::prev(above)->second;
  const std::uint64_t from = address - found.address;
  if (from >= found.bytes && before < from - found.bytes)
    return "which is " + std::to_string(before) + " bytes before " + text_of(above->second);
  if (from >= found.bytes) return "which is " + std::to_string(from - found.bytes) + " bytes behind the end of " + text_of(found);
  return "which is byte " + std::to_string(from) + " of " + text_of(found);
}

std::size_t device_memory::bytes_left() const {
  const std::size_t all = static_cast<std::size_t>(get_settings().memory);
  return all > used_ ? all - used_ : 0;
}

device_memory& get_device_memory() {
  // Lives until the process ends: the program's own destructors use it.
  static device_memory& memory = *new device_memory;
  return memory;
}

}  // namespace cuda_on_cpu
