// SPDX-License-Identifier: MIT
/// @file
/// Helpers that kernels share: stores that may add, masks for the lanes past the end of the batch, and loops over values.
#pragma once

#include <typenet/core/ceil_div.hpp>
#include <typenet/core/config.hpp>
#include <typenet/simd/execution.hpp>
#include <typenet/simd/lane_view.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet::lane {

/// Stores a gradient, or adds it to the gradient that another consumer of the value has stored.
/// @tparam Accumulate adds where true
/// @param to `[lane]`, aligned to the pack
template <bool Accumulate, class Pack>
TYPENET_HD TYPENET_INLINE void store_or_add(lane::scalar_t<Pack>* to, const Pack& value) {
  if constexpr (Accumulate)
    lane::store(to, lane::load<Pack>(to) + value);
  else
    lane::store(to, value);
}

/// Stores the first `count` lanes of a gradient, or adds them to what is there. Where `Accumulate`, a whole pack is read.
/// @param to `[lane]`, any alignment
template <bool Accumulate, class Pack>
TYPENET_HD TYPENET_INLINE void store_or_add_first(lane::scalar_t<Pack>* to, const Pack& value, int count) {
  if constexpr (Accumulate) {
    store_or_add_first<false>(to, lane::load_unaligned<Pack>(to) + value, count);
  } else if (count >= lane::width<Pack>) {
    lane::store_unaligned(to, value);
  } else {
    lane::store_first(to, value, count);
  }
}

/// The number of lanes of a block that hold samples of the batch, from 0 to `width<Pack>`.
template <class Pack>
TYPENET_HD TYPENET_INLINE int valid_lanes(index block, index batch) {
  const index left = batch - block * lane::width<Pack>;
  return left >= lane::width<Pack> ? lane::width<Pack> : left > 0 ? static_cast<int>(left) : 0;
}

/// The value with zeros in the lanes from `valid` on, which hold no samples of the batch.
template <class Pack>
TYPENET_HD TYPENET_INLINE Pack keep_lanes(const Pack& value, int valid) {
  return valid >= lane::width<Pack> ? value : lane::select(lane::first_lanes<Pack>(valid), value, 0);
}

/// Adds `count` neighboring elements to `sum`, lane by lane.
/// @tparam Lanes distance from one element to the next, in scalars
/// @param from `[element][lane]`, aligned to the pack
template <int Lanes, class Pack>
TYPENET_HD TYPENET_INLINE void add_run(const lane::scalar_t<Pack>* from, index count, Pack& sum) {
  // Four independent sums hide the latency of the additions.
  Pack part[4] = {0, 0, 0, 0};
  index e = 0;
  for (; e + 4 <= count; e += 4) {
    TYPENET_UNROLL
    for (int i = 0; i < 4; ++i) part[i] = part[i] + lane::load<Pack>(from + (e + i) * Lanes);
  }
  for (; e < count; ++e) part[0] = part[0] + lane::load<Pack>(from + e * Lanes);
  sum = sum + ((part[0] + part[1]) + (part[2] + part[3]));
}

/// Splits the range [first, last) at the ends of blocks, and calls `body(block, begin, end)` for the part in each block.
/// @param first, last numbers counted through all blocks, `size` of them in each; `begin` and `end` count from the block's start
template <class Body>
TYPENET_HD TYPENET_INLINE void for_each_run(index first, index last, index size, const Body& body) {
  while (first < last) {
    const index block = first / size;
    const index begin = first - block * size;
    const index end = last - block * size < size ? last - block * size : size;
    body(block, begin, end);
    first += end - begin;
  }
}

/// The size of a work item: `small` for executions with many workers, `all` for the others, and never more than `all`.
template <class Exec>
constexpr int grain(int all, int small) {
  return Exec::many_workers && small < all ? small : all;
}

/// Calls `body(block, offset)` for each pack of a value.
/// @tparam Size numbers of one sample of the value
/// @param body `offset` is the element's distance from the block's start, in scalars
template <int Size, class Exec, class Body>
TYPENET_HD void for_each_pack(Exec& exec, Body body) {
  constexpr int chunk = grain<Exec>(64, 4);
  constexpr index chunks = typenet::detail::ceil_div(Size, chunk);
  exec.for_each(exec.blocks() * chunks, [=] TYPENET_HD(index item) {
    const index block = item / chunks;
    const int first = static_cast<int>(item % chunks) * chunk;
    const int last = first + chunk < Size ? first + chunk : Size;
    for (int e = first; e < last; ++e) body(block, index{e} * Exec::lanes);
  });
}

/// Calls `body(sample, first, count)` for each vector of a value, in work items of 64 vectors. A vector holds the numbers
/// [first, first + count) of a sample; `count` is the vector's width, and less in the last vector.
/// @tparam Size numbers of one sample of the value
template <int Size, one_sample_execution Exec, class Body>
TYPENET_HD void for_each_vector(Exec& exec, const Body& body) {
  constexpr int width = lane::width<typename Exec::vector>;
  constexpr int chunk = 64 * width;
  constexpr index chunks = typenet::detail::ceil_div(Size, chunk);
  exec.for_each(exec.blocks() * chunks, [&](index item) {
    const int first = static_cast<int>(item % chunks) * chunk;
    const int last = first + chunk < Size ? first + chunk : Size;
    int e = first;
    for (; e + width <= last; e += width) body(item / chunks, e, width);
    if (e < last) body(item / chunks, e, last - e);
  });
}

/// Copies a value, or passes a gradient on unchanged.
/// @tparam Size numbers of one sample of the value
/// @tparam Accumulate adds to `to` where true
/// @param from, to views of `Size` numbers a sample
template <int Size, bool Accumulate, class Exec, class From, class To>
TYPENET_HD void pass_values(Exec& exec, const From& from, const To& to) {
  using pack = typename Exec::pack;
  for_each_pack<Size>(exec, [=] TYPENET_HD(index block, index offset) {
    lane::store_or_add<Accumulate>(lane::block<pack>(to, block) + offset, lane::load<pack>(lane::block<pack>(from, block) + offset));
  });
}
/// The overload for one sample, with neighboring numbers in the lanes.
template <int Size, bool Accumulate, one_sample_execution Exec, class From, class To>
TYPENET_HD void pass_values(Exec& exec, const From& from, const To& to) {
  using scalar = typename Exec::scalar;
  using vector = typename Exec::vector;
  lane::for_each_vector<Size>(exec, [&](index sample, int first, int count) {
    lane::store_or_add_first<Accumulate>(lane::block<scalar>(to, sample) + first,
                                         lane::load_unaligned<vector>(lane::block<scalar>(from, sample) + first), count);
  });
}

}  // namespace typenet::lane
