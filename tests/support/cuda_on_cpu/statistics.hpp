// SPDX-License-Identifier: MIT
/// @file
/// Counts what the device does, and prints it at the end of the process.
#pragma once

#include <cstdint>

#include "warp.hpp"

namespace cuda_on_cpu {

/// What is counted besides kernels.
struct totals {
  std::uint64_t launches = 0;
  std::uint64_t graph_launches = 0;
  std::uint64_t copies_to_device = 0, bytes_to_device = 0;
  std::uint64_t copies_to_host = 0, bytes_to_host = 0;
  std::uint64_t copies_on_device = 0;
  std::uint64_t synchronizations = 0;
  std::uint64_t allocations = 0;
};

totals& get_totals();

/// Counts a grid that has run.
/// @param instructions warp instructions
/// @param rounds the largest number of loads of global memory of which each needs the one before
void note_run(const launch& what, std::uint64_t instructions, std::uint32_t rounds);

/// Prints the totals and the table of kernels to the standard error stream, if settings::statistics asks for it.
void print_statistics();

}  // namespace cuda_on_cpu
