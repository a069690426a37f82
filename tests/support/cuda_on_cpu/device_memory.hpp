// SPDX-License-Identifier: MIT
/// @file
/// Device memory: addresses that the host cannot reach, and the bytes behind them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace cuda_on_cpu {

/// An allocation, alive or freed.
struct allocation {
  std::uint64_t address = 0;
  std::size_t bytes = 0;
  /// Its first byte; null after it is freed.
  std::byte* memory = nullptr;
  /// Whether the host made it, and reads and writes it at the same address.
  bool is_host = false;
};

/// All allocations of a process. An address is used once: whoever reaches freed memory is found. Between two allocations lie addresses that
/// belong to none, and the host finds none of the addresses readable. New memory is filled with ones, which is NaN in every
/// floating-point type.
class device_memory {
 public:
  device_memory();
  device_memory(const device_memory&) = delete;
  device_memory& operator=(const device_memory&) = delete;

  /// Returns the address of `bytes` new bytes, or 0 if the device has no more.
  std::uint64_t allocate(std::size_t bytes);
  /// Frees the allocation that starts at `address`. Returns whether there is one.
  bool free(std::uint64_t address);
  /// Makes memory of the host an allocation at its own address.
  void add_host(void* memory, std::size_t bytes);
  /// Forgets the host's allocation. Returns whether there is one that starts there.
  bool remove_host(void* memory);

  /// The bytes at an address, or null if they do not all lie in one live allocation.
  std::byte* at(std::uint64_t address, std::size_t bytes) {
    const std::uint64_t from = address - last_.address;
    if (from >= last_.bytes || bytes > last_.bytes - from) return search(address, bytes);
    return last_.memory + from;
  }
  /// The live allocation that holds an address, or null.
  [[nodiscard]] const allocation* holding(std::uint64_t address) const;
  /// Whether an address is one of the device's, whether or not something lies there.
  [[nodiscard]] bool is_device_address(std::uint64_t address) const;
  /// What lies at an address, for a message: "8 bytes behind the end of an allocation of 400 bytes".
  [[nodiscard]] std::string describe(std::uint64_t address) const;

  [[nodiscard]] std::size_t bytes_left() const;
  /// The largest number of bytes that were in use.
  [[nodiscard]] std::size_t most_bytes() const { return most_; }
  [[nodiscard]] std::size_t live_bytes() const { return used_; }

 private:
  std::byte* search(std::uint64_t address, std::size_t bytes);

  std::map<std::uint64_t, allocation> all_;
  /// The allocation that was reached last.
  allocation last_;
  std::uint64_t addresses_ = 0;  ///< the first address of the device
  std::byte* memory_ = nullptr;  ///< what lies behind the first address
  std::uint64_t next_;           ///< the offset of the next allocation
  std::size_t used_ = 0, most_ = 0;
};

/// The memory of the one device.
device_memory& get_device_memory();

}  // namespace cuda_on_cpu
