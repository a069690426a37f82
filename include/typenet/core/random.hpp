// SPDX-License-Identifier: MIT
/// @file
/// Counter-based random numbers. Each number is a pure function of (seed, stream, epoch, sample, block), so it is independent of the number
/// of threads, the batch size and the backend.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <typenet/core/config.hpp>

namespace typenet {

/// The seed of a model or a run: `model<net> m{seed{42}}`.
struct seed {
  std::uint64_t value = 0;
  friend constexpr bool operator==(seed, seed) = default;
};

/// The purpose of a random number. Each purpose draws from a stream of its own; programs draw from `user`.
enum class random_stream : std::uint32_t {
  initialization = 1,
  shuffle = 2,
  dropout = 3,
  augmentation = 4,
  split = 5,
  curvature = 6,
  user = 16
};

/// The counter-based generator Philox4x32-10. @see Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011
/// @returns four independent 32-bit words for a 128-bit counter under a 64-bit key
TYPENET_HD constexpr std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
  std::uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
  std::uint32_t k0 = key[0], k1 = key[1];
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{0xD2511F53u} * c0;
    const std::uint64_t p1 = std::uint64_t{0xCD9E8D57u} * c2;
    c0 = static_cast<std::uint32_t>(p1 >> 32) ^ c1 ^ k0;
    c1 = static_cast<std::uint32_t>(p1);
    c2 = static_cast<std::uint32_t>(p0 >> 32) ^ c3 ^ k1;
    c3 = static_cast<std::uint32_t>(p0);
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return {c0, c1, c2, c3};
}

/// A stream of random 32-bit words, addressed by (epoch, sample, block). A block is four words.
class counter_rng {
 public:
  /// @param substream distinguishes the users of one stream, such as the dropout layers of a network; below 65,536
  TYPENET_HD constexpr counter_rng(seed s, random_stream stream, std::uint32_t substream = 0)
      : key_{static_cast<std::uint32_t>(s.value), static_cast<std::uint32_t>(s.value >> 32)},
        stream_{static_cast<std::uint32_t>(stream) << 16 | substream} {}

  /// The four words of a block.
  TYPENET_HD constexpr std::array<std::uint32_t, 4> operator()(std::uint32_t epoch, std::uint32_t sample, std::uint32_t block) const {
    return philox4x32({block, sample, epoch, stream_}, key_);
  }

  /// Draws one block for each of `Count` samples, several samples at once where the instruction set allows it.
  /// @param samples the number of the sample in each lane, [lane]
  /// @param words receives word w of each lane's block, [w][lane]
  template <int Count>
  TYPENET_HD TYPENET_INLINE void for_lanes(std::uint32_t epoch, const std::uint32_t* samples, std::uint32_t block,
                                           std::uint32_t (&words)[4][Count]) const {
    int done = 0;
#if defined(__AVX2__) && defined(__GNUC__)
    for (; done + vector_samples <= Count; done += vector_samples)
      draw_vector(epoch, samples + done, block, words[0] + done, words[1] + done, words[2] + done, words[3] + done);
#endif
    for (; done < Count; ++done) {
      const auto drawn = (*this)(epoch, samples[done], block);
      for (int w = 0; w < 4; ++w) words[w][done] = drawn[static_cast<std::size_t>(w)];
    }
  }

 private:
#if defined(__AVX2__) && defined(__GNUC__)
  // Compiler built-ins replace <immintrin.h>, which takes longer to compile than this whole header.
#if defined(__AVX512F__)
  static constexpr int vector_samples = 16;
#else
  static constexpr int vector_samples = 8;
#endif
  using vector = std::uint64_t __attribute__((vector_size(4 * vector_samples)));
  using halves = int __attribute__((vector_size(4 * vector_samples)));
  static constexpr std::uint64_t low = 0xFFFFFFFFu;

