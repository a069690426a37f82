// SPDX-License-Identifier: MIT
/// @file
/// The pack of a GPU: thirty-two samples in the registers of a warp. Each thread holds one lane.
#pragma once

#include <cmath>

#include <typenet/simd/pack.hpp>

namespace typenet {

/// This thread's lane of a pack that a warp holds. All threads of the warp run the same kernel on the same work item.
/// @tparam Scalar `float` or `double`
/// @tparam Warp the warp's functions: `lane()` is the number of this thread in the warp; `shuffle_xor(value, mask)` returns the value of
/// thread `lane() ^ mask`
template <class Scalar, class Warp>
struct simt_pack {
  static constexpr int width = 32;
  Scalar value;

  simt_pack() = default;
  /// Holds `number` in every lane.
  // NOLINTNEXTLINE(google-explicit-constructor): plain numbers mix with packs
  TYPENET_HD TYPENET_INLINE constexpr simt_pack(Scalar number) : value{number} {}

  TYPENET_HD TYPENET_INLINE friend simt_pack operator+(simt_pack a, simt_pack b) { return {a.value + b.value}; }
  TYPENET_HD TYPENET_INLINE friend simt_pack operator-(simt_pack a, simt_pack b) { return {a.value - b.value}; }
  TYPENET_HD TYPENET_INLINE friend simt_pack operator*(simt_pack a, simt_pack b) { return {a.value * b.value}; }
  TYPENET_HD TYPENET_INLINE friend simt_pack operator/(simt_pack a, simt_pack b) { return {a.value / b.value}; }
};

/// @cond
template <class Scalar, class Warp>
struct lane::traits<simt_pack<Scalar, Warp>> {
  using pack = simt_pack<Scalar, Warp>;
  using scalar = Scalar;
  using mask = bool;
  static constexpr int width = pack::width;
  /// Registers of a tile: fewer than a thread has. Many small tiles keep more of the device busy than few large ones.
  static constexpr int registers = fewest_registers;
  static constexpr int lanes_per_thread = 1;

  TYPENET_HD TYPENET_INLINE static int first_lane() { return Warp::lane(); }
  TYPENET_HD TYPENET_INLINE static bool is_leader() { return Warp::lane() == 0; }
  TYPENET_HD TYPENET_INLINE static mask below(const std::uint32_t (&words)[1], std::uint32_t limit) { return words[0] < limit; }

  TYPENET_HD TYPENET_INLINE static pack load(const Scalar* from) { return {from[Warp::lane()]}; }
  TYPENET_HD TYPENET_INLINE static void store(Scalar* to, pack value) { to[Warp::lane()] = value.value; }
  TYPENET_HD TYPENET_INLINE static void store_unaligned(Scalar* to, pack value) { store(to, value); }
  TYPENET_HD TYPENET_INLINE static void store_first(Scalar* to, pack value, int count) {
    if (Warp::lane() < count) store(to, value);
  }
  template <int Lanes>
  TYPENET_HD TYPENET_INLINE static void to_rows(const Scalar* block, Scalar* rows, index stride, int count) {
    static_assert(Lanes == width);
    const int e = Warp::lane();
    for (int l = 0; l < Lanes; ++l) rows[l * stride + e] = e < count ? block[index{e} * Lanes + l] : Scalar{0};
  }
  TYPENET_HD TYPENET_INLINE static pack broadcast(Scalar value) { return {value}; }
  TYPENET_HD TYPENET_INLINE static pack fma(pack a, pack b, pack c) { return {std::fma(a.value, b.value, c.value)}; }
  TYPENET_HD TYPENET_INLINE static pack max(pack a, pack b) { return {a.value < b.value ? b.value : a.value}; }
  TYPENET_HD TYPENET_INLINE static pack min(pack a, pack b) { return {b.value < a.value ? b.value : a.value}; }
  TYPENET_HD TYPENET_INLINE static pack abs(pack a) { return {a.value < 0 ? -a.value : a.value}; }
  TYPENET_HD TYPENET_INLINE static mask greater(pack a, pack b) { return a.value > b.value; }
  TYPENET_HD TYPENET_INLINE static mask equal(pack a, pack b) { return a.value == b.value; }
  TYPENET_HD TYPENET_INLINE static pack select(mask condition, pack yes, pack no) { return condition ? yes : no; }
  TYPENET_HD TYPENET_INLINE static mask first_lanes(int count) { return Warp::lane() < count; }
  /// Sums the lanes in halves. Every thread gets the same sum, in the same order of additions.
  TYPENET_HD TYPENET_INLINE static Scalar sum(pack a) {
    Scalar total = a.value;
    TYPENET_UNROLL
    for (int half = width / 2; half > 0; half /= 2) total += Warp::shuffle_xor(total, half);
    return total;
  }
  TYPENET_HD TYPENET_INLINE static pack sqrt(pack a) { return {std::sqrt(a.value)}; }
  TYPENET_HD TYPENET_INLINE static pack exp(pack a) { return {std::exp(a.value)}; }
  TYPENET_HD TYPENET_INLINE static pack log(pack a) { return {std::log(a.value)}; }
  TYPENET_HD TYPENET_INLINE static pack tanh(pack a) { return {std::tanh(a.value)}; }
  TYPENET_HD TYPENET_INLINE static pack erf(pack a) { return {std::erf(a.value)}; }
};
/// @endcond

}  // namespace typenet
