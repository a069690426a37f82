// SPDX-License-Identifier: MIT
/// @file
/// How kernels run on a machine of many threads in warps and blocks, whichever machine that is.
#pragma once

#include <bit>

#include <typenet/backends/batch_state.hpp>
#include <typenet/backends/simt/pack.hpp>

namespace typenet::detail {

/// Names a block's memory for what its warps add to a reduction.
struct reduction_parts;

/// One item of a reduction, by all warps of a block: each adds its share of the length, and their sums are added in the order of the
/// warps. So the result depends on their number, which is a constant, and on nothing else.
///
/// A `Machine` says where a thread stands and how threads meet:
/// - `lane()`, `shuffle_xor(value, mask)`: as `simt_pack` wants them
/// - `warp_of_block()`, `warps_of_block`, `sync_block()`, and `shared<T, Count, Tag>()`, memory of the block, apart for each Tag
/// - for `simt_execution` besides: `block()`, `blocks()`, and `sync_grid()`, where all threads of all blocks meet
template <class Machine, class Pack, int Sums, class Partial, class Finish>
TYPENET_HD void reduce_in_block(index item, index length, const Partial& partial, const Finish& finish) {
  using scalar = lane::scalar_t<Pack>;
  constexpr int warps = Machine::warps_of_block;
  // The same memory for all reductions of much the same size, however many a persistent kernel has: each ends with all threads meeting.
  constexpr int room = warps * static_cast<int>(std::bit_ceil(static_cast<unsigned>(Sums)));
  scalar* const parts = Machine::template shared<scalar, room, reduction_parts>();
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
  Machine::sync_block();  // before the next item's parts
}

/// All threads of a grid run a batch together, from within one kernel: each warp takes its share of the items, and all meet after each
/// of what would be a kernel of its own.
template <class Scalar, class Machine>
class simt_execution : public batch_state {
 public:
  using scalar = Scalar;
  using pack = simt_pack<Scalar, Machine>;
  static constexpr int lanes = pack::width;
  static constexpr bool many_workers = true;

  TYPENET_HD explicit simt_execution(const batch_state& state) : batch_state{state} {}

  [[nodiscard]] TYPENET_HD index blocks() const { return (batch() + lanes - 1) / lanes; }

  template <class F>
  TYPENET_HD void for_each(index items, const F& f) {
    constexpr int warps = Machine::warps_of_block;
    // Neighbouring items go to different blocks: few items then keep many of the machine's processors busy.
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
