// SPDX-License-Identifier: MIT
/// @file
/// One SIMD register as Eigen's packet: the namespace of its instruction set, comparisons, and transposition.
#pragma once

// g++ before 13 warns of its own AVX-512 intrinsics, which leave registers undefined on purpose (GCC bug 105593). It warns where neither
// the intrinsic nor a function that it is inlined into is marked. These macros mark Eigen's functions, and the functions that call
// intrinsics through them, whichever headers the program has included before.
#if defined(__GNUC__) && !defined(__clang__) && !defined(__CUDACC__) && __GNUC__ < 13 && defined(__AVX512F__)
#define TYPENET_TRUST_INTRINSICS                                                       \
  _Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wuninitialized\"") \
      _Pragma("GCC diagnostic ignored \"-Wmaybe-uninitialized\"")
#define TYPENET_TRUST_INTRINSICS_END _Pragma("GCC diagnostic pop")
#else
#define TYPENET_TRUST_INTRINSICS
#define TYPENET_TRUST_INTRINSICS_END
#endif

#if defined(__CUDACC__)
#pragma nv_diagnostic push
#pragma nv_diag_suppress 20012  // Eigen marks defaulted functions for the device
#endif
TYPENET_TRUST_INTRINSICS
#include <Eigen/Core>
TYPENET_TRUST_INTRINSICS_END
#if defined(__CUDACC__)
#pragma nv_diagnostic pop
#endif

#include <cstdint>

#include <typenet/core/config.hpp>

/// The namespace of code that is compiled for one instruction set. One program may then hold objects for several instruction sets. Under
/// nvcc Eigen has no packets.
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

TYPENET_TRUST_INTRINSICS
// A packet carries an alignment attribute that a template argument drops; nothing here depends on it.
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wignored-attributes"
#endif

namespace typenet {

inline namespace TYPENET_PACKETS {

/// Comparisons of packets, and selection by their results. This general form uses Eigen's: a mask is a packet, all bits of a lane one or
/// zero. `below(words, limit)` compares one unsigned word of each lane with `limit`; `words` is aligned to 64 bytes.
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
// AVX-512 has mask registers. Eigen converts to and from them at every use; these forms keep the masks there.
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

/// Transposes a square of as many packets as a packet has lanes, in place: lane l of packet i and lane i of packet l change places.
template <class Packet>
struct packet_transpose {
  static constexpr int size = Eigen::internal::unpacket_traits<Packet>::size;
  TYPENET_HD TYPENET_INLINE static void run(Packet (&tile)[size]) {
    if constexpr (size > 1) {
      Eigen::internal::PacketBlock<Packet, size> block;
      TYPENET_UNROLL
      for (int i = 0; i < size; ++i) block.packet[i] = tile[i];
      Eigen::internal::ptranspose(block);
      TYPENET_UNROLL
      for (int i = 0; i < size; ++i) tile[i] = block.packet[i];
    }
  }
};
#if defined(EIGEN_VECTORIZE_AVX512)
// Eigen's own functions for AVX-512 halve each register. g++ also warns of them where the program includes Eigen first.
template <>
struct packet_transpose<Eigen::internal::Packet16f> {
  static constexpr int size = 16;
  TYPENET_INLINE static void run(__m512 (&tile)[size]) {
    __m512 two[16], four[16];
    TYPENET_UNROLL
    for (int i = 0; i < 16; i += 2) {
      two[i] = _mm512_unpacklo_ps(tile[i], tile[i + 1]);
      two[i + 1] = _mm512_unpackhi_ps(tile[i], tile[i + 1]);
    }
    // A quarter q of four[i + j] holds lane 4q + j of packets i to i + 3.
    TYPENET_UNROLL
    for (int i = 0; i < 16; i += 4) {
      four[i] = _mm512_shuffle_ps(two[i], two[i + 2], 0x44);
      four[i + 1] = _mm512_shuffle_ps(two[i], two[i + 2], 0xEE);
      four[i + 2] = _mm512_shuffle_ps(two[i + 1], two[i + 3], 0x44);
      four[i + 3] = _mm512_shuffle_ps(two[i + 1], two[i + 3], 0xEE);
    }
    TYPENET_UNROLL
    for (int j = 0; j < 4; ++j) {
      const __m512 even_a = _mm512_shuffle_f32x4(four[j], four[4 + j], 0x88),
                   even_b = _mm512_shuffle_f32x4(four[8 + j], four[12 + j], 0x88);
      const __m512 odd_a = _mm512_shuffle_f32x4(four[j], four[4 + j], 0xDD), odd_b = _mm512_shuffle_f32x4(four[8 + j], four[12 + j], 0xDD);
      tile[j] = _mm512_shuffle_f32x4(even_a, even_b, 0x88);
      tile[4 + j] = _mm512_shuffle_f32x4(odd_a, odd_b, 0x88);
      tile[8 + j] = _mm512_shuffle_f32x4(even_a, even_b, 0xDD);
      tile[12 + j] = _mm512_shuffle_f32x4(odd_a, odd_b, 0xDD);
    }
  }
};
template <>
struct packet_transpose<Eigen::internal::Packet8d> {
  static constexpr int size = 8;
  TYPENET_INLINE static void run(__m512d (&tile)[size]) {
    __m512d two[8];
    // A quarter q of two[i + j] holds lane 2q + j of packets i and i + 1.
    TYPENET_UNROLL
    for (int i = 0; i < 8; i += 2) {
      two[i] = _mm512_unpacklo_pd(tile[i], tile[i + 1]);
      two[i + 1] = _mm512_unpackhi_pd(tile[i], tile[i + 1]);
    }
    TYPENET_UNROLL
    for (int j = 0; j < 2; ++j) {
      const __m512d even_a = _mm512_shuffle_f64x2(two[j], two[2 + j], 0x88), even_b = _mm512_shuffle_f64x2(two[4 + j], two[6 + j], 0x88);
      const __m512d odd_a = _mm512_shuffle_f64x2(two[j], two[2 + j], 0xDD), odd_b = _mm512_shuffle_f64x2(two[4 + j], two[6 + j], 0xDD);
      tile[j] = _mm512_shuffle_f64x2(even_a, even_b, 0x88);
      tile[2 + j] = _mm512_shuffle_f64x2(odd_a, odd_b, 0x88);
      tile[4 + j] = _mm512_shuffle_f64x2(even_a, even_b, 0xDD);
      tile[6 + j] = _mm512_shuffle_f64x2(odd_a, odd_b, 0xDD);
    }
  }
};
#endif

}  // namespace TYPENET_PACKETS
}  // namespace typenet

#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif
TYPENET_TRUST_INTRINSICS_END
