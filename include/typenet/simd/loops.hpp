// SPDX-License-Identifier: MIT
/// @file
/// What kernels share beside the arithmetic of simd/pack.hpp: stores that may add, lanes beyond the batch, and loops over values.
#pragma once

#include <typenet/core/ceil_div.hpp>
#include <typenet/core/config.hpp>
#include <typenet/simd/execution.hpp>
#include <typenet/simd/lane_view.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet::lane {

/// Writes a gradient, or adds to what another consumer of the same value has written.
template <bool Accumulate, class Pack>
TYPENET_HD TYPENET_INLINE void store_or_add(lane::scalar_t<Pack>* to, const Pack& value) {
  if constexpr (Accumulate)
    lane::store(to, lane::load<Pack>(to) + value);
  else
    lane::store(to, value);
}

/// The same for the first `count` lanes, anywhere.
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

/// Samples of block b that are part of the batch.
template <class Pack>
TYPENET_HD TYPENET_INLINE int valid_lanes(index block, index batch) {
  const index left = batch - block * lane::width<Pack>;
  return left >= lane::width<Pack> ? lane::width<Pack> : left > 0 ? static_cast<int>(left) : 0;
}

/// Zeroes the lanes that are not part of the batch.
template <class Pack>
TYPENET_HD TYPENET_INLINE Pack keep_lanes(const Pack& value, int valid) {
  return valid >= lane::width<Pack> ? value : lane::select(lane::first_lanes<Pack>(valid), value, 0);
}

/// Adds `count` neighbouring numbers of each lane to `sum`.
template <int Lanes, class Pack>
TYPENET_HD TYPENET_INLINE void add_run(const lane::scalar_t<Pack>* from, index count, Pack& sum) {
  // Four chains hide the additions' latency.
  Pack part[4] = {0, 0, 0, 0};
  index e = 0;
  for (; e + 4 <= count; e += 4) {
    TYPENET_UNROLL
    for (int i = 0; i < 4; ++i) part[i] = part[i] + lane::load<Pack>(from + (e + i) * Lanes);
  }
  for (; e < count; ++e) part[0] = part[0] + lane::load<Pack>(from + e * Lanes);
  sum = sum + ((part[0] + part[1]) + (part[2] + part[3]));
}

/// Cuts [first, last), which counts `size` numbers of each block, where blocks end: calls `body(block, begin, end)` for each piece,
/// begin and end counted from the block's start.
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

/// Numbers that a work item of `Exec` takes on, of `all` that it could.
template <class Exec>
constexpr int grain(int all, int small) {
  return Exec::many_workers && small < all ? small : all;
}

/// Calls `body(block, element offset in scalars)` for each pack of a value of `Size` numbers a sample.
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

/// Calls `body(sample, first, count)` for each row of a value of `Size` numbers a sample: `count` of them from the number `first` on.
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

/// A copy, or the gradient of a value that is passed on.
template <int Size, bool Accumulate, class Exec, class From, class To>
TYPENET_HD void pass_values(Exec& exec, const From& from, const To& to) {
  using pack = typename Exec::pack;
  for_each_pack<Size>(exec, [=] TYPENET_HD(index block, index offset) {
    lane::store_or_add<Accumulate>(lane::block<pack>(to, block) + offset, lane::load<pack>(lane::block<pack>(from, block) + offset));
  });
}
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
