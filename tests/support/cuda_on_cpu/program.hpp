// SPDX-License-Identifier: MIT
/// @file
/// A decoded kernel: instructions whose operands are numbers of registers. Literals, addresses of variables and special registers are
/// registers too; they are filled before a warp starts.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common.hpp"

namespace cuda_on_cpu {

struct instruction;
struct warp;

/// Executes an instruction on some lanes of a warp.
using executor = void (*)(const instruction&, warp&, lane_mask);

/// The state space of an address.
enum class space : std::uint8_t { generic, global, shared, local, param };

/// A type of PTX: its kind ('u', 's', 'f', 'b', or 'p' for a predicate) and its size.
struct type {
  char kind = 'b';
  int bits = 32;
};

/// The special registers of PTX. `clock` is every clock.
enum class special : std::uint8_t {
  tid_x,
  tid_y,
  tid_z,
  ntid_x,
  ntid_y,
  ntid_z,
  ctaid_x,
  ctaid_y,
  ctaid_z,
  nctaid_x,
  nctaid_y,
  nctaid_z,
  laneid,
  warpid,
  nwarpid,
  smid,
  nsmid,
  gridid,
  lanemask_eq,
  lanemask_lt,
  lanemask_le,
  lanemask_gt,
  lanemask_ge,
  dynamic_smem_size,
  total_smem_size,
  envreg1,
  envreg2,
  clock
};  // clang-format: one list

/// The absence of a register.
inline constexpr int none = -1;

struct instruction {
  /// What the loop over instructions must know of it.
  enum class kind : std::uint8_t {
    plain,         ///< calls `run`, then goes on
    branch,        ///< goes to `targets[0]`
    branch_table,  ///< goes to `targets[sources[0]]`
    exit,          ///< ends the lanes
    collective,    ///< calls `run` when the lanes that `sources[0]` names are there
    barrier        ///< waits for the block: barrier `sources[0]`, for `sources[1]` threads or for all
  };

  executor run = nullptr;
  kind what = kind::plain;
  space where = space::generic;
  bool loads = false;   ///< reads memory
  bool stores = false;  ///< writes memory
  bool guard_negated = false;
  std::uint8_t vector = 1;  ///< elements of a load or a store
  int guard = none;         ///< the predicate of the lanes that execute it
  std::array<int, 4> destinations{none, none, none, none};
  std::array<int, 6> sources{none, none, none, none, none, none};
  std::int64_t offset = 0;     ///< is added to an address
  std::uint32_t detail = 0;    ///< whatever else `run` needs
  executor inner = nullptr;    ///< what `run` calls with another mode of rounding
  std::vector<int> targets{};  ///< numbers of instructions
  std::string_view text{};     ///< as it stands in the PTX
};

/// A parameter of a kernel, at `offset` of the parameter block.
struct parameter {
  std::string_view name;
  std::size_t offset = 0;
  std::size_t bytes = 0;
};

struct kernel {
  std::string name;
  std::vector<parameter> parameters;
  std::size_t parameter_bytes = 0;
  int most_threads = 1024;  ///< of a block, as __launch_bounds__ says
  int registers = 0;
  std::vector<std::pair<int, std::uint64_t>> constants;  ///< register, value
  std::vector<std::pair<int, special>> specials;         ///< register, what it holds
  std::size_t shared_bytes = 0;                          ///< static shared memory of a block, from `shared_start` on
  std::size_t local_bytes = 0;                           ///< local memory of a thread
  std::vector<instruction> code;                         ///< ends with an exit
};

/// The first address of shared memory. Lower addresses are refused, so that a null pointer is found.
inline constexpr std::uint64_t shared_start = 1024;

/// Where generic addresses of memory other than global memory start. No host or device address is as high.
inline constexpr std::uint64_t shared_window = std::uint64_t{0xE1} << 56;
inline constexpr std::uint64_t local_window = std::uint64_t{0xE2} << 56;
inline constexpr std::uint64_t param_window = std::uint64_t{0xE3} << 56;
inline constexpr std::uint64_t window_bytes = std::uint64_t{1} << 56;

}  // namespace cuda_on_cpu
