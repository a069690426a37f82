// SPDX-License-Identifier: MIT
/// @file
/// The execution of kernels on a machine of threads in warps and blocks: a CUDA device, or an emulation of one.
#pragma once

#include <bit>

#include <typenet/backends/batch_state.hpp>
#include <typenet/backends/simt/pack.hpp>
#include <typenet/core/config.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet::detail {

/// The tag of the shared memory in which a block keeps the partial sums of its warps.
struct reduction_parts;

/// Runs one item of a reduction on all warps of a block. Each warp sums a range of the length; then the sums are added in the order of the
/// warps. The result depends on the number of warps, which is a constant, and on nothing else.
///
/// A `Machine` gives a thread its place and the barriers:
/// - `lane()`, `shuffle_xor(value, mask)`: the functions of a warp (`simt_pack`)
/// - `warps_of_block`: warps in a block; `warp_of_block()`: the number of this thread's warp in its block
/// - `sync_block()`: the barrier of all threads of a block
/// - `shared<T, Count, Tag>()`: memory of the block for `Count` numbers, separate for each `T`, `Count` and `Tag`
/// - `blocks()`: blocks of the grid; `block()`: the number of this thread's block (`simt_execution` needs both)
/// - `sync_grid()`: the barrier of all threads of all blocks (`simt_execution` needs it)
///
/// @param partial `partial(item, first, last, sum)` adds [first, last) of the length to the packs `sum[Sums]`
/// @param finish `finish(item, total)` receives the numbers `total[Sums]`; one thread calls it
template <class Machine, class Pack, int Sums, class Partial, class Finish>
TYPENET_HD void reduce_in_block(index item, index length, const Partial& partial, const Finish& finish) {
  using scalar = lane::scalar_t<Pack>;
  constexpr int warps = Machine::warps_of_block;
  // [warp][sum]. Reductions of similar size share it, because each ends with a barrier. A persistent kernel then needs little shared
  // memory.
  constexpr int capacity = warps * static_cast<int>(std::bit_ceil(static_cast<unsigned>(Sums)));
  scalar* const parts = Machine::template shared<scalar, capacity, reduction_parts>();
  const int warp = Machine::warp_of_block();
  Pack sum[Sums];
  for (Pack& s : sum) s = 0;
  partial(item, length * warp / warps, length * (warp + 1) / warps, sum);
  TYPENET_UNROLL
  for (int i = 0; i < Sums; ++i) {
    const scalar part = lane::sum(sum[i]);
    if (lane::is_leader<Pack>()) parts[warp * Sums + i] = part;
  }
  Machine::sync_block();
  if (warp == 0 && lane::is_leader<Pack>()) {
    scalar total[Sums];
    for (int i = 0; i < Sums; ++i) {
      total[i] = parts[i];
      for (int w = 1; w < warps; ++w) total[i] += parts[w * Sums + i];
    }
    finish(item, total);
  }
  Machine::sync_block();  // before the next item overwrites the parts
}

/// Runs a batch on all threads of a grid, from within one persistent kernel. Each warp runs every n-th work item. After each `for_each` and
/// each `reduce`, all threads wait at the barrier of the grid.
template <class Scalar, class Machine>
class simt_execution : public batch_state {
 public:
  using scalar = Scalar;
  using pack = simt_pack<Scalar, Machine>;
  static constexpr int lanes = pack::width;
  static constexpr bool many_workers = true;

  TYPENET_HD explicit simt_execution(const batch_state& state) : batch_state{state} {}

  /// Packs that cover the batch.
  [[nodiscard]] TYPENET_HD index blocks() const { return (batch() + lanes - 1) / lanes; }

  template <class F>
  TYPENET_HD void for_each(index items, const F& f) {
    constexpr int warps = Machine::warps_of_block;
    // Neighboring items go to different blocks, so that few items keep many processors busy.
    for (index i = Machine::block() + index{Machine::blocks()} * Machine::warp_of_block(); i < items; i += index{Machine::blocks()} * warps)
      f(i);
    Machine::sync_grid();
  }

  template <int Sums, class Partial, class Finish>
  TYPENET_HD void reduce(index items, index length, const Partial& partial, const Finish& finish) {
    for (index i = Machine::block(); i < items; i += Machine::blocks()) reduce_in_block<Machine, pack, Sums>(i, length, partial, finish);
    Machine::sync_grid();
  }
};

}  // namespace typenet::detail
