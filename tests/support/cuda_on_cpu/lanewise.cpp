// SPDX-License-Identifier: MIT
// What a lane computes from its own registers. A C++ lambda says what an operation does to one lane; the types of its parameters and of its
// result say how registers are read and written. `bool` is a predicate.
#include <algorithm>
#include <bit>
#include <cfenv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>

#include "operations.hpp"
#include "warp.hpp"

namespace cuda_on_cpu {
namespace {

// ---- From a lambda to an executor

/// Reads a lane of a register as a T. `register_lanes` has the layout `[lane]`.
template <class T>
T read_lane(const std::uint64_t* register_lanes, int lane) {
  if constexpr (std::is_same_v<T, bool>)
    return (register_lanes[0] >> lane & 1) != 0;
  else if constexpr (std::is_same_v<T, float>)
    return std::bit_cast<float>(static_cast<std::uint32_t>(register_lanes[lane]));
  else if constexpr (std::is_same_v<T, double>)
    return std::bit_cast<double>(register_lanes[lane]);
  else
    return static_cast<T>(register_lanes[lane]);
}

template <class T>
std::uint64_t register_bits(T value) {
  if constexpr (std::is_same_v<T, float>)
    return std::bit_cast<std::uint32_t>(value);
  else if constexpr (std::is_same_v<T, double>)
    return std::bit_cast<std::uint64_t>(value);
  else
    return static_cast<std::make_unsigned_t<T>>(value);
}

template <class F, class R, class... A, std::size_t... N>
void run_on_lanes(const instruction& i, warp& w, lane_mask lanes, R (F::*)(A...) const, std::index_sequence<N...>) {
  const std::uint64_t* const sources[] = {w.lanes_of(i.sources[N])...};
  std::uint64_t* const to = w.lanes_of(i.destinations[0]);
  if constexpr (std::is_same_v<R, bool>) {
    lane_mask result = 0;
    for_lanes(lanes, [&](int lane) { result |= lane_mask{F{}(read_lane<A>(sources[N], lane)...)} << lane; });
    to[0] = (to[0] & ~lanes) | result;
  } else {
    for_lanes(lanes, [&](int lane) { to[lane] = register_bits<R>(F{}(read_lane<A>(sources[N], lane)...)); });
  }
}

template <class>
struct arity;
template <class F, class R, class... A>
struct arity<R (F::*)(A...) const> {
  static constexpr std::size_t value = sizeof...(A);
};

/// The executor of a function object without state.
template <class F>
executor lanewise(F) {
  return [](const instruction& i, warp& w, lane_mask lanes) {
    run_on_lanes(i, w, lanes, &F::operator(), std::make_index_sequence<arity<decltype(&F::operator())>::value>{});
  };
}

// ---- From a PTX type to a C++ type: `pick` is called with a zero of it

template <class Pick>
executor by_integer(type t, Pick pick) {
  const bool with_sign = t.kind == 's';
  switch (t.bits) {
    case 8: return with_sign ? pick(std::int8_t{}) : pick(std::uint8_t{});
    case 16: return with_sign ? pick(std::int16_t{}) : pick(std::uint16_t{});
    case 32: return with_sign ? pick(std::int32_t{}) : pick(std::uint32_t{});
    case 64: return with_sign ? pick(std::int64_t{}) : pick(std::uint64_t{});
    default: return nullptr;
  }
}
/// Every type as an unsigned integer of its size.
template <class Pick>
executor by_bits(type t, Pick pick) {
  switch (t.bits) {
    case 8: return pick(std::uint8_t{});
    case 16: return pick(std::uint16_t{});
    case 32: return pick(std::uint32_t{});
    case 64: return pick(std::uint64_t{});
    default: return nullptr;
  }
}
template <class Pick>
executor by_float(type t, Pick pick) {
  if (t.kind != 'f') return nullptr;
  return t.bits == 32 ? pick(float{}) : t.bits == 64 ? pick(double{}) : nullptr;
}

// ---- Floating-point results

float flush(float x) { return std::fpclassify(x) == FP_SUBNORMAL ? std::copysign(0.0f, x) : x; }
template <class T>
T flush(T x) {
  return x;
}

template <class F, class M = decltype(&F::operator())>
struct flushed;
/// Takes and gives zeros for subnormal numbers: .ftz.
template <class F, class R, class... A>
struct flushed<F, R (F::*)(A...) const> {
  R operator()(A... a) const { return flush(F{}(flush(a)...)); }
};

template <class F, class M = decltype(&F::operator())>
struct saturated;
/// Limits the result to [0, 1], and makes NaN 0: .sat.
template <class F, class R, class... A>
struct saturated<F, R (F::*)(A...) const> {
  R operator()(A... a) const {
    const R x = F{}(a...);
    return x > R{0} ? std::min(x, R{1}) : R{0};
  }
};

template <class F>
executor with_flush(const opcode& o, F f) {
  return o.has("ftz") ? lanewise(flushed<F>{}) : lanewise(f);
}
template <class F>
executor with_modifiers(const opcode& o, F f) {
  return o.has("sat") ? with_flush(o, saturated<F>{}) : with_flush(o, f);
}

/// The smaller of two numbers: of a number and NaN the number, unless NaN is to win. -0 is smaller than 0.
template <class T, bool NanWins>
T minimum(T a, T b) {
  if (std::isnan(a) || std::isnan(b)) {
    if (NanWins || (std::isnan(a) && std::isnan(b))) return std::numeric_limits<T>::quiet_NaN();
    return std::isnan(a) ? b : a;
  }
  return a < b || (a == b && std::signbit(a)) ? a : b;
}

// ---- Integers

/// An integer of twice the size.
template <class T>
using twice = std::conditional_t<sizeof(T) == 1, std::conditional_t<std::is_signed_v<T>, std::int16_t, std::uint16_t>,
                                 std::conditional_t<sizeof(T) == 2, std::conditional_t<std::is_signed_v<T>, std::int32_t, std::uint32_t>,
                                                    std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>>>;

template <class T>
using modular = std::conditional_t<sizeof(T) == 8, std::uint64_t, std::uint32_t>;

// Unsigned arithmetic wraps, as the device's does.
template <class T>
T sum(T a, T b) {
  return static_cast<T>(static_cast<modular<T>>(a) + static_cast<modular<T>>(b));
}
template <class T>
T difference(T a, T b) {
  return static_cast<T>(static_cast<modular<T>>(a) - static_cast<modular<T>>(b));
}
template <class T>
T low_product(T a, T b) {
  return static_cast<T>(static_cast<modular<T>>(a) * static_cast<modular<T>>(b));
}
template <class T>
twice<T> wide_product(T a, T b) {
  return static_cast<twice<T>>(static_cast<twice<T>>(a) * static_cast<twice<T>>(b));
}
template <class T>
T high_product(T a, T b) {
  if constexpr (sizeof(T) == 8) {
    __extension__ using integer = std::conditional_t<std::is_signed_v<T>, __int128, unsigned __int128>;
    return static_cast<T>(static_cast<integer>(a) * static_cast<integer>(b) >> 64);
  } else {
    return static_cast<T>(wide_product(a, b) >> (8 * sizeof(T)));
  }
}
// The device defines the quotient by zero as all ones, and its remainder as the dividend.
template <class T>
T quotient(T a, T b) {
  if (b == 0) return static_cast<T>(~T{0});
  if constexpr (std::is_signed_v<T>)
    if (b == T{-1}) return difference(T{0}, a);
  return static_cast<T>(a / b);
}
template <class T>
T remainder_of(T a, T b) {
  if (b == 0) return a;
  if constexpr (std::is_signed_v<T>)
    if (b == T{-1}) return 0;
  return static_cast<T>(a % b);
}
template <class T>
T shifted_left(T a, std::uint32_t by) {
  return by >= 8 * sizeof(T) ? T{0} : static_cast<T>(static_cast<modular<T>>(a) << by);
}
template <class T>
T shifted_right(T a, std::uint32_t by) {
  const std::uint32_t most = 8 * sizeof(T) - 1;
  if (!std::is_signed_v<T> && by > most) return T{0};
  return static_cast<T>(a >> std::min(by, most));
}
/// `bits` bits of `a` from bit `from` on, with their sign if T has one.
template <class T>
T bit_field(T a, std::uint32_t from, std::uint32_t bits) {
  from &= 255;
  bits &= 255;
  const std::uint32_t size = 8 * sizeof(T);
  if (bits == 0) return T{0};
  const auto sign = static_cast<std::uint64_t>(a) >> std::min(from + bits - 1, size - 1) & 1;
  auto field = from >= size ? 0 : static_cast<std::make_unsigned_t<T>>(a) >> from;
  if (bits < size) {
    field &= (std::make_unsigned_t<T>{1} << bits) - 1;
  }
  if (std::is_signed_v<T> && sign != 0) {
    const std::uint32_t kept = std::min(bits, from >= size ? 0 : size - from);
    if (kept < size) field |= static_cast<std::make_unsigned_t<T>>(~std::make_unsigned_t<T>{0} << kept);
  }
  return static_cast<T>(field);
}
template <class T>
T with_bit_field(T field, T into, std::uint32_t from, std::uint32_t bits) {
  from &= 255;
  bits &= 255;
  const std::uint32_t size = 8 * sizeof(T);
  if (from >= size || bits == 0) return into;
  const T ones = bits >= size ? static_cast<T>(~T{0}) : static_cast<T>((T{1} << bits) - 1);
  const T mask = static_cast<T>(ones << from);
  return static_cast<T>((into & ~mask) | (static_cast<T>(field << from) & mask));
}
std::uint32_t permuted_bytes(std::uint32_t low, std::uint32_t high, std::uint32_t selection) {
  const std::uint64_t bytes = low | std::uint64_t{high} << 32;
  std::uint32_t result = 0;
  for (int k = 0; k < 4; ++k) {
    const std::uint32_t which = selection >> (4 * k) & 15;
    std::uint32_t byte = static_cast<std::uint32_t>(bytes >> (8 * (which & 7)) & 255);
    if ((which & 8) != 0) byte = (byte & 128) != 0 ? 255 : 0;
    result |= byte << (8 * k);
  }
  return result;
}
std::uint32_t logic(std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t table) {
  std::uint32_t result = 0;
  for (int k = 0; k < 8; ++k)
    if ((table >> k & 1) != 0) result |= ((k & 4) != 0 ? a : ~a) & ((k & 2) != 0 ? b : ~b) & ((k & 1) != 0 ? c : ~c);
  return result;
}

// ---- Comparisons

enum class comparison { eq, ne, lt, le, gt, ge, equ, neu, ltu, leu, gtu, geu, num, nan };

template <comparison C, class T>
bool compare(T a, T b) {
  using enum comparison;
  bool unordered = false;
  if constexpr (std::is_floating_point_v<T>) unordered = std::isnan(a) || std::isnan(b);
  switch (C) {
    case eq: return a == b;
    case ne: return !unordered && a != b;
    case lt: return a < b;
    case le: return a <= b;
    case gt: return a > b;
    case ge: return a >= b;
    case equ: return unordered || a == b;
    case neu: return unordered || a != b;
    case ltu: return unordered || a < b;
    case leu: return unordered || a <= b;
    case gtu: return unordered || a > b;
    case geu: return unordered || a >= b;
    case num: return !unordered;
    case nan: return unordered;
  }
}

template <comparison C>
executor comparing(const opcode& o) {
  const auto pick = [&](auto zero) {
    using T = decltype(zero);
    return with_flush(o, [](T a, T b) { return compare<C>(a, b); });
  };
  return o.last().kind == 'f' ? by_float(o.last(), pick) : by_integer(o.last(), pick);
}

executor setp(const opcode& o) {
  using enum comparison;
  using row = executor (*)(const opcode&);
  static const std::unordered_map<std::string_view, row> rows{
      {"eq", comparing<eq>},   {"ne", comparing<ne>},   {"lt", comparing<lt>},   {"le", comparing<le>},   {"gt", comparing<gt>},
      {"ge", comparing<ge>},   {"lo", comparing<lt>},   {"ls", comparing<le>},   {"hi", comparing<gt>},   {"hs", comparing<ge>},
      {"equ", comparing<equ>}, {"neu", comparing<neu>}, {"ltu", comparing<ltu>}, {"leu", comparing<leu>}, {"gtu", comparing<gtu>},
      {"geu", comparing<geu>}, {"num", comparing<num>}, {"nan", comparing<nan>}};
  const auto found = rows.find(o.parts[1]);
  return found == rows.end() ? nullptr : found->second(o);
}

// ---- Conversions

enum class whole { toward_zero, down, up, nearest };

template <whole W, class T>
T to_whole(T x) {
  switch (W) {
    case whole::toward_zero: return std::trunc(x);
    case whole::down: return std::floor(x);
    case whole::up: return std::ceil(x);
    case whole::nearest: return std::nearbyint(x);
  }
}

/// The integer of a number, limited to what the integer can hold; of NaN 0.
template <class To, whole W, class From>
To integer_of(From x) {
  if (std::isnan(x)) return To{0};
  const From rounded = to_whole<W>(x);
  const From limit = std::ldexp(From{1}, std::numeric_limits<To>::digits);
  if (rounded >= limit) return std::numeric_limits<To>::max();
  if (rounded <= (std::is_signed_v<To> ? -limit : From{0})) return std::numeric_limits<To>::min();
  return static_cast<To>(rounded);
}

template <whole W>
executor from_float(const opcode& o) {
  const type to = o.before_last();
  return by_float(o.last(), [&](auto source) {
    using From = decltype(source);
    if (to.kind == 'f')
      return by_float(to, [&](auto target) {
        using To = decltype(target);
        return with_modifiers(o, [](From x) { return static_cast<To>(to_whole<W>(x)); });
      });
    return by_integer(to, [&](auto target) {
      using To = decltype(target);
      return with_flush(o, [](From x) { return integer_of<To, W>(x); });
    });
  });
}

executor cvt(const opcode& o) {
  const type to = o.before_last(), from = o.last();
  if (from.kind == 'f') {
    if (o.has("rzi")) return from_float<whole::toward_zero>(o);
    if (o.has("rmi")) return from_float<whole::down>(o);
    if (o.has("rpi")) return from_float<whole::up>(o);
    if (o.has("rni")) return from_float<whole::nearest>(o);
    if (to.kind != 'f') return nullptr;
    return by_float(from, [&](auto source) {
      return by_float(to, [&](auto target) {
        using From = decltype(source);
        using To = decltype(target);
        return with_modifiers(o, [](From x) { return static_cast<To>(x); });
      });
    });
  }
  if (o.has("sat")) return nullptr;
  return by_integer(from, [&](auto source) {
    const auto pick = [](auto target) {
      using From = decltype(source);
      using To = decltype(target);
      return lanewise([](From x) { return static_cast<To>(x); });
    };
    return to.kind == 'f' ? by_float(to, pick) : by_integer(to, pick);
  });
}

// ---- The table of operations

executor add(const opcode& o) {
  if (o.last().kind == 'f')
    return by_float(o.last(), [&](auto zero) {
      using T = decltype(zero);
      return with_modifiers(o, [](T a, T b) { return a + b; });
    });
  if (o.has("cc") || o.has("sat")) return nullptr;
  return by_integer(o.last(), [](auto zero) {
    using T = decltype(zero);
    return lanewise([](T a, T b) { return sum(a, b); });
  });
}
executor sub(const opcode& o) {
  if (o.last().kind == 'f')
    return by_float(o.last(), [&](auto zero) {
      using T = decltype(zero);
      return with_modifiers(o, [](T a, T b) { return a - b; });
    });
  if (o.has("cc") || o.has("sat")) return nullptr;
  return by_integer(o.last(), [](auto zero) {
    using T = decltype(zero);
    return lanewise([](T a, T b) { return difference(a, b); });
  });
}
executor mul(const opcode& o) {
  if (o.last().kind == 'f')
    return by_float(o.last(), [&](auto zero) {
      using T = decltype(zero);
      return with_modifiers(o, [](T a, T b) { return a * b; });
    });
  return by_integer(o.last(), [&](auto zero) {
    using T = decltype(zero);
    if (o.has("wide")) return lanewise([](T a, T b) { return wide_product(a, b); });
    if (o.has("hi")) return lanewise([](T a, T b) { return high_product(a, b); });
    return lanewise([](T a, T b) { return low_product(a, b); });
  });
}
executor mad(const opcode& o) {
  if (o.last().kind == 'f')
    return by_float(o.last(), [&](auto zero) {
      using T = decltype(zero);
      return with_modifiers(o, [](T a, T b, T c) { return std::fma(a, b, c); });
    });
  if (o.has("cc") || o.has("sat")) return nullptr;
  return by_integer(o.last(), [&](auto zero) {
    using T = decltype(zero);
    if (o.has("wide")) return lanewise([](T a, T b, twice<T> c) { return sum(wide_product(a, b), c); });
    if (o.has("hi")) return lanewise([](T a, T b, T c) { return sum(high_product(a, b), c); });
    return lanewise([](T a, T b, T c) { return sum(low_product(a, b), c); });
  });
}
executor div(const opcode& o) {
  if (o.last().kind == 'f')
    return by_float(o.last(), [&](auto zero) {
      using T = decltype(zero);
      return with_modifiers(o, [](T a, T b) { return a / b; });
    });
  return by_integer(o.last(), [](auto zero) {
    using T = decltype(zero);
    return lanewise([](T a, T b) { return quotient(a, b); });
  });
}
executor rem(const opcode& o) {
  return by_integer(o.last(), [](auto zero) {
    using T = decltype(zero);
    return lanewise([](T a, T b) { return remainder_of(a, b); });
  });
}
template <bool Smaller>
executor extreme(const opcode& o) {
  if (o.last().kind == 'f')
    return by_float(o.last(), [&](auto zero) {
      using T = decltype(zero);
      if (o.has("NaN")) return with_flush(o, [](T a, T b) { return Smaller ? minimum<T, true>(a, b) : -minimum<T, true>(-a, -b); });
      return with_flush(o, [](T a, T b) { return Smaller ? minimum<T, false>(a, b) : -minimum<T, false>(-a, -b); });
    });
  return by_integer(o.last(), [](auto zero) {
    using T = decltype(zero);
    return lanewise([](T a, T b) { return Smaller ? std::min(a, b) : std::max(a, b); });
  });
}
executor abs(const opcode& o) {
  if (o.last().kind == 'f')
    return by_float(o.last(), [&](auto zero) {
      using T = decltype(zero);
      return with_flush(o, [](T a) { return std::abs(a); });
    });
  return by_integer(o.last(), [](auto zero) {
    using T = decltype(zero);
    return lanewise([](T a) { return a < T{0} ? difference(T{0}, a) : a; });
  });
}
executor neg(const opcode& o) {
  if (o.last().kind == 'f')
    return by_float(o.last(), [&](auto zero) {
      using T = decltype(zero);
      return with_flush(o, [](T a) { return -a; });
    });
  return by_integer(o.last(), [](auto zero) {
    using T = decltype(zero);
    return lanewise([](T a) { return difference(T{0}, a); });
  });
}

executor logical_and(const opcode& o) {
  if (o.last().kind == 'p') return lanewise([](bool a, bool b) { return a && b; });
  return by_bits(o.last(), [](auto zero) {
    using T = decltype(zero);
    return lanewise([](T a, T b) { return static_cast<T>(a & b); });
  });
}
executor logical_or(const opcode& o) {
  if (o.last().kind == 'p') return lanewise([](bool a, bool b) { return a || b; });
  return by_bits(o.last(), [](auto zero) {
    using T = decltype(zero);
    return lanewise([](T a, T b) { return static_cast<T>(a | b); });
  });
}
executor logical_xor(const opcode& o) {
  if (o.last().kind == 'p') return lanewise([](bool a, bool b) { return a != b; });
  return by_bits(o.last(), [](auto zero) {
    using T = decltype(zero);
    return lanewise([](T a, T b) { return static_cast<T>(a ^ b); });
  });
}
executor logical_not(const opcode& o) {
  if (o.last().kind == 'p') return lanewise([](bool a) { return !a; });
  return by_bits(o.last(), [](auto zero) {
    using T = decltype(zero);
    return lanewise([](T a) { return static_cast<T>(~a); });
  });
}
executor shl(const opcode& o) {
  return by_bits(o.last(), [](auto zero) {
    using T = decltype(zero);
    return lanewise([](T a, std::uint32_t by) { return shifted_left(a, by); });
  });
}
executor shr(const opcode& o) {
  return by_integer(o.last(), [](auto zero) {
    using T = decltype(zero);
    return lanewise([](T a, std::uint32_t by) { return shifted_right(a, by); });
  });
}
/// Shifts 64 bits and keeps 32 of them.
executor shf(const opcode& o) {
  const auto distance = [](std::uint32_t by, bool wraps) { return wraps ? by & 31 : std::min(by, 32u); };
  using shift_distance = decltype(distance);
  if (o.has("l") && o.has("wrap"))
    return lanewise([](std::uint32_t low, std::uint32_t high, std::uint32_t by) {
      return static_cast<std::uint32_t>((low | std::uint64_t{high} << 32) << shift_distance{}(by, true) >> 32);
    });
  if (o.has("l"))
    return lanewise([](std::uint32_t low, std::uint32_t high, std::uint32_t by) {
      return static_cast<std::uint32_t>((low | std::uint64_t{high} << 32) << shift_distance{}(by, false) >> 32);
    });
  if (o.has("wrap"))
    return lanewise([](std::uint32_t low, std::uint32_t high, std::uint32_t by) {
      return static_cast<std::uint32_t>((low | std::uint64_t{high} << 32) >> shift_distance{}(by, true));
    });
  return lanewise([](std::uint32_t low, std::uint32_t high, std::uint32_t by) {
    return static_cast<std::uint32_t>((low | std::uint64_t{high} << 32) >> shift_distance{}(by, false));
  });
}
executor bfe(const opcode& o) {
  return by_integer(o.last(), [](auto zero) {
    using T = decltype(zero);
    return lanewise([](T a, std::uint32_t from, std::uint32_t bits) { return bit_field(a, from, bits); });
  });
}
executor bfi(const opcode& o) {
  return by_bits(o.last(), [](auto zero) {
    using T = decltype(zero);
    return lanewise([](T field, T into, std::uint32_t from, std::uint32_t bits) { return with_bit_field(field, into, from, bits); });
  });
}
executor brev(const opcode& o) {
  return by_bits(o.last(), [](auto zero) {
    using T = decltype(zero);
    return lanewise([](T a) {
      T reversed = 0;
      for (std::size_t k = 0; k < 8 * sizeof(T); ++k) reversed = static_cast<T>(reversed << 1 | (a >> k & 1));
      return reversed;
    });
  });
}
executor popc(const opcode& o) {
  return by_bits(o.last(), [](auto zero) {
    using T = decltype(zero);
    return lanewise([](T a) { return static_cast<std::uint32_t>(std::popcount(a)); });
  });
}
executor clz(const opcode& o) {
  return by_bits(o.last(), [](auto zero) {
    using T = decltype(zero);
    return lanewise([](T a) { return static_cast<std::uint32_t>(std::countl_zero(a)); });
  });
}
/// The position of the highest bit that differs from the sign; all ones where there is none.
executor bfind(const opcode& o) {
  if (o.has("shiftamt")) return nullptr;
  return by_integer(o.last(), [](auto zero) {
    using T = decltype(zero);
    return lanewise([](T a) {
      const auto bits = static_cast<std::make_unsigned_t<T>>(a < T{0} ? ~a : a);
      return static_cast<std::uint32_t>(std::bit_width(bits)) - 1;
    });
  });
}
executor prmt(const opcode& o) {
  return o.parts.size() == 2 ? lanewise([](std::uint32_t a, std::uint32_t b, std::uint32_t c) { return permuted_bytes(a, b, c); })
                             : nullptr;
}
executor lop3(const opcode&) {
  return lanewise([](std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t table) { return logic(a, b, c, table); });
}
executor selp(const opcode& o) {
  return by_bits(o.last(), [](auto zero) {
    using T = decltype(zero);
    return lanewise([](T a, T b, bool first) { return first ? a : b; });
  });
}
executor sqrt(const opcode& o) {
  return by_float(o.last(), [&](auto zero) {
    using T = decltype(zero);
    return with_flush(o, [](T a) { return std::sqrt(a); });
  });
}
executor rcp(const opcode& o) {
  return by_float(o.last(), [&](auto zero) {
    using T = decltype(zero);
    return with_flush(o, [](T a) { return T{1} / a; });
  });
}
executor rsqrt(const opcode& o) {
  return by_float(o.last(), [&](auto zero) {
    using T = decltype(zero);
    return with_flush(o, [](T a) { return static_cast<T>(1 / std::sqrt(static_cast<double>(a))); });
  });
}
executor ex2(const opcode& o) {
  return o.last().bits == 32 ? with_flush(o, [](float a) { return static_cast<float>(std::exp2(static_cast<double>(a))); }) : nullptr;
}
executor lg2(const opcode& o) {
  return o.last().bits == 32 ? with_flush(o, [](float a) { return static_cast<float>(std::log2(static_cast<double>(a))); }) : nullptr;
}
executor sin(const opcode& o) {
  return with_flush(o, [](float a) { return static_cast<float>(std::sin(static_cast<double>(a))); });
}
executor cos(const opcode& o) {
  return with_flush(o, [](float a) { return static_cast<float>(std::cos(static_cast<double>(a))); });
}
executor tanh(const opcode& o) {
  return o.last().bits == 32 ? with_flush(o, [](float a) { return static_cast<float>(std::tanh(static_cast<double>(a))); }) : nullptr;
}
executor copysign(const opcode& o) {
  return by_float(o.last(), [](auto zero) {
    using T = decltype(zero);
    return lanewise([](T sign, T number) { return std::copysign(number, sign); });
  });
}
executor testp(const opcode& o) {
  return by_float(o.last(), [&](auto zero) -> executor {
    using T = decltype(zero);
    if (o.has("finite")) return lanewise([](T a) { return std::isfinite(a); });
    if (o.has("infinite")) return lanewise([](T a) { return std::isinf(a); });
    if (o.has("number")) return lanewise([](T a) { return !std::isnan(a); });
    if (o.has("notanumber")) return lanewise([](T a) { return std::isnan(a); });
    if (o.has("normal")) return lanewise([](T a) { return std::isnormal(a); });
    if (o.has("subnormal")) return lanewise([](T a) { return std::fpclassify(a) == FP_SUBNORMAL; });
    return nullptr;
  });
}

void run_rounded(const instruction& i, warp& w, lane_mask lanes) {
  std::fesetround(static_cast<int>(i.detail));
  i.inner(i, w, lanes);
  std::fesetround(FE_TONEAREST);
}

/// Adds or subtracts with the carry flag. `detail` has bit 0 to subtract, bit 1 to read the flag, bit 2 to write it.
template <class T>
void run_with_carry(const instruction& i, warp& w, lane_mask lanes) {
  const std::uint64_t *const a = w.lanes_of(i.sources[0]), *const b = w.lanes_of(i.sources[1]);
  std::uint64_t* const to = w.lanes_of(i.destinations[0]);
  const bool subtracts = (i.detail & 1) != 0, reads = (i.detail & 2) != 0, writes = (i.detail & 4) != 0;
  for_lanes(lanes, [&](int lane) {
    const T x = static_cast<T>(a[lane]), y = static_cast<T>(b[lane]);
    const T flag = reads ? static_cast<T>(w.carry >> lane & 1) : T{0};
    const T partial = subtracts ? static_cast<T>(x - y) : static_cast<T>(x + y);
    const T result = subtracts ? static_cast<T>(partial - flag) : static_cast<T>(partial + flag);
    const bool carries = subtracts ? x < y || partial < flag : partial < x || result < partial;
    to[lane] = result;
    if (writes) w.carry = (w.carry & ~(lane_mask{1} << lane)) | lane_mask{carries} << lane;
  });
}

}  // namespace

executor lanewise_operation(const opcode& o) {
  using row = executor (*)(const opcode&);
  static const std::unordered_map<std::string_view, row> rows{{"add", add},       {"sub", sub},           {"mul", mul},
                                                              {"mad", mad},       {"fma", mad},           {"div", div},
                                                              {"rem", rem},       {"min", extreme<true>}, {"max", extreme<false>},
                                                              {"abs", abs},       {"neg", neg},           {"and", logical_and},
                                                              {"or", logical_or}, {"xor", logical_xor},   {"not", logical_not},
                                                              {"shl", shl},       {"shr", shr},           {"shf", shf},
                                                              {"bfe", bfe},       {"bfi", bfi},           {"brev", brev},
                                                              {"popc", popc},     {"clz", clz},           {"bfind", bfind},
                                                              {"prmt", prmt},     {"lop3", lop3},         {"setp", setp},
                                                              {"selp", selp},     {"cvt", cvt},           {"sqrt", sqrt},
                                                              {"rcp", rcp},       {"rsqrt", rsqrt},       {"ex2", ex2},
                                                              {"lg2", lg2},       {"sin", sin},           {"cos", cos},
                                                              {"tanh", tanh},     {"copysign", copysign}, {"testp", testp}};
  const auto found = rows.find(o.root());
  return found == rows.end() ? nullptr : found->second(o);
}

executor carry_operation(const opcode& o, std::uint32_t& detail) {
  const bool reads = o.root() == "addc" || o.root() == "subc", writes = o.has("cc");
  const bool subtracts = o.root() == "sub" || o.root() == "subc";
  if (!reads && !(writes && (o.root() == "add" || o.root() == "sub"))) return nullptr;
  detail = (subtracts ? 1u : 0u) | (reads ? 2u : 0u) | (writes ? 4u : 0u);
  return o.last().bits == 64 ? run_with_carry<std::uint64_t> : run_with_carry<std::uint32_t>;
}

void set_rounding(const opcode& o, instruction& i) {
  const int mode = o.has("rz") ? FE_TOWARDZERO : o.has("rm") ? FE_DOWNWARD : o.has("rp") ? FE_UPWARD : FE_TONEAREST;
  if (mode == FE_TONEAREST || i.run == nullptr) return;
  i.inner = i.run;
  i.run = run_rounded;
  i.detail = static_cast<std::uint32_t>(mode);
}

void run_move(const instruction& i, warp& w, lane_mask lanes) {
  const std::uint64_t* const from = w.lanes_of(i.sources[0]);
  std::uint64_t* const to = w.lanes_of(i.destinations[0]);
  for_lanes(lanes, [&](int lane) { to[lane] = from[lane]; });
}
void run_move_predicate(const instruction& i, warp& w, lane_mask lanes) {
  std::uint64_t& to = w.lanes_of(i.destinations[0])[0];
  to = (to & ~lanes) | (w.predicate(i.sources[0]) & lanes);
}
void run_unpack(const instruction& i, warp& w, lane_mask lanes) {
  const std::uint64_t mask = (std::uint64_t{1} << i.detail) - 1;
  for_lanes(lanes, [&](int lane) {
    std::uint64_t bits = w.lanes_of(i.sources[0])[lane];
    for (int k = 0; k < i.vector; ++k, bits >>= i.detail)
      if (const int to = i.destinations[static_cast<std::size_t>(k)]; to != none) w.lanes_of(to)[lane] = bits & mask;
  });
}
void run_pack(const instruction& i, warp& w, lane_mask lanes) {
  const std::uint64_t mask = (std::uint64_t{1} << i.detail) - 1;
  for_lanes(lanes, [&](int lane) {
    std::uint64_t bits = 0;
    for (int k = i.vector; k-- > 0;) bits = bits << i.detail | (w.lanes_of(i.sources[static_cast<std::size_t>(k)])[lane] & mask);
    w.lanes_of(i.destinations[0])[lane] = bits;
  });
}
void run_nothing(const instruction&, warp&, lane_mask) {}
void run_clock(const instruction& i, warp& w, lane_mask lanes) {
  for_lanes(lanes, [&](int lane) { w.lanes_of(i.destinations[0])[lane] = w.grid.instructions; });
}
void run_active_mask(const instruction& i, warp& w, lane_mask lanes) {
  for_lanes(lanes, [&](int lane) { w.lanes_of(i.destinations[0])[lane] = lanes; });
}
void run_trap(const instruction&, warp& w, lane_mask lanes) { w.fault("the kernel trapped", first_lane(lanes)); }
void run_unknown(const instruction&, warp& w, lane_mask lanes) {
  w.fault("an instruction that cuda_on_cpu does not know", first_lane(lanes));
}

}  // namespace cuda_on_cpu