  /// Multiplies the lower 32 bits of each lane by `b`, a third of the time of a 64-bit multiplication.
  TYPENET_INLINE static vector multiply_low(vector a, std::uint64_t b) {
#if defined(__clang__)
    return (a & low) * (vector{} + b);
#elif defined(__AVX512F__)
    using signed_vector = long long __attribute__((vector_size(64)));
    return reinterpret_cast<vector>(__builtin_ia32_pmuludq512_mask(reinterpret_cast<halves>(a), reinterpret_cast<halves>(vector{} + b),
                                                                   signed_vector{}, static_cast<unsigned char>(-1)));
#else
    return reinterpret_cast<vector>(__builtin_ia32_pmuludq256(reinterpret_cast<halves>(a), reinterpret_cast<halves>(vector{} + b)));
#endif
  }
  /// Stores the lower 32 bits of each lane: sample 2i from lane i of `value[0]`, sample 2i + 1 from lane i of `value[1]`.
  TYPENET_INLINE static void store_words(const vector (&value)[2], std::uint32_t* to) {
    const vector words = (value[0] & low) | (value[1] << 32);
    __builtin_memcpy(to, &words, sizeof words);
  }
  /// Draws one block for each of `vector_samples` samples, several times as fast as a compiled scalar loop. Words lie in the lower 32 bits
  /// of 64-bit lanes; the upper 32 bits are arbitrary. Vector 0 of each pair holds the even samples, vector 1 the odd ones.
  TYPENET_INLINE void draw_vector(std::uint32_t epoch, const std::uint32_t* samples, std::uint32_t block, std::uint32_t* word0,
                                  std::uint32_t* word1, std::uint32_t* word2, std::uint32_t* word3) const {
    vector sample;
    __builtin_memcpy(&sample, samples, sizeof sample);
    vector c0[2] = {vector{} + block, vector{} + block}, c1[2] = {sample, sample >> 32};
    vector c2[2] = {vector{} + epoch, vector{} + epoch}, c3[2] = {vector{} + stream_, vector{} + stream_};
    std::uint32_t k0 = key_[0], k1 = key_[1];
    for (int round = 0; round < 10; ++round) {
      TYPENET_UNROLL
      for (int i = 0; i < 2; ++i) {
        const vector p0 = multiply_low(c0[i], 0xD2511F53u);
        const vector p1 = multiply_low(c2[i], 0xCD9E8D57u);
        c0[i] = (p1 >> 32) ^ c1[i] ^ std::uint64_t{k0};
        c1[i] = p1;
        c2[i] = (p0 >> 32) ^ c3[i] ^ std::uint64_t{k1};
        c3[i] = p0;
      }
      k0 += 0x9E3779B9u;
      k1 += 0xBB67AE85u;
    }
    store_words(c0, word0);
    store_words(c1, word1);
    store_words(c2, word2);
    store_words(c3, word3);
  }
#endif

  std::array<std::uint32_t, 2> key_;
  std::uint32_t stream_;
};

/// Maps a word to [0, 1): its upper 24 bits times 2^-24, which is exact in `float`.
TYPENET_HD constexpr float uniform01(std::uint32_t word) { return static_cast<float>(word >> 8) * 0x1p-24f; }

/// Draws the words of one (epoch, sample) one after another, for code whose number of draws varies.
class random_sequence {
 public:
  TYPENET_HD constexpr random_sequence(counter_rng rng, std::uint32_t epoch, std::uint32_t sample)
      : rng_{rng}, epoch_{epoch}, sample_{sample} {}

  /// The next word.
  TYPENET_HD constexpr std::uint32_t operator()() {
    if (used_ == 4) {
      words_ = rng_(epoch_, sample_, block_++);
      used_ = 0;
    }
    return words_[static_cast<std::size_t>(used_++)];
  }

  /// An integer, uniform in [0, n) without bias. @see Lemire: "Fast random integer generation in an interval", 2019
  /// @pre n > 0
  TYPENET_HD constexpr std::uint32_t below(std::uint32_t n) {
    std::uint64_t product = std::uint64_t{(*this)()} * n;
    if (static_cast<std::uint32_t>(product) < n) {
      const std::uint32_t threshold = (0u - n) % n;
      while (static_cast<std::uint32_t>(product) < threshold) product = std::uint64_t{(*this)()} * n;
    }
    return static_cast<std::uint32_t>(product >> 32);
  }

  /// A real number, uniform in [low, high).
  TYPENET_HD constexpr float uniform(float low, float high) {
#if defined(__CUDA_ARCH__)
    // Rounds the product, then the sum, by way of `double`. A device compiler would fuse the two; the host compiler does not.
    const auto above = static_cast<float>(static_cast<double>(high - low) * static_cast<double>(uniform01((*this)())));
    return static_cast<float>(static_cast<double>(low) + static_cast<double>(above));
#else
    return low + (high - low) * uniform01((*this)());
#endif
  }

 private:
  counter_rng rng_;
  std::uint32_t epoch_, sample_, block_ = 0;
  std::array<std::uint32_t, 4> words_{};  ///< the last block drawn
  int used_ = 4;                          ///< words of it that were handed out
};

}  // namespace typenet
