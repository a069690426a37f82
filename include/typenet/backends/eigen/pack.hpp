// SPDX-License-Identifier: MIT
/// @file
/// The pack of the CPU: several samples in SIMD registers, one Eigen packet or as many as the instruction set needs.
#pragma once

#include <cmath>
#include <cstdint>
#include <type_traits>

#include <typenet/backends/eigen/packet.hpp>
#include <typenet/core/config.hpp>
#include <typenet/simd/pack.hpp>

TYPENET_TRUST_INTRINSICS
// A packet carries an alignment attribute that a template argument drops; nothing here depends on it.
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wignored-attributes"
#endif

namespace typenet {

inline namespace TYPENET_PACKETS {

/// One number of each of `Width` samples. The width is the same for every instruction set, and so are memory layouts.
/// @tparam Scalar `float` or `double`
/// @tparam Width a multiple of the lanes of a register
template <class Scalar, int Width = 16>
struct eigen_pack {
  static constexpr int width = Width;
  using packet = typename Eigen::internal::packet_traits<Scalar>::type;
  static constexpr int packet_width = Eigen::internal::unpacket_traits<packet>::size;
  static constexpr int count = width / packet_width;
  static_assert(width % packet_width == 0);

  packet part[count];  ///< lanes [i * packet_width, (i + 1) * packet_width) in part[i]

  eigen_pack() = default;
  /// Holds `number` in every lane.
  // NOLINTNEXTLINE(google-explicit-constructor): plain numbers mix with packs
  TYPENET_HD TYPENET_INLINE eigen_pack(Scalar number) {
    const packet all = Eigen::internal::pset1<packet>(number);
    TYPENET_UNROLL
    for (int i = 0; i < count; ++i) part[i] = all;
  }

  TYPENET_HD TYPENET_INLINE friend eigen_pack operator+(const eigen_pack& a, const eigen_pack& b) {
    return map(a, b, [](const packet& x, const packet& y) TYPENET_LAMBDA_INLINE { return Eigen::internal::padd(x, y); });
  }
  TYPENET_HD TYPENET_INLINE friend eigen_pack operator-(const eigen_pack& a, const eigen_pack& b) {
    return map(a, b, [](const packet& x, const packet& y) TYPENET_LAMBDA_INLINE { return Eigen::internal::psub(x, y); });
  }
  TYPENET_HD TYPENET_INLINE friend eigen_pack operator*(const eigen_pack& a, const eigen_pack& b) {
    return map(a, b, [](const packet& x, const packet& y) TYPENET_LAMBDA_INLINE { return Eigen::internal::pmul(x, y); });
  }
  TYPENET_HD TYPENET_INLINE friend eigen_pack operator/(const eigen_pack& a, const eigen_pack& b) {
    return map(a, b, [](const packet& x, const packet& y) TYPENET_LAMBDA_INLINE { return Eigen::internal::pdiv(x, y); });
  }

  /// Applies a function of packets register by register.
  template <class F>
  TYPENET_HD TYPENET_INLINE static eigen_pack map(const eigen_pack& a, const F& f) {
    eigen_pack r;
    TYPENET_UNROLL
    for (int i = 0; i < count; ++i) r.part[i] = f(a.part[i]);
    return r;
  }
  template <class F>
  TYPENET_HD TYPENET_INLINE static eigen_pack map(const eigen_pack& a, const eigen_pack& b, const F& f) {
    eigen_pack r;
    TYPENET_UNROLL
    for (int i = 0; i < count; ++i) r.part[i] = f(a.part[i], b.part[i]);
    return r;
  }
  /// Applies a function of plain numbers lane by lane, for functions that the instruction set has no packet form of.
  template <class F>
  TYPENET_HD static eigen_pack each(const eigen_pack& a, const F& f) {
    alignas(64) Scalar lanes[width];
    TYPENET_UNROLL
    for (int i = 0; i < count; ++i) Eigen::internal::pstore(lanes + i * packet_width, a.part[i]);
    for (Scalar& x : lanes) x = f(x);
    eigen_pack r;
    TYPENET_UNROLL
    for (int i = 0; i < count; ++i) r.part[i] = Eigen::internal::pload<packet>(lanes + i * packet_width);
    return r;
  }
};

}  // namespace TYPENET_PACKETS

/// @cond
template <class Scalar, int Width>
struct lane::traits<eigen_pack<Scalar, Width>> {
  using pack = eigen_pack<Scalar, Width>;
  using packet = typename pack::packet;
  using packet_traits = Eigen::internal::packet_traits<Scalar>;
  using scalar = Scalar;
  using masks = packet_mask<packet>;
  struct mask {
    typename masks::type part[pack::count];
  };
  static constexpr int width = pack::width;
#if defined(EIGEN_VECTORIZE_AVX512) || defined(EIGEN_VECTORIZE_NEON)
  static constexpr int registers = pack::count < 32 ? 32 / pack::count : 1;
#else
  static constexpr int registers = pack::count < 16 ? 16 / pack::count : 1;
#endif

