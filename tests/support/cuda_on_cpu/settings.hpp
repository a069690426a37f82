// SPDX-License-Identifier: MIT
/// @file
/// What the environment variables TYPENET_CUDA_ON_CPU_* ask for. README.md describes each.
#pragma once

#include <cstdint>

namespace cuda_on_cpu {

struct settings {
  /// Whether a table of all kernels is printed at the end: STATISTICS.
  bool statistics = false;
  /// Whether blocks and warps run in descending order: REVERSED.
  bool reversed = false;
  /// Whether work runs when it is queued, not as late as possible: EAGER.
  bool eager = false;
  /// Multiprocessors of the device: PROCESSORS.
  std::uint64_t processors = 4;
  /// Bytes of device memory: MEMORY.
  std::uint64_t memory = std::uint64_t{8} << 30;
  /// The synchronization from which on every call fails, counted from 1; 0 for none: FAIL_SYNCHRONIZATION.
  std::uint64_t fail_synchronization = 0;
  /// The allocation that fails, counted from 1; 0 for none: FAIL_ALLOCATION.
  std::uint64_t fail_allocation = 0;
  /// Warp instructions after which a launch counts as endless: INSTRUCTIONS.
  std::uint64_t instructions = 10'000'000'000;
};

/// The settings of this process. They are read once.
const settings& get_settings();

}  // namespace cuda_on_cpu
