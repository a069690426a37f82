// SPDX-License-Identifier: MIT
/// @file
/// Packs: the vocabulary in which layers write their arithmetic once for every backend. A *pack* holds one number of each of `width`
/// samples; each of its places is a *lane*. `lane::traits<Pack>` lists what a pack provides, and the functions below use it.
///
/// There are three kinds:
/// - a plain number, `float` or `double`: one lane, one sample
/// - SIMD registers of a CPU (backends/eigen/pack.hpp): one thread holds all lanes
/// - a register of each thread of a GPU's warp (backends/simt/pack.hpp): all threads of the warp run the same kernel on the same work item,
///   and each thread holds one lane
///
/// Most kernels do not see the difference. Where a kernel treats lanes one by one, three functions tell it what its thread does:
///
/// |                      | plain number | SIMD registers | warp of a GPU     |
/// |----------------------|--------------|----------------|-------------------|
/// | `lanes_per_thread`   | 1            | `width`        | 1                 |
/// | `first_lane()`       | 0            | 0              | number in the warp|
/// | `is_leader()`        | true         | true           | true in lane 0    |
///
/// A thread treats the lanes [`first_lane`, `first_lane` + `lanes_per_thread`). Only the leader writes what belongs to no lane, such as a
/// sum over all lanes.
///
/// The functions deduce the pack from their operands. Plain numbers among the operands stand in every lane: `lane::max(x, 0)`.
#pragma once

#include <cmath>
#include <cstdint>
#include <type_traits>

#include <typenet/core/config.hpp>