  TYPENET_HD TYPENET_INLINE static pack load(const Scalar* from) {
    pack r;
    TYPENET_UNROLL
    for (int i = 0; i < pack::count; ++i) r.part[i] = Eigen::internal::pload<packet>(from + i * pack::packet_width);
    return r;
  }
  TYPENET_HD TYPENET_INLINE static pack load_unaligned(const Scalar* from) {
    pack r;
    TYPENET_UNROLL
    for (int i = 0; i < pack::count; ++i) r.part[i] = Eigen::internal::ploadu<packet>(from + i * pack::packet_width);
    return r;
  }
  TYPENET_HD TYPENET_INLINE static void store(Scalar* to, const pack& value) {
    TYPENET_UNROLL
    for (int i = 0; i < pack::count; ++i) Eigen::internal::pstore(to + i * pack::packet_width, value.part[i]);
  }
  TYPENET_HD TYPENET_INLINE static void store_unaligned(Scalar* to, const pack& value) {
    TYPENET_UNROLL
    for (int i = 0; i < pack::count; ++i) Eigen::internal::pstoreu(to + i * pack::packet_width, value.part[i]);
  }
  TYPENET_HD TYPENET_INLINE static void store_first(Scalar* to, const pack& value, int count) {
    TYPENET_UNROLL
    for (int i = 0; i < pack::count; ++i) {
      const int left = count - i * pack::packet_width;
      if (left >= pack::packet_width)
        Eigen::internal::pstoreu(to + i * pack::packet_width, value.part[i]);
      else if (left > 0)
        store_part(to + i * pack::packet_width, value.part[i], left);
    }
  }
  static constexpr int lanes_per_thread = width;
  TYPENET_HD TYPENET_INLINE static constexpr int first_lane() { return 0; }
  TYPENET_HD TYPENET_INLINE static constexpr bool is_leader() { return true; }
  TYPENET_HD TYPENET_INLINE static mask below(const std::uint32_t (&words)[width], std::uint32_t limit) {
    mask r;
    TYPENET_UNROLL
    for (int i = 0; i < pack::count; ++i) r.part[i] = masks::below(words + i * pack::packet_width, limit);
    return r;
  }
  template <int Lanes>
  TYPENET_HD TYPENET_INLINE static void to_rows(const Scalar* block, Scalar* rows, index stride, int count) {
    static_assert(Lanes == width);
    constexpr int n = pack::packet_width;
    for (int e = 0; e < Lanes; e += n) {
      for (int l = 0; l < Lanes; l += n) {
        packet tile[n];
        TYPENET_UNROLL
        for (int i = 0; i < n; ++i)
          tile[i] = e + i < count ? Eigen::internal::pload<packet>(block + (e + i) * Lanes + l) : Eigen::internal::pset1<packet>(0);
        packet_transpose<packet>::run(tile);
        TYPENET_UNROLL
        for (int i = 0; i < n; ++i) Eigen::internal::pstoreu(rows + (l + i) * stride + e, tile[i]);
      }
    }
  }
  template <int Lanes>
  TYPENET_HD static void to_lanes(const Scalar* const (&rows)[Lanes], int count, Scalar* block) {
    static_assert(Lanes == width);
    constexpr int n = pack::packet_width;
    int e = 0;
    for (; e + n <= count; e += n) {
      for (int l = 0; l < Lanes; l += n) {
        packet tile[n];
        TYPENET_UNROLL
        for (int i = 0; i < n; ++i) tile[i] = Eigen::internal::ploadu<packet>(rows[l + i] + e);
        packet_transpose<packet>::run(tile);
        TYPENET_UNROLL
        for (int i = 0; i < n; ++i) Eigen::internal::pstore(block + (e + i) * Lanes + l, tile[i]);
      }
    }
    for (; e < count; ++e)
      for (int l = 0; l < Lanes; ++l) block[index{e} * Lanes + l] = rows[l][e];
  }
  TYPENET_HD TYPENET_INLINE static pack broadcast(Scalar value) { return value; }
  TYPENET_HD TYPENET_INLINE static pack fma(const pack& a, const pack& b, const pack& c) {
    pack r;
    TYPENET_UNROLL
    for (int i = 0; i < pack::count; ++i) r.part[i] = Eigen::internal::pmadd(a.part[i], b.part[i], c.part[i]);
    return r;
  }
  TYPENET_HD TYPENET_INLINE static pack max(const pack& a, const pack& b) {
    return pack::map(a, b, [](const packet& x, const packet& y) TYPENET_LAMBDA_INLINE { return Eigen::internal::pmax(x, y); });
  }
  TYPENET_HD TYPENET_INLINE static pack min(const pack& a, const pack& b) {
    return pack::map(a, b, [](const packet& x, const packet& y) TYPENET_LAMBDA_INLINE { return Eigen::internal::pmin(x, y); });
  }
  TYPENET_HD TYPENET_INLINE static pack abs(const pack& a) {
    return pack::map(a, [](const packet& x) TYPENET_LAMBDA_INLINE { return Eigen::internal::pabs(x); });
  }
  TYPENET_HD TYPENET_INLINE static mask greater(const pack& a, const pack& b) {
    mask r;
    TYPENET_UNROLL
    for (int i = 0; i < pack::count; ++i) r.part[i] = masks::greater(a.part[i], b.part[i]);
    return r;
  }
  TYPENET_HD TYPENET_INLINE static mask equal(const pack& a, const pack& b) {
    mask r;
    TYPENET_UNROLL
    for (int i = 0; i < pack::count; ++i) r.part[i] = masks::equal(a.part[i], b.part[i]);
    return r;
  }
  TYPENET_HD TYPENET_INLINE static pack select(const mask& condition, const pack& yes, const pack& no) {
    pack r;
    TYPENET_UNROLL
    for (int i = 0; i < pack::count; ++i) r.part[i] = masks::select(condition.part[i], yes.part[i], no.part[i]);
    return r;
  }
  TYPENET_HD TYPENET_INLINE static mask first_lanes(int valid) {
    pack number;
    TYPENET_UNROLL
    for (int i = 0; i < pack::count; ++i) number.part[i] = Eigen::internal::plset<packet>(static_cast<Scalar>(i * pack::packet_width));
    return greater(broadcast(static_cast<Scalar>(valid)), number);
  }
  TYPENET_HD TYPENET_INLINE static Scalar sum(const pack& a) { return Eigen::internal::predux(total(a)); }
  /// The sum of the packets of a pack, lane by lane.
  TYPENET_HD TYPENET_INLINE static packet total(const pack& a) {
    packet all = a.part[0];
    TYPENET_UNROLL
    for (int i = 1; i < pack::count; ++i) all = Eigen::internal::padd(all, a.part[i]);
    return all;
  }
#if defined(EIGEN_VECTORIZE_AVX512)
  /// Sums the lanes of `sums_together` packs at once: `to[i]` is the sum of `of[i]`. Each addition serves two packs, then four, eight,
  /// sixteen. `to` needs no alignment.
  static constexpr int sums_together = std::is_same_v<packet, Eigen::internal::Packet16f> ? 16 : 1 << 30;
  TYPENET_INLINE static void sums(const pack* of, Scalar* to) {
    __m512 two[8], four[4], eight[2];
    for (int k = 0; k < 8; ++k) {
      const __m512 a = total(of[k / 4 * 8 + k % 4]), b = total(of[k / 4 * 8 + k % 4 + 4]);
      two[k] = _mm512_add_ps(_mm512_mask_blend_ps(0xFF00, a, b), _mm512_shuffle_f32x4(a, b, 0x4E));
    }
    for (int k = 0; k < 4; ++k)
      four[k] = _mm512_add_ps(_mm512_shuffle_f32x4(two[k], two[k + 4], 0x88), _mm512_shuffle_f32x4(two[k], two[k + 4], 0xDD));
    for (int k = 0; k < 2; ++k)
      eight[k] =
          _mm512_add_ps(_mm512_shuffle_ps(four[2 * k], four[2 * k + 1], 0x44), _mm512_shuffle_ps(four[2 * k], four[2 * k + 1], 0xEE));
    _mm512_storeu_ps(to, _mm512_add_ps(_mm512_shuffle_ps(eight[0], eight[1], 0x88), _mm512_shuffle_ps(eight[0], eight[1], 0xDD)));
  }
#endif
  /// Writes the first `count` lanes of a packet, fewer than all, to any address.
  TYPENET_HD TYPENET_INLINE static void store_part(Scalar* to, const packet& value, int count) {
#if defined(EIGEN_VECTORIZE_AVX512)
    if constexpr (std::is_same_v<packet, Eigen::internal::Packet16f>) {
      _mm512_mask_storeu_ps(to, static_cast<__mmask16>((1U << count) - 1U), value);
      return;
    } else if constexpr (std::is_same_v<packet, Eigen::internal::Packet8d>) {
      _mm512_mask_storeu_pd(to, static_cast<__mmask8>((1U << count) - 1U), value);
      return;
    }
#endif
    alignas(64) Scalar numbers[pack::packet_width];
    Eigen::internal::pstore(numbers, value);
    // The constant bound shows compilers that the loop stays inside the array.
    for (int l = 0; l < pack::packet_width; ++l)
      if (l < count) to[l] = numbers[l];
  }
  TYPENET_HD TYPENET_INLINE static pack sqrt(const pack& a) {
    return pack::map(a, [](const packet& x) TYPENET_LAMBDA_INLINE { return Eigen::internal::psqrt(x); });
  }
  TYPENET_HD TYPENET_INLINE static pack exp(const pack& a) {
    if constexpr (packet_traits::HasExp && pack::packet_width > 1)
      return pack::map(a, [](const packet& x) TYPENET_LAMBDA_INLINE { return Eigen::internal::pexp(x); });
    else
      return pack::each(a, [](Scalar x) { return std::exp(x); });
  }
  TYPENET_HD TYPENET_INLINE static pack log(const pack& a) {
    if constexpr (packet_traits::HasLog && pack::packet_width > 1)
      return pack::map(a, [](const packet& x) TYPENET_LAMBDA_INLINE { return Eigen::internal::plog(x); });
    else
      return pack::each(a, [](Scalar x) { return std::log(x); });
  }
  TYPENET_HD TYPENET_INLINE static pack tanh(const pack& a) {
    if constexpr (packet_traits::HasTanh && pack::packet_width > 1)
      return pack::map(a, [](const packet& x) TYPENET_LAMBDA_INLINE { return Eigen::internal::ptanh(x); });
    else
      return pack::each(a, [](Scalar x) { return std::tanh(x); });
  }
  TYPENET_HD TYPENET_INLINE static pack erf(const pack& a) {
    if constexpr (std::is_same_v<Scalar, float> && packet_traits::HasDiv && pack::packet_width > 1)
      return pack::map(a, [](const packet& x) TYPENET_LAMBDA_INLINE { return rational_erf(x); });
    else
      return pack::each(a, [](Scalar x) { return std::erf(x); });
  }

