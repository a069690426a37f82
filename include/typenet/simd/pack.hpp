// SPDX-License-Identifier: MIT
/// @file
/// The vocabulary in which layers write their arithmetic once for every backend. A *pack* holds one number of each of
/// `width` samples: a plain `float` or `double` here (one sample), SIMD registers in the Eigen backend (eigen_pack.hpp), the registers of a
/// GPU's warp in CUDA's (simt_pack.hpp), where each thread holds one lane. Besides these functions a pack has + - * / and +=, element by
/// element.
#pragma once

#include <cmath>
#include <cstdint>
#include <type_traits>

#include <typenet/core/config.hpp>

namespace typenet::lane {

/// What a pack can do. A backend adds a pack by specialising this with the members seen here.
template <class Pack>
struct traits;

template <class T>
  requires std::is_floating_point_v<T>
struct traits<T> {
  using scalar = T;
  using mask = bool;
  static constexpr int width = 1;
  static constexpr int registers = 32;
  TYPENET_HD static constexpr T load(const T* from) { return *from; }
  TYPENET_HD static constexpr T load_unaligned(const T* from) { return *from; }
  TYPENET_HD static constexpr void store(T* to, T value) { *to = value; }
  TYPENET_HD static constexpr void store_unaligned(T* to, T value) { *to = value; }
  TYPENET_HD static constexpr void store_first(T* to, T value, int count) {
    if (count > 0) *to = value;
  }
  static constexpr int lanes_per_thread = 1;
  TYPENET_HD static constexpr int first_lane() { return 0; }
  TYPENET_HD static constexpr bool is_leader() { return true; }
  template <int Lanes>
  TYPENET_HD static constexpr void to_rows(const T* block, T* rows, index stride, int count) {
    for (int l = 0; l < Lanes; ++l)
      for (int e = 0; e < Lanes; ++e) rows[l * stride + e] = e < count ? block[e * Lanes + l] : T{0};
  }
  template <int Lanes>
  TYPENET_HD static constexpr void to_lanes(const T* const (&rows)[Lanes], int count, T* block) {
    for (int e = 0; e < count; ++e)
      for (int l = 0; l < Lanes; ++l) block[e * Lanes + l] = rows[l][e];
  }
  TYPENET_HD static constexpr T broadcast(T value) { return value; }
  TYPENET_HD static constexpr T fma(T a, T b, T c) { return a * b + c; }
  TYPENET_HD static constexpr T max(T a, T b) { return a > b ? a : b; }
  TYPENET_HD static constexpr T min(T a, T b) { return a < b ? a : b; }
  TYPENET_HD static constexpr T abs(T a) { return a < T{0} ? -a : a; }
  TYPENET_HD static constexpr bool greater(T a, T b) { return a > b; }
  TYPENET_HD static constexpr bool equal(T a, T b) { return a == b; }
  TYPENET_HD static constexpr T select(bool condition, T yes, T no) { return condition ? yes : no; }
  TYPENET_HD static constexpr T sum(T a) { return a; }
  TYPENET_HD static constexpr bool below(const std::uint32_t (&words)[1], std::uint32_t limit) { return words[0] < limit; }
  TYPENET_HD static constexpr bool first_lanes(int count) { return count > 0; }
  TYPENET_HD static T sqrt(T a) { return std::sqrt(a); }
  TYPENET_HD static T exp(T a) { return std::exp(a); }
  TYPENET_HD static T log(T a) { return std::log(a); }
  TYPENET_HD static T tanh(T a) { return std::tanh(a); }
  TYPENET_HD static T erf(T a) { return std::erf(a); }
};

template <class Pack>
using scalar_t = typename traits<Pack>::scalar;
/// The result of comparing two packs.
template <class Pack>
using mask_t = typename traits<Pack>::mask;
/// Packs that the register file holds: what a register tile may use.
template <class Pack>
inline constexpr int registers = traits<Pack>::registers;
/// A lower bound of `registers` for packs of executions with many workers: buffers whose size depends on a register tile are sized by it.
inline constexpr int fewest_registers = 24;
/// Samples in a pack.
template <class Pack>
inline constexpr int width = traits<Pack>::width;

/// A plain number among the operands of a function: it stands in every lane.
template <class T>
concept plain_number = std::is_arithmetic_v<T>;

namespace detail {

/// Of two operands the one that says what the pack is: the one that is no plain number; of two plain numbers the narrower floating-point
/// one, so that a literal does not widen a `float`.
template <class A, class B>
using wider_operand =
    std::conditional_t<!plain_number<A>, A,
                       std::conditional_t<!plain_number<B> || !std::is_floating_point_v<A>, B,
                                          std::conditional_t<!std::is_floating_point_v<B> || sizeof(A) <= sizeof(B), A, B>>>;

template <class A, class... Rest>
struct pack_among {
  using type = A;
};
template <class A, class B, class... Rest>
struct pack_among<A, B, Rest...> : pack_among<wider_operand<A, B>, Rest...> {};

}  // namespace detail

/// The pack that operands of these types make together; plain numbers among them are broadcast to it.
template <class... Operands>
using pack_of = typename detail::pack_among<Operands...>::type;

/// An operand as a pack: itself, or a plain number in every lane.
template <class Pack, class Operand>
TYPENET_HD TYPENET_INLINE decltype(auto) to_pack(const Operand& operand) {
  if constexpr (std::is_same_v<Pack, Operand>)
    return static_cast<const Pack&>(operand);
  else
    return traits<Pack>::broadcast(static_cast<scalar_t<Pack>>(operand));
}

/// Reads `width<Pack>` neighbouring scalars, aligned to the pack.
template <class Pack>
TYPENET_HD TYPENET_INLINE Pack load(const scalar_t<Pack>* from) {
  return traits<Pack>::load(from);
}
/// Reads them anywhere; for packs of a CPU.
template <class Pack>
TYPENET_HD TYPENET_INLINE Pack load_unaligned(const scalar_t<Pack>* from) {
  return traits<Pack>::load_unaligned(from);
}
/// Writes `width<Pack>` neighbouring scalars, aligned to the pack.
template <class Pack>
TYPENET_HD TYPENET_INLINE void store(scalar_t<Pack>* to, const Pack& value) {
  traits<Pack>::store(to, value);
}
/// Writes them anywhere.
template <class Pack>
TYPENET_HD TYPENET_INLINE void store_unaligned(scalar_t<Pack>* to, const Pack& value) {
  traits<Pack>::store_unaligned(to, value);
}
/// Writes the first `count` of them anywhere, and nothing beyond.
template <class Pack>
TYPENET_HD TYPENET_INLINE void store_first(scalar_t<Pack>* to, const Pack& value, int count) {
  traits<Pack>::store_first(to, value, count);
}

// On a GPU the threads of a warp hold a pack together, one lane each. These three are for what is not done by packs.

/// Lanes that this thread holds: all of a SIMD pack, one of a warp's.
template <class Pack>
inline constexpr int lanes_per_thread = traits<Pack>::lanes_per_thread;
/// The first of them.
template <class Pack>
TYPENET_HD TYPENET_INLINE int first_lane() {
  return traits<Pack>::first_lane();
}
/// Whether this thread is the one that writes what belongs to no lane.
template <class Pack>
TYPENET_HD TYPENET_INLINE bool is_leader() {
  return traits<Pack>::is_leader();
}
/// Whether one thread has a whole pack's comparison, in no more than a bit a lane.
template <class Pack>
inline constexpr bool bit_masks = lanes_per_thread<Pack> == width<Pack> && 8 * sizeof(mask_t<Pack>) <= width<Pack>;

/// Turns `Lanes` elements of `Lanes` samples from lanes into rows, a sample in each, `stride` apart; elements from `count` on are
/// written as zeros and not read.
template <class Pack, int Lanes>
TYPENET_HD TYPENET_INLINE void to_rows(const scalar_t<Pack>* block, scalar_t<Pack>* rows, index stride, int count) {
  traits<Pack>::template to_rows<Lanes>(block, rows, stride, count);
}
/// Turns `count` elements of `Lanes` samples from rows into lanes.
template <class Pack, int Lanes>
TYPENET_HD void to_lanes(const scalar_t<Pack>* const (&rows)[Lanes], int count, scalar_t<Pack>* block) {
  traits<Pack>::template to_lanes<Lanes>(rows, count, block);
}
/// The same number in every lane.
template <class Pack>
TYPENET_HD TYPENET_INLINE Pack broadcast(scalar_t<Pack> value) {
  return traits<Pack>::broadcast(value);
}
/// a * b + c, rounded once where the machine can.
template <class A, class B, class C>
TYPENET_HD TYPENET_INLINE pack_of<A, B, C> fma(const A& a, const B& b, const C& c) {
  using pack = pack_of<A, B, C>;
  return traits<pack>::fma(to_pack<pack>(a), to_pack<pack>(b), to_pack<pack>(c));
}
template <class A, class B>
TYPENET_HD TYPENET_INLINE pack_of<A, B> max(const A& a, const B& b) {
  using pack = pack_of<A, B>;
  return traits<pack>::max(to_pack<pack>(a), to_pack<pack>(b));
}
template <class A, class B>
TYPENET_HD TYPENET_INLINE pack_of<A, B> min(const A& a, const B& b) {
  using pack = pack_of<A, B>;
  return traits<pack>::min(to_pack<pack>(a), to_pack<pack>(b));
}
/// a > b, lane by lane.
template <class A, class B>
TYPENET_HD TYPENET_INLINE mask_t<pack_of<A, B>> greater(const A& a, const B& b) {
  using pack = pack_of<A, B>;
  return traits<pack>::greater(to_pack<pack>(a), to_pack<pack>(b));
}
/// a == b, lane by lane.
template <class A, class B>
TYPENET_HD TYPENET_INLINE mask_t<pack_of<A, B>> equal(const A& a, const B& b) {
  using pack = pack_of<A, B>;
  return traits<pack>::equal(to_pack<pack>(a), to_pack<pack>(b));
}
/// `condition ? yes : no`, lane by lane.
template <class Yes, class No>
TYPENET_HD TYPENET_INLINE pack_of<Yes, No> select(const mask_t<pack_of<Yes, No>>& condition, const Yes& yes, const No& no) {
  using pack = pack_of<Yes, No>;
  return traits<pack>::select(condition, to_pack<pack>(yes), to_pack<pack>(no));
}
/// True in the first `count` lanes.
template <class Pack>
TYPENET_HD TYPENET_INLINE mask_t<Pack> first_lanes(int count) {
  return traits<Pack>::first_lanes(count);
}
/// Asks for the number `offset` beyond `base`, soon to be overwritten, before it is due. There need not be one.
template <class T>
TYPENET_HD TYPENET_INLINE void prefetch([[maybe_unused]] const T* base, [[maybe_unused]] index offset) {
#if defined(__GNUC__) && !defined(__CUDA_ARCH__)
  __builtin_prefetch(
      reinterpret_cast<const void*>(reinterpret_cast<std::uintptr_t>(base) + static_cast<std::uintptr_t>(offset) * sizeof(T)), 1);
#endif
}
/// In which of this thread's slots a word is below `limit`; words are aligned as packs are.
template <class Pack>
TYPENET_HD TYPENET_INLINE mask_t<Pack> below(const std::uint32_t (&words)[lanes_per_thread<Pack>], std::uint32_t limit) {
  return traits<Pack>::below(words, limit);
}
/// The sum over the lanes, always in the same order.
template <class Pack>
TYPENET_HD TYPENET_INLINE scalar_t<Pack> sum(const Pack& a) {
  return traits<Pack>::sum(a);
}
/// The same of `Count` packs, several at once where the pack has `sums` for `sums_together` of them.
template <class Pack, int Count>
TYPENET_HD TYPENET_INLINE void sums(const Pack (&of)[Count], scalar_t<Pack> (&to)[Count]) {
  if constexpr (requires { traits<Pack>::sums_together; }) {
    constexpr int together = traits<Pack>::sums_together;
    if constexpr (together <= Count) {
      // The last ones reach back into those before rather than be fewer.
      for (int i = 0; i < Count; i += together) {
        const int first = i + together <= Count ? i : Count - together;
        traits<Pack>::sums(of + first, to + first);
      }
      return;
    }
  }
  for (int i = 0; i < Count; ++i) to[i] = sum(of[i]);
}
template <class Pack>
TYPENET_HD TYPENET_INLINE Pack sqrt(const Pack& a) {
  return traits<Pack>::sqrt(a);
}
template <class Pack>
TYPENET_HD TYPENET_INLINE Pack exp(const Pack& a) {
  return traits<Pack>::exp(a);
}
template <class Pack>
TYPENET_HD TYPENET_INLINE Pack log(const Pack& a) {
  return traits<Pack>::log(a);
}
template <class Pack>
TYPENET_HD TYPENET_INLINE Pack tanh(const Pack& a) {
  return traits<Pack>::tanh(a);
}
template <class Pack>
TYPENET_HD TYPENET_INLINE Pack erf(const Pack& a) {
  return traits<Pack>::erf(a);
}
template <class Pack>
TYPENET_HD TYPENET_INLINE Pack abs(const Pack& a) {
  return traits<Pack>::abs(a);
}

/// What one worker makes of one item of a reduction: `partial(item, first, last, sum)` adds what lies in [first, last) to the packs
/// `sum`, and `finish(item, total)` is given the sum of each over all of it and over the lanes.
template <class Pack, int Sums, class Partial, class Finish>
TYPENET_HD TYPENET_INLINE void reduce_item(index item, index length, const Partial& partial, const Finish& finish) {
  Pack sum[Sums];
  for (Pack& s : sum) s = 0;
  partial(item, index{0}, length, sum);
  scalar_t<Pack> total[Sums];
  lane::sums(sum, total);
  finish(item, total);
}

}  // namespace typenet::lane
