// SPDX-License-Identifier: MIT
/// @file
/// The state of a running grid: blocks, warps, registers and memory.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common.hpp"
#include "program.hpp"

namespace cuda_on_cpu {

struct extent {
  unsigned x = 1, y = 1, z = 1;
  [[nodiscard]] std::uint64_t count() const { return std::uint64_t{x} * y * z; }
};

/// What a launch asks for.
struct launch {
  const kernel* code = nullptr;
  extent grid, block;
  std::size_t dynamic_shared_bytes = 0;
  bool cooperative = false;
  /// The parameter block, as the kernel reads it.
  std::vector<std::byte> parameters;
};

/// A launch that runs.
struct grid_run {
  const launch& what;
  /// The address of the barrier of a cooperative grid; 0 for other grids.
  std::uint64_t barrier_address = 0;
  /// Warp instructions that have been executed.
  std::uint64_t instructions = 0;
  /// Whether dependent loads are counted.
  bool counts_rounds = false;
};

struct block_run;

struct warp {
  grid_run& grid;
  block_run& block;
  int number;  ///< in its block

  std::vector<std::uint64_t> registers{};  ///< `[register][lane]`; a predicate is a lane mask in lane 0
  std::vector<std::byte> local{};          ///< `[lane][byte]`, `local_stride` bytes a lane
  std::size_t local_stride = 0;

  std::array<int, warp_size> at{};  ///< the next instruction of each lane that is not in the present group
  lane_mask alive = 0;
  lane_mask at_barrier = 0;  ///< lanes that wait for the block
  lane_mask at_meeting = 0;  ///< lanes that wait for lanes of the warp
  lane_mask carry = 0;       ///< the carry flags
  const instruction* present = nullptr;
  lane_mask present_lanes = 0;

  /// Rounds of dependent loads: how many loads of global memory have followed one another until a register had its value.
  std::vector<std::uint32_t> rounds{};
  std::uint32_t control_rounds = 0;  ///< until the present instruction could be reached
  std::uint32_t store_rounds = 0;    ///< until the latest store

  [[nodiscard]] std::uint64_t* lanes_of(int r) { return registers.data() + static_cast<std::size_t>(r) * warp_size; }
  [[nodiscard]] lane_mask predicate(int r) { return static_cast<lane_mask>(lanes_of(r)[0]); }
  [[nodiscard]] bool done() const { return alive == 0; }

  /// Executes instructions until all lanes wait or have ended, or until `most` instructions are over.
  void run(std::uint64_t most);
  /// Ends the program with a message that says where this is: kernel, instruction, block, warp and lane.
  /// @param lane the lane whose fault it is; `none` for the whole warp
  [[noreturn]] void fault(const std::string& what, int lane = none) const;

 private:
  [[nodiscard]] bool meet(const instruction& i, int& next, lane_mask& lanes);
  void count_rounds(const instruction& i);
};

struct block_run {
  std::uint64_t number;           ///< in its grid
  extent place;                   ///< its coordinates
  std::vector<std::byte> shared;  ///< from `shared_start` on
  std::vector<std::unique_ptr<warp>> warps;

  [[nodiscard]] bool done() const;
  /// Lets the lanes go on whose barrier is complete. Returns whether there are any.
  bool release_barriers();
};

/// Runs a grid to its end.
void run_grid(const launch& what);

}  // namespace cuda_on_cpu
