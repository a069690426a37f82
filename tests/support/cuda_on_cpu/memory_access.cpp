// SPDX-License-Identifier: MIT
// Loads, stores and atomic operations. Each checks that the address is aligned and that all bytes lie in one live allocation, or in the
// block's shared memory, or in the thread's local memory.
#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <string>
#include <type_traits>

#include "device_memory.hpp"
#include "operations.hpp"
#include "report.hpp"
#include "warp.hpp"

namespace cuda_on_cpu {
namespace {

/// Whether `bytes` bytes from `from` on lie within `size` bytes.
bool within(std::uint64_t from, std::size_t bytes, std::size_t size) { return from <= size && bytes <= size - from; }

[[noreturn]] void out_of_range(const warp& w, int lane, space where, std::uint64_t address, std::size_t bytes) {
  std::string what = "an access of " + std::to_string(bytes) + " bytes at " + hexadecimal(address) + ", ";
  switch (where) {
    case space::shared:
      what += "outside the block's shared memory, which is " + std::to_string(w.block.shared.size()) + " bytes from " +
              hexadecimal(shared_start) + " on";
      break;
    case space::local: what += "outside the thread's local memory of " + std::to_string(w.grid.what.code->local_bytes) + " bytes"; break;
    case space::param: what += "outside the kernel's parameters of " + std::to_string(w.grid.what.parameters.size()) + " bytes"; break;
    default: what += get_device_memory().describe(address);
  }
  w.fault(what, lane);
}

[[noreturn]] void misaligned(const warp& w, int lane, std::uint64_t address, std::size_t bytes) {
  w.fault("a misaligned access of " + std::to_string(bytes) + " bytes at " + hexadecimal(address), lane);
}

/// The bytes at an address of a state space, for one lane. Ends the program where there are none.
/// @param bytes a power of two
template <space S>
[[gnu::always_inline]] inline std::byte* place(warp& w, std::uint64_t address, std::size_t bytes, int lane) {
  if ((address & (bytes - 1)) != 0) misaligned(w, lane, address, bytes);
  if constexpr (S == space::generic) {
    if (address >= shared_window) {
      const std::uint64_t offset = address % window_bytes;
      if (address < local_window) return place<space::shared>(w, offset, bytes, lane);
      if (address < param_window) return place<space::local>(w, offset, bytes, lane);
      return place<space::param>(w, offset, bytes, lane);
    }
    return place<space::global>(w, address, bytes, lane);
  } else if constexpr (S == space::shared) {
    // Addresses of shared memory may be in registers of 32 bits.
    const std::uint64_t offset = static_cast<std::uint32_t>(address) - shared_start;
    if (!within(offset, bytes, w.block.shared.size())) out_of_range(w, lane, S, address, bytes);
    return w.block.shared.data() + offset;
  } else if constexpr (S == space::local) {
    if (!within(address, bytes, w.grid.what.code->local_bytes)) out_of_range(w, lane, S, address, bytes);
    return w.local.data() + static_cast<std::size_t>(lane) * w.local_stride + address;
  } else if constexpr (S == space::param) {
    if (!within(address, bytes, w.grid.what.parameters.size())) out_of_range(w, lane, S, address, bytes);
    return const_cast<std::byte*>(w.grid.what.parameters.data()) + address;
  } else {
    std::byte* const found = get_device_memory().at(address, bytes);
    if (found == nullptr) out_of_range(w, lane, S, address, bytes);
    return found;
  }
}

template <class T>
T read_bytes(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}

/// Extends an integer to a register, with its sign if it has one.
template <class T>
std::uint64_t extended(T value) {
  return static_cast<std::uint64_t>(static_cast<std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>>(value));
}

template <space S, class T, std::size_t Count>
void run_load(const instruction& i, warp& w, lane_mask lanes) {
  const std::uint64_t* const address = w.lanes_of(i.sources[0]);
  std::array<std::uint64_t*, Count> to{};
  for (std::size_t k = 0; k < Count; ++k) to[k] = i.destinations[k] == none ? nullptr : w.lanes_of(i.destinations[k]);
  for_lanes(lanes, [&](int lane) {
    const std::byte* const from = place<S>(w, address[lane] + static_cast<std::uint64_t>(i.offset), Count * sizeof(T), lane);
    for (std::size_t k = 0; k < Count; ++k)
      if (to[k] != nullptr) to[k][lane] = extended(read_bytes<T>(from + k * sizeof(T)));
  });
}

template <space S, class T, std::size_t Count>
void run_store(const instruction& i, warp& w, lane_mask lanes) {
  const std::uint64_t* const address = w.lanes_of(i.sources[0]);
  std::array<const std::uint64_t*, Count> from{};
  for (std::size_t k = 0; k < Count; ++k) from[k] = w.lanes_of(i.sources[k + 1]);
  for_lanes(lanes, [&](int lane) {
    std::byte* const to = place<S>(w, address[lane] + static_cast<std::uint64_t>(i.offset), Count * sizeof(T), lane);
    for (std::size_t k = 0; k < Count; ++k) {
      const T value = static_cast<T>(from[k][lane]);
      std::memcpy(to + k * sizeof(T), &value, sizeof(T));
    }
  });
}

/// What an atomic operation leaves in memory, from what is there and its operands. Each has `apply<T>(old, a, b)`.
struct atomic_add {
  template <class T>
  static T apply(T old, T a, T) {
    if constexpr (std::is_integral_v<T>)
      return static_cast<T>(static_cast<std::make_unsigned_t<T>>(old) + static_cast<std::make_unsigned_t<T>>(a));
    else
      return old + a;
  }
};
struct atomic_min {
  template <class T>
  static T apply(T old, T a, T) {
    return std::min(old, a);
  }
};
struct atomic_max {
  template <class T>
  static T apply(T old, T a, T) {
    return std::max(old, a);
  }
};
struct atomic_and {
  template <class T>
  static T apply(T old, T a, T) {
    return old & a;
  }
};
struct atomic_or {
  template <class T>
  static T apply(T old, T a, T) {
    return old | a;
  }
};
struct atomic_xor {
  template <class T>
  static T apply(T old, T a, T) {
    return old ^ a;
  }
};
struct atomic_exchange {
  template <class T>
  static T apply(T, T a, T) {
    return a;
  }
};
struct atomic_compare_exchange {
  template <class T>
  static T apply(T old, T a, T b) {
    return old == a ? b : old;
  }
};
struct atomic_increment {
  template <class T>
  static T apply(T old, T a, T) {
    return old >= a ? T{0} : static_cast<T>(old + 1);
  }
};
struct atomic_decrement {
  template <class T>
  static T apply(T old, T a, T) {
    return old == T{0} || old > a ? a : static_cast<T>(old - 1);
  }
};

template <class T>
T from_register(std::uint64_t bits) {
  if constexpr (std::is_same_v<T, float>)
    return std::bit_cast<float>(static_cast<std::uint32_t>(bits));
  else if constexpr (std::is_same_v<T, double>)
    return std::bit_cast<double>(bits);
  else
    return static_cast<T>(bits);
}

template <space S, class T, class Operation>
void run_atomic(const instruction& i, warp& w, lane_mask lanes) {
  using bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  for_lanes(lanes, [&](int lane) {
    const auto operand = [&](std::size_t k) { return i.sources[k] == none ? T{} : from_register<T>(w.lanes_of(i.sources[k])[lane]); };
    std::byte* const at = place<S>(w, w.lanes_of(i.sources[0])[lane] + static_cast<std::uint64_t>(i.offset), sizeof(T), lane);
    const T old = read_bytes<T>(at);
    const T changed = Operation::template apply<T>(old, operand(1), operand(2));
    std::memcpy(at, &changed, sizeof(T));
    if (i.destinations[0] != none) w.lanes_of(i.destinations[0])[lane] = std::bit_cast<bits>(old);
  });
}

/// Converts addresses of a state space to generic addresses, or back.
template <space S, bool ToGeneric>
void run_convert_address(const instruction& i, warp& w, lane_mask lanes) {
  constexpr std::uint64_t window = S == space::shared  ? shared_window
                                   : S == space::local ? local_window
                                   : S == space::param ? param_window
                                                       : 0;
  const std::uint64_t* const from = w.lanes_of(i.sources[0]);
  std::uint64_t* const to = w.lanes_of(i.destinations[0]);
  for_lanes(lanes, [&](int lane) { to[lane] = ToGeneric ? from[lane] + window : from[lane] - window; });
}

/// Whether generic addresses belong to a state space.
template <space S>
void run_is_space(const instruction& i, warp& w, lane_mask lanes) {
  lane_mask result = 0;
  for_lanes(lanes, [&](int lane) {
    const std::uint64_t address = w.lanes_of(i.sources[0])[lane];
    const space found = address < shared_window  ? space::global
                        : address < local_window ? space::shared
                        : address < param_window ? space::local
                                                 : space::param;
    result |= lane_mask{found == S} << lane;
  });
  std::uint64_t& to = w.lanes_of(i.destinations[0])[0];
  to = (to & ~lanes) | result;
}

// ---- From an opcode to one of the above

/// Calls `pick` with the state space as a constant.
template <class Pick>
executor by_space(space where, Pick pick) {
  switch (where) {
    case space::generic: return pick(std::integral_constant<space, space::generic>{});
    case space::global: return pick(std::integral_constant<space, space::global>{});
    case space::shared: return pick(std::integral_constant<space, space::shared>{});
    case space::local: return pick(std::integral_constant<space, space::local>{});
    case space::param: return pick(std::integral_constant<space, space::param>{});
  }
  return nullptr;
}

/// Calls `pick` with the number of elements of a load or a store as a constant.
template <class Pick>
executor by_count(const opcode& o, Pick pick) {
  if (o.has("v8")) return nullptr;
  if (o.has("v4")) return pick(std::integral_constant<std::size_t, 4>{});
  if (o.has("v2")) return pick(std::integral_constant<std::size_t, 2>{});
  return pick(std::integral_constant<std::size_t, 1>{});
}

executor load(const opcode& o, space where) {
  const bool with_sign = o.last().kind == 's';
  return by_space(where, [&](auto s) {
    return by_count(o, [&](auto c) -> executor {
      constexpr space S = decltype(s)::value;
      constexpr std::size_t count = decltype(c)::value;
      switch (o.last().bits) {
        case 8: return with_sign ? run_load<S, std::int8_t, count> : run_load<S, std::uint8_t, count>;
        case 16: return with_sign ? run_load<S, std::int16_t, count> : run_load<S, std::uint16_t, count>;
        case 32: return with_sign ? run_load<S, std::int32_t, count> : run_load<S, std::uint32_t, count>;
        case 64: return run_load<S, std::uint64_t, count>;
        default: return nullptr;
      }
    });
  });
}

executor store(const opcode& o, space where) {
  return by_space(where, [&](auto s) {
    return by_count(o, [&](auto c) -> executor {
      constexpr space S = decltype(s)::value;
      constexpr std::size_t count = decltype(c)::value;
      switch (o.last().bits) {
        case 8: return run_store<S, std::uint8_t, count>;
        case 16: return run_store<S, std::uint16_t, count>;
        case 32: return run_store<S, std::uint32_t, count>;
        case 64: return run_store<S, std::uint64_t, count>;
        default: return nullptr;
      }
    });
  });
}

template <space S, class T>
executor atomic_on(const opcode& o) {
  if (o.has("add")) return run_atomic<S, T, atomic_add>;
  if (o.has("exch")) return run_atomic<S, T, atomic_exchange>;
  if constexpr (std::is_integral_v<T>) {
    if (o.has("min")) return run_atomic<S, T, atomic_min>;
    if (o.has("max")) return run_atomic<S, T, atomic_max>;
    if (o.has("and")) return run_atomic<S, T, atomic_and>;
    if (o.has("or")) return run_atomic<S, T, atomic_or>;
    if (o.has("xor")) return run_atomic<S, T, atomic_xor>;
    if (o.has("cas")) return run_atomic<S, T, atomic_compare_exchange>;
    if (o.has("inc")) return run_atomic<S, T, atomic_increment>;
    if (o.has("dec")) return run_atomic<S, T, atomic_decrement>;
  }
  return nullptr;
}

executor atomic(const opcode& o, space where) {
  const type t = o.last();
  return by_space(where, [&](auto s) -> executor {
    constexpr space S = decltype(s)::value;
    if constexpr (S == space::generic || S == space::global || S == space::shared) {
      if (t.kind == 'f') return t.bits == 32 ? atomic_on<S, float>(o) : t.bits == 64 ? atomic_on<S, double>(o) : nullptr;
      if (t.bits == 32) return t.kind == 's' ? atomic_on<S, std::int32_t>(o) : atomic_on<S, std::uint32_t>(o);
      if (t.bits == 64) return t.kind == 's' ? atomic_on<S, std::int64_t>(o) : atomic_on<S, std::uint64_t>(o);
    }
    return nullptr;
  });
}

}  // namespace

executor memory_operation(const opcode& o, space where) {
  const std::string_view root = o.root();
  if (root == "ld" || root == "ldu") return load(o, where);
  if (root == "st") return store(o, where);
  if (root == "atom" || root == "red") return atomic(o, where);
  if (root == "cvta")
    return by_space(where, [&](auto s) -> executor {
      constexpr space S = decltype(s)::value;
      return o.has("to") ? run_convert_address<S, false> : run_convert_address<S, true>;
    });
  if (root == "isspacep") return by_space(where, [](auto s) -> executor { return run_is_space<decltype(s)::value>; });
  return nullptr;
}

}  // namespace cuda_on_cpu