namespace typenet::lane {

/// The contract of a pack type. A backend adds a pack by specializing this template.
///
/// The pack itself:
/// - is trivially copyable and default constructible; a default constructed pack has unspecified numbers
/// - is implicitly constructible from its `scalar`, which then stands in every lane
/// - has the operators + - * /, lane by lane
///
/// Types and constants:
/// - `scalar`: the type of a lane, `float` or `double`
/// - `mask`: the result of a comparison, one truth value for each lane
/// - `width`: lanes of a pack
/// - `registers`: packs that a register tile may use
/// - `lanes_per_thread`: lanes that one thread holds
/// - `sums_together` (optional): packs that `sums` reduces at a time
///
/// Memory. Arrays of scalars are read and written `width` neighboring scalars at a time, aligned to the pack unless said otherwise:
/// - `load(from)`, `store(to, value)`: all lanes
/// - `load_unaligned(from)`, `store_unaligned(to, value)`: all lanes, any alignment; loading is for packs of a CPU
/// - `store_first(to, value, count)`: the first `count` lanes, any alignment; nothing past them is written
/// - `to_rows<Lanes>(block, rows, stride, count)`: from `block`, `[element][lane]`, to `rows`, `[lane][element]`
/// - `to_lanes<Lanes>(rows, count, block)`: from `rows`, `[lane][element]`, to `block`, `[element][lane]`; for packs of a CPU
///
/// Threads:
/// - `first_lane()`: the first lane that this thread holds
/// - `is_leader()`: true in the thread that writes what belongs to no lane
///
/// Arithmetic, lane by lane:
/// - `broadcast(number)`: the number in every lane
/// - `fma(a, b, c)`: a * b + c
/// - `max(a, b)`, `min(a, b)`: a where one of them is NaN, or where both are equal
/// - `abs(a)`, `sqrt(a)`, `exp(a)`, `log(a)`, `tanh(a)`, `erf(a)`
/// - `greater(a, b)`, `equal(a, b)`: a `mask`
/// - `select(mask, yes, no)`: `yes` where the mask is true
/// - `first_lanes(count)`: a mask, true in the first `count` lanes
/// - `below(words, limit)`: a mask, true where a lane's word of 32 bits is less than `limit`
///
/// Across lanes, in a fixed order of additions:
/// - `sum(a)`: the sum over the lanes
/// - `sums(of, to)` (optional, with `sums_together`): the sums of `sums_together` packs, `of[i]` to `to[i]`
template <class Pack>
struct traits;

/// The pack of one lane: a plain number.
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
  TYPENET_HD static constexpr T max(T a, T b) { return a < b ? b : a; }
  TYPENET_HD static constexpr T min(T a, T b) { return b < a ? b : a; }
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

/// The type of a lane.
template <class Pack>
using scalar_t = typename traits<Pack>::scalar;
/// The result of comparing two packs.
template <class Pack>
using mask_t = typename traits<Pack>::mask;
/// Packs that a register tile may use, its operands included: at most what the register file holds.
template <class Pack>
inline constexpr int registers = traits<Pack>::registers;
/// A lower bound of `registers` for the packs of executions with many workers. Buffers whose size depends on a register tile are sized by
/// it.
inline constexpr int fewest_registers = 24;
/// Lanes of a pack, that is, samples in it.
template <class Pack>
inline constexpr int width = traits<Pack>::width;

/// An operand that is a plain number. It stands in every lane.
template <class T>
concept plain_number = std::is_arithmetic_v<T>;

namespace detail {

/// The operand type, of two, that determines the pack: the one that is no plain number. Of two plain numbers it is the narrower
/// floating-point type, so that a literal does not widen a `float`.
template <class A, class B>
using wider_operand =
    std::conditional_t<!plain_number<A>, A,
                       std::conditional_t<!plain_number<B> || !std::is_floating_point_v<A>, B,
                                          std::conditional_t<!std::is_floating_point_v<B> || sizeof(A) <= sizeof(B), A, B>>>;

/// The operand type, of any number, that determines the pack.
template <class A, class... Rest>
struct pack_among {
  using type = A;
};
template <class A, class B, class... Rest>
struct pack_among<A, B, Rest...> : pack_among<wider_operand<A, B>, Rest...> {};

}  // namespace detail

/// The pack type that a function of operands of these types calculates with. Plain numbers among them are broadcast to it.
template <class... Operands>
using pack_of = typename detail::pack_among<Operands...>::type;

/// An operand as a pack: the operand itself, or a plain number broadcast to every lane.
template <class Pack, class Operand>
TYPENET_HD TYPENET_INLINE decltype(auto) to_pack(const Operand& operand) {
  if constexpr (std::is_same_v<Pack, Operand>)
    return static_cast<const Pack&>(operand);
  else
    return traits<Pack>::broadcast(static_cast<scalar_t<Pack>>(operand));
}

/// Loads `width<Pack>` neighboring scalars, aligned to the pack.
template <class Pack>
TYPENET_HD TYPENET_INLINE Pack load(const scalar_t<Pack>* from) {
  return traits<Pack>::load(from);
}
/// Loads `width<Pack>` neighboring scalars of any alignment. For packs of a CPU.
template <class Pack>
TYPENET_HD TYPENET_INLINE Pack load_unaligned(const scalar_t<Pack>* from) {
  return traits<Pack>::load_unaligned(from);
}
/// Stores `width<Pack>` neighboring scalars, aligned to the pack.
template <class Pack>
TYPENET_HD TYPENET_INLINE void store(scalar_t<Pack>* to, const Pack& value) {
  traits<Pack>::store(to, value);
}
/// Stores `width<Pack>` neighboring scalars with any alignment.
template <class Pack>
TYPENET_HD TYPENET_INLINE void store_unaligned(scalar_t<Pack>* to, const Pack& value) {
  traits<Pack>::store_unaligned(to, value);
}
/// Stores the first `count` lanes with any alignment, and writes nothing past them. A `count` above `width<Pack>` stores all lanes.
template <class Pack>
TYPENET_HD TYPENET_INLINE void store_first(scalar_t<Pack>* to, const Pack& value, int count) {
  traits<Pack>::store_first(to, value, count);
}

/// Lanes that one thread holds: see the table at the top.
template <class Pack>
inline constexpr int lanes_per_thread = traits<Pack>::lanes_per_thread;
/// The first lane that this thread holds.
template <class Pack>
TYPENET_HD TYPENET_INLINE int first_lane() {
  return traits<Pack>::first_lane();
}
/// True in the thread that writes what belongs to no lane. Each warp has one leader.
template <class Pack>
TYPENET_HD TYPENET_INLINE bool is_leader() {
  return traits<Pack>::is_leader();
}
/// True where one thread holds a pack's whole mask in at most one bit for each lane, as AVX-512's mask registers do. Such a mask is worth
/// storing: it takes less memory than any number that it could be recomputed from.
template <class Pack>
inline constexpr bool bit_masks = lanes_per_thread<Pack> == width<Pack> && 8 * sizeof(mask_t<Pack>) <= width<Pack>;

/// Transposes `Lanes` elements of `Lanes` samples from lanes to rows.
/// @param block `[element][lane]`: `Lanes` elements of `Lanes` scalars each, aligned to the pack
/// @param rows `[lane][element]`: one row of `Lanes` scalars for each sample, any alignment
/// @param stride distance from one row to the next, in scalars
/// @param count elements to read; the elements from `count` on are written as zeros
template <class Pack, int Lanes>
TYPENET_HD TYPENET_INLINE void to_rows(const scalar_t<Pack>* block, scalar_t<Pack>* rows, index stride, int count) {
  traits<Pack>::template to_rows<Lanes>(block, rows, stride, count);
}
/// Transposes `count` elements of `Lanes` samples from rows to lanes. For packs of a CPU.
/// @param rows one pointer for each lane, to `count` scalars of any alignment
/// @param block `[element][lane]`: `count` elements of `Lanes` scalars each, aligned to the pack
template <class Pack, int Lanes>
TYPENET_HD void to_lanes(const scalar_t<Pack>* const (&rows)[Lanes], int count, scalar_t<Pack>* block) {
  traits<Pack>::template to_lanes<Lanes>(rows, count, block);
}
/// A pack with `value` in every lane.
template <class Pack>
TYPENET_HD TYPENET_INLINE Pack broadcast(scalar_t<Pack> value) {
  return traits<Pack>::broadcast(value);
}
/// a * b + c, lane by lane, rounded once where the machine has such an instruction.
template <class A, class B, class C>
TYPENET_HD TYPENET_INLINE pack_of<A, B, C> fma(const A& a, const B& b, const C& c) {
  using pack = pack_of<A, B, C>;
  return traits<pack>::fma(to_pack<pack>(a), to_pack<pack>(b), to_pack<pack>(c));
}
/// The larger of a and b, lane by lane; a where one of them is NaN.
template <class A, class B>
TYPENET_HD TYPENET_INLINE pack_of<A, B> max(const A& a, const B& b) {
  using pack = pack_of<A, B>;
  return traits<pack>::max(to_pack<pack>(a), to_pack<pack>(b));
}
/// The smaller of a and b, lane by lane; a where one of them is NaN.
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
/// The larger of a and b, lane by lane; NaN where one of them is NaN.
template <class Pack>
TYPENET_HD TYPENET_INLINE Pack max_or_nan(const Pack& a, const Pack& b) {
  return select(equal(b, b), max(a, b), b);
}
/// The sign of a, lane by lane: 1, −1, or a itself where it is 0 or NaN.
template <class Pack>
TYPENET_HD TYPENET_INLINE Pack sign(const Pack& a) {
  return select(greater(a, 0), Pack(1), select(greater(0, a), Pack(-1), a));
}
/// A mask that is true in the first `count` lanes.
template <class Pack>
TYPENET_HD TYPENET_INLINE mask_t<Pack> first_lanes(int count) {
  return traits<Pack>::first_lanes(count);
}
/// Prefetches the cache line of `base[offset]` for reading and writing. An address outside any array does no harm.
/// @param offset in numbers of type `T`
template <class T>
TYPENET_HD TYPENET_INLINE void prefetch([[maybe_unused]] const T* base, [[maybe_unused]] index offset) {
#if defined(__GNUC__) && !defined(__CUDA_ARCH__)
  __builtin_prefetch(
      reinterpret_cast<const void*>(reinterpret_cast<std::uintptr_t>(base) + static_cast<std::uintptr_t>(offset) * sizeof(T)), 1);
#endif
}
/// A mask that is true in the lanes whose word is less than `limit`: where the words are random, in a share of limit / 2³² of the lanes.
/// @param words one word for each lane that this thread holds, aligned to 64 bytes
template <class Pack>
TYPENET_HD TYPENET_INLINE mask_t<Pack> below(const std::uint32_t (&words)[lanes_per_thread<Pack>], std::uint32_t limit) {
  return traits<Pack>::below(words, limit);
}
/// The sum over the lanes. The order of the additions is fixed.
template <class Pack>
TYPENET_HD TYPENET_INLINE scalar_t<Pack> sum(const Pack& a) {
  return traits<Pack>::sum(a);
}
/// The sums over the lanes of `Count` packs: `to[i]` is the sum of `of[i]`. It reduces `sums_together` packs at a time where the pack
/// offers it.
template <class Pack, int Count>
TYPENET_HD TYPENET_INLINE void sums(const Pack (&of)[Count], scalar_t<Pack> (&to)[Count]) {
  if constexpr (requires { traits<Pack>::sums_together; }) {
    constexpr int together = traits<Pack>::sums_together;
    if constexpr (together <= Count) {
      // The last `together` packs overlap the ones before rather than be fewer.
      for (int i = 0; i < Count; i += together) {
        const int first = i + together <= Count ? i : Count - together;
        traits<Pack>::sums(of + first, to + first);
      }
      return;
    }
  }
  for (int i = 0; i < Count; ++i) to[i] = sum(of[i]);
}
/// The square root, lane by lane.
template <class Pack>
TYPENET_HD TYPENET_INLINE Pack sqrt(const Pack& a) {
  return traits<Pack>::sqrt(a);
}
/// The exponential function, lane by lane.
template <class Pack>
TYPENET_HD TYPENET_INLINE Pack exp(const Pack& a) {
  return traits<Pack>::exp(a);
}
/// The natural logarithm, lane by lane.
template <class Pack>
TYPENET_HD TYPENET_INLINE Pack log(const Pack& a) {
  return traits<Pack>::log(a);
}
/// The hyperbolic tangent, lane by lane.
template <class Pack>
TYPENET_HD TYPENET_INLINE Pack tanh(const Pack& a) {
  return traits<Pack>::tanh(a);
}
/// The error function, lane by lane.
template <class Pack>
TYPENET_HD TYPENET_INLINE Pack erf(const Pack& a) {
  return traits<Pack>::erf(a);
}
/// The absolute value, lane by lane.
template <class Pack>
TYPENET_HD TYPENET_INLINE Pack abs(const Pack& a) {
  return traits<Pack>::abs(a);
}

/// Runs one item of a reduction (`execution::reduce`) on one thread.
/// @param length numbers to sum over, in the unit that `partial` counts in
/// @param partial called once, as `partial(item, 0, length, sum)`: adds to the packs `sum[Sums]`, which begin at zero
/// @param finish called once, as `finish(item, total)`: `total[Sums]` are the sums over the lanes
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
