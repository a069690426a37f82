// SPDX-License-Identifier: MIT
// Operations in which lanes of a warp exchange values. The warp calls them when all lanes that they name are there.
#include <algorithm>
#include <array>
#include <bit>
#include <string>
#include <type_traits>

#include "operations.hpp"
#include "warp.hpp"

namespace cuda_on_cpu {
namespace {

// The operands: sources[0] are the lanes that take part, sources[1] is the value.

enum class shuffle { up, down, butterfly, index };

template <shuffle S>
void run_shuffle(const instruction& i, warp& w, lane_mask lanes) {
  std::array<std::uint64_t, warp_size> values{};
  std::copy_n(w.lanes_of(i.sources[1]), warp_size, values.begin());
  lane_mask in_range = 0;
  for_lanes(lanes, [&](int lane) {
    const int by = static_cast<int>(w.lanes_of(i.sources[2])[lane] & 31);
    const auto control = static_cast<std::uint32_t>(w.lanes_of(i.sources[3])[lane]);
    // Segments of a warp exchange values among themselves.
    const int segment = static_cast<int>(control >> 8 & 31), clamp = static_cast<int>(control & 31);
    const int first = lane & segment, last = first | (clamp & ~segment);
    int from = lane;
    bool in = false;
    switch (S) {
      case shuffle::up: from = lane - by, in = from >= last; break;
      case shuffle::down: from = lane + by, in = from <= last; break;
      case shuffle::butterfly: from = lane ^ by, in = from <= last; break;
      case shuffle::index: from = first | (by & ~segment), in = from <= last; break;
    }
    if (!in) from = lane;
    if ((lanes >> from & 1) == 0) w.fault("a shuffle from lane " + std::to_string(from) + ", which takes no part in it or has ended", lane);
    w.lanes_of(i.destinations[0])[lane] = values[static_cast<std::size_t>(from)];
    in_range |= lane_mask{in} << lane;
  });
  if (i.destinations[1] != none) {
    std::uint64_t& to = w.lanes_of(i.destinations[1])[0];
    to = (to & ~lanes) | in_range;
  }
}

void run_ballot(const instruction& i, warp& w, lane_mask lanes) {
  const lane_mask votes = w.predicate(i.sources[1]) & lanes;
  for_lanes(lanes, [&](int lane) { w.lanes_of(i.destinations[0])[lane] = votes; });
}

enum class vote { any, all, uniform };

template <vote V>
void run_vote(const instruction& i, warp& w, lane_mask lanes) {
  const lane_mask votes = w.predicate(i.sources[1]) & lanes;
  const bool result = V == vote::any ? votes != 0 : V == vote::all ? votes == lanes : votes == lanes || votes == 0;
  std::uint64_t& to = w.lanes_of(i.destinations[0])[0];
  to = result ? to | lanes : to & ~lanes;
}

template <class T, bool All>
void run_match(const instruction& i, warp& w, lane_mask lanes) {
  const std::uint64_t* const values = w.lanes_of(i.sources[1]);
  std::array<lane_mask, warp_size> equal{};
  for_lanes(lanes, [&](int lane) {
    for_lanes(lanes, [&](int other) {
      if (static_cast<T>(values[lane]) == static_cast<T>(values[other])) equal[static_cast<std::size_t>(lane)] |= lane_mask{1} << other;
    });
  });
  lane_mask agree = 0;
  for_lanes(lanes, [&](int lane) {
    const lane_mask mine = equal[static_cast<std::size_t>(lane)];
    if (mine == lanes) agree |= lane_mask{1} << lane;
    w.lanes_of(i.destinations[0])[lane] = All && mine != lanes ? 0 : mine;
  });
  if (All && i.destinations[1] != none) {
    std::uint64_t& to = w.lanes_of(i.destinations[1])[0];
    to = (to & ~lanes) | agree;
  }
}

struct reduce_add {
  template <class T>
  static T apply(T a, T b) {
    return static_cast<T>(static_cast<std::uint32_t>(a) + static_cast<std::uint32_t>(b));
  }
};
struct reduce_min {
  template <class T>
  static T apply(T a, T b) {
    return std::min(a, b);
  }
};
struct reduce_max {
  template <class T>
  static T apply(T a, T b) {
    return std::max(a, b);
  }
};
struct reduce_and {
  template <class T>
  static T apply(T a, T b) {
    return a & b;
  }
};
struct reduce_or {
  template <class T>
  static T apply(T a, T b) {
    return a | b;
  }
};
struct reduce_xor {
  template <class T>
  static T apply(T a, T b) {
    return a ^ b;
  }
};

template <class T, class Operation>
void run_reduce(const instruction& i, warp& w, lane_mask lanes) {
  const std::uint64_t* const values = w.lanes_of(i.sources[1]);
  T result = static_cast<T>(values[first_lane(lanes)]);
  for_lanes(lanes & (lanes - 1), [&](int lane) { result = Operation::apply(result, static_cast<T>(values[lane])); });
  for_lanes(lanes, [&](int lane) { w.lanes_of(i.destinations[0])[lane] = static_cast<std::uint32_t>(result); });
}

template <class T>
executor reduction(const opcode& o) {
  if (o.has("add")) return run_reduce<T, reduce_add>;
  if (o.has("min")) return run_reduce<T, reduce_min>;
  if (o.has("max")) return run_reduce<T, reduce_max>;
  if (o.has("and")) return run_reduce<T, reduce_and>;
  if (o.has("or")) return run_reduce<T, reduce_or>;
  if (o.has("xor")) return run_reduce<T, reduce_xor>;
  return nullptr;
}

/// Names one of the lanes.
void run_elect(const instruction& i, warp& w, lane_mask lanes) {
  const int leader = first_lane(lanes);
  if (i.destinations[0] != none)
    for_lanes(lanes, [&](int lane) { w.lanes_of(i.destinations[0])[lane] = static_cast<std::uint64_t>(leader); });
  std::uint64_t& to = w.lanes_of(i.destinations[1])[0];
  to = (to & ~lanes) | lane_mask{1} << leader;
}

}  // namespace

executor collective_operation(const opcode& o) {
  if (o.root() == "shfl") {
    if (o.has("up")) return run_shuffle<shuffle::up>;
    if (o.has("down")) return run_shuffle<shuffle::down>;
    if (o.has("bfly")) return run_shuffle<shuffle::butterfly>;
    if (o.has("idx")) return run_shuffle<shuffle::index>;
  } else if (o.root() == "vote") {
    if (o.has("ballot")) return run_ballot;
    if (o.has("any")) return run_vote<vote::any>;
    if (o.has("all")) return run_vote<vote::all>;
    if (o.has("uni")) return run_vote<vote::uniform>;
  } else if (o.root() == "match") {
    if (o.has("all")) return o.last().bits == 64 ? run_match<std::uint64_t, true> : run_match<std::uint32_t, true>;
    return o.last().bits == 64 ? run_match<std::uint64_t, false> : run_match<std::uint32_t, false>;
  } else if (o.root() == "redux") {
    return o.last().kind == 's' ? reduction<std::int32_t>(o) : reduction<std::uint32_t>(o);
  } else if (o.root() == "elect") {
    return run_elect;
  } else if (o.root() == "bar" && o.has("warp")) {
    return run_nothing;
  }
  return nullptr;
}

}  // namespace cuda_on_cpu
