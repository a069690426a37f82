// SPDX-License-Identifier: MIT
/// @file
/// Several samples in SIMD registers: one Eigen packet, or as many as the instruction set needs.
#pragma once

#if defined(__CUDACC__)
#pragma nv_diagnostic push
#pragma nv_diag_suppress 20012  // Eigen marks defaulted functions for the device
#endif
#include <Eigen/Core>
#if defined(__CUDACC__)
#pragma nv_diagnostic pop
#endif

#include <cmath>
#include <type_traits>

#include <typenet/simd/pack.hpp>

/// Names what is compiled with registers of one kind apart from the rest: objects for several instruction sets then do not get in each
/// other's way in one program. nvcc has Eigen without its packets.
#if defined(EIGEN_VECTORIZE_AVX512)
#define TYPENET_PACKETS avx512
#elif defined(EIGEN_VECTORIZE_AVX)
#define TYPENET_PACKETS avx
#elif defined(EIGEN_VECTORIZE_SSE)
#define TYPENET_PACKETS sse
#elif defined(EIGEN_VECTORIZE_NEON)
#define TYPENET_PACKETS neon
#elif defined(EIGEN_VECTORIZE)
#define TYPENET_PACKETS other_packets
#else
#define TYPENET_PACKETS no_packets
#endif

namespace typenet {

inline namespace TYPENET_PACKETS {

/// One number of each of `Width` samples. The width does not depend on the instruction set, so layouts do not either.
template <class Scalar, int Width = 16>
struct eigen_pack {
  static constexpr int width = Width;
  using packet = typename Eigen::internal::packet_traits<Scalar>::type;
  static constexpr int packet_width = Eigen::internal::unpacket_traits<packet>::size;
  static constexpr int count = width / packet_width;
  static_assert(width % packet_width == 0);

  packet part[count];

  eigen_pack() = default;
  /// The same number in every lane.
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
  /// Lane by lane, for what the instruction set has no packet of.
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

// A packet carries an alignment attribute that a template argument drops; nothing here depends on it.
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wignored-attributes"
#endif

/// Comparisons of packets, and choices by them. Eigen's are packets of all ones or all zeros in each lane.
template <class Packet>
struct packet_mask {
  using type = Packet;
  TYPENET_HD TYPENET_INLINE static type greater(const Packet& a, const Packet& b) { return Eigen::internal::pcmp_lt(b, a); }
  TYPENET_HD TYPENET_INLINE static type equal(const Packet& a, const Packet& b) { return Eigen::internal::pcmp_eq(a, b); }
  TYPENET_HD TYPENET_INLINE static Packet select(const type& condition, const Packet& yes, const Packet& no) {
    return Eigen::internal::pselect(condition, yes, no);
  }
  TYPENET_HD TYPENET_INLINE static type below(const std::uint32_t* words, std::uint32_t limit) {
    using scalar = typename Eigen::internal::unpacket_traits<Packet>::type;
    constexpr int size = Eigen::internal::unpacket_traits<Packet>::size;
    alignas(64) scalar found[size];
    TYPENET_UNROLL
    for (int i = 0; i < size; ++i) found[i] = words[i] < limit ? scalar{1} : scalar{0};
    return greater(Eigen::internal::pload<Packet>(found), Eigen::internal::pset1<Packet>(scalar{0}));
  }
};
#if defined(EIGEN_VECTORIZE_AVX512)
// AVX-512 has registers for them, which Eigen fills and empties at every use.
template <>
struct packet_mask<Eigen::internal::Packet16f> {
  using packet = Eigen::internal::Packet16f;
  using type = __mmask16;
  TYPENET_INLINE static type greater(const packet& a, const packet& b) { return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ); }
  TYPENET_INLINE static type equal(const packet& a, const packet& b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
  TYPENET_INLINE static packet select(type condition, const packet& yes, const packet& no) {
    return _mm512_mask_blend_ps(condition, no, yes);
  }
  TYPENET_INLINE static type below(const std::uint32_t* words, std::uint32_t limit) {
    return _mm512_cmplt_epu32_mask(_mm512_load_si512(words), _mm512_set1_epi32(static_cast<int>(limit)));
  }
};
template <>
struct packet_mask<Eigen::internal::Packet8d> {
  using packet = Eigen::internal::Packet8d;
  using type = __mmask8;
  TYPENET_INLINE static type greater(const packet& a, const packet& b) { return _mm512_cmp_pd_mask(a, b, _CMP_GT_OQ); }
  TYPENET_INLINE static type equal(const packet& a, const packet& b) { return _mm512_cmp_pd_mask(a, b, _CMP_EQ_OQ); }
  TYPENET_INLINE static packet select(type condition, const packet& yes, const packet& no) {
    return _mm512_mask_blend_pd(condition, no, yes);
  }
  TYPENET_INLINE static type below(const std::uint32_t* words, std::uint32_t limit) {
    const __m512i wide = _mm512_cvtepu32_epi64(_mm256_load_si256(reinterpret_cast<const __m256i*>(words)));
    return _mm512_cmplt_epu64_mask(wide, _mm512_set1_epi64(static_cast<long long>(limit)));
  }
};
#endif

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
        Eigen::internal::PacketBlock<packet, n> tile;
        TYPENET_UNROLL
        for (int i = 0; i < n; ++i)
          tile.packet[i] = e + i < count ? Eigen::internal::pload<packet>(block + (e + i) * Lanes + l) : Eigen::internal::pset1<packet>(0);
        if constexpr (n > 1) Eigen::internal::ptranspose(tile);
        TYPENET_UNROLL
        for (int i = 0; i < n; ++i) Eigen::internal::pstoreu(rows + (l + i) * stride + e, tile.packet[i]);
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
        Eigen::internal::PacketBlock<packet, n> tile;
        TYPENET_UNROLL
        for (int i = 0; i < n; ++i) tile.packet[i] = Eigen::internal::ploadu<packet>(rows[l + i] + e);
        if constexpr (n > 1) Eigen::internal::ptranspose(tile);
        TYPENET_UNROLL
        for (int i = 0; i < n; ++i) Eigen::internal::pstore(block + (e + i) * Lanes + l, tile.packet[i]);
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
  /// The sum of a pack's packets.
  TYPENET_HD TYPENET_INLINE static packet total(const pack& a) {
    packet all = a.part[0];
    TYPENET_UNROLL
    for (int i = 1; i < pack::count; ++i) all = Eigen::internal::padd(all, a.part[i]);
    return all;
  }
#if defined(EIGEN_VECTORIZE_AVX512)
  /// Those of sixteen packs at once, each addition for two of them, then four, eight and all.
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
    // Bounded by a constant, without which compilers see it run beyond.
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
  /// x P(x²) / Q(x²) by Horner's rule, within some units of the last place; beyond ±4 a float's erf is ±1. The coefficients are those of
  /// Eigen's `generic_fast_erf_float`.
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

#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

}  // namespace typenet
