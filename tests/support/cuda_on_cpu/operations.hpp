// SPDX-License-Identifier: MIT
/// @file
/// What executes each operation. A function returns null for an operation that it does not know.
#pragma once

#include "decoder.hpp"
#include "program.hpp"

namespace cuda_on_cpu {

/// Arithmetic, comparisons, conversions and everything else that a lane computes from its own registers: lanewise.cpp.
executor lanewise_operation(const opcode& name);
/// Additions and subtractions that read or write the carry flag. Sets what `instruction::detail` must be.
executor carry_operation(const opcode& name, std::uint32_t& detail);
/// Sets the mode of rounding where it is not to nearest: `run` becomes an executor that calls `inner` in that mode.
void set_rounding(const opcode& name, instruction& i);

/// Loads, stores, atomic operations and conversions of addresses, in the state space `where`: memory_access.cpp.
executor memory_operation(const opcode& name, space where);

/// Operations in which lanes of a warp exchange values: warp_wide.cpp.
executor collective_operation(const opcode& name);

/// Executes a move between registers of any type.
void run_move(const instruction& i, warp& w, lane_mask lanes);
/// Executes a move between predicates.
void run_move_predicate(const instruction& i, warp& w, lane_mask lanes);
/// Executes a move of one register into several narrower ones of `detail` bits.
void run_unpack(const instruction& i, warp& w, lane_mask lanes);
/// Executes a move of several registers of `detail` bits into a wider one.
void run_pack(const instruction& i, warp& w, lane_mask lanes);
/// Executes an operation without effect.
void run_nothing(const instruction& i, warp& w, lane_mask lanes);
/// Reads the clock of the device: instructions that have been executed.
void run_clock(const instruction& i, warp& w, lane_mask lanes);
/// Names the lanes that execute it.
void run_active_mask(const instruction& i, warp& w, lane_mask lanes);
/// Ends the program: the kernel trapped.
void run_trap(const instruction& i, warp& w, lane_mask lanes);
/// Ends the program: the operation is unknown.
void run_unknown(const instruction& i, warp& w, lane_mask lanes);

}  // namespace cuda_on_cpu