 private:
  /// The error function as x P(x²) / Q(x²) by Horner's rule, within a few units in the last place. Beyond ±4 a float's erf is ±1.
  /// @see Eigen's `generic_fast_erf_float`, which has the coefficients
  TYPENET_HD TYPENET_INLINE static packet rational_erf(const packet& a) {
    using namespace Eigen::internal;
    const packet x = pmax(pmin(a, pset1<packet>(4.0F)), pset1<packet>(-4.0F)), square = pmul(x, x);
    const auto polynomial = [&](auto highest, auto... others) TYPENET_LAMBDA_INLINE {
      packet sum = pset1<packet>(highest);
      ((sum = pmadd(square, sum, pset1<packet>(others))), ...);
      return sum;
    };
    return pdiv(
        pmul(x, polynomial(-2.72614225801306e-10F, 2.77068142495902e-08F, -2.10102402082508e-06F, -5.69250639462346e-05F,
                           -7.34990630326855e-04F, -2.95459980854025e-03F, -1.60960333262415e-02F)),
        polynomial(-1.45660718464996e-05F, -2.13374055278905e-04F, -1.68282697438203e-03F, -7.37332916720468e-03F, -1.42647390514189e-02F));
  }
};
/// @endcond

}  // namespace typenet

#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif
TYPENET_TRUST_INTRINSICS_END
