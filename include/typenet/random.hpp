// SPDX-License-Identifier: MIT
/// @file
/// Counter-based randomness: every number is a pure function of (seed, stream, epoch, sample, index), so it does not
/// depend on threads, on how samples are batched, or on the backend.
#pragma once

#include <array>
#include <cstdint>

#include <typenet/config.hpp>

namespace typenet {

/// The seed of a model or a run: `model<net> m{seed{42}}`.
struct seed {
  std::uint64_t value = 0;
  friend constexpr bool operator==(seed, seed) = default;
};

/// What a random number is for; each purpose draws from its own stream.
enum class random_stream : std::uint32_t { initialization = 1, shuffle = 2, dropout = 3, augmentation = 4, split = 5, user = 16 };

/// Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
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

/// A stream of random words addressed by (epoch, sample, block), four words a block.
class counter_rng {
 public:
  /// @param substream tells apart users of one stream, such as the dropout layers of a network (below 65,536)
  TYPENET_HD constexpr counter_rng(seed s, random_stream stream, std::uint32_t substream = 0)
      : key_{static_cast<std::uint32_t>(s.value), static_cast<std::uint32_t>(s.value >> 32)},
        stream_{static_cast<std::uint32_t>(stream) << 16 | substream} {}

  TYPENET_HD constexpr std::array<std::uint32_t, 4> operator()(std::uint32_t epoch, std::uint32_t sample, std::uint32_t block) const {
    return philox4x32({block, sample, epoch, stream_}, key_);
  }

  /// The same block for each of `Count` samples, side by side so that a compiler can do them at once: calls
  /// `take(word, lane, bits)` for the four words of every lane.
  template <int Count, class Take>
  TYPENET_HD TYPENET_INLINE void for_lanes(std::uint32_t epoch, const std::uint32_t* samples, std::uint32_t block, const Take& take) const {
    std::uint32_t c0[Count], c1[Count], c2[Count], c3[Count];
    for (int l = 0; l < Count; ++l) {
      c0[l] = block;
      c1[l] = samples[l];
      c2[l] = epoch;
      c3[l] = stream_;
    }
    std::uint32_t k0 = key_[0], k1 = key_[1];
    for (int round = 0; round < 10; ++round) {
      for (int l = 0; l < Count; ++l) {
        const std::uint64_t p0 = std::uint64_t{0xD2511F53u} * c0[l];
        const std::uint64_t p1 = std::uint64_t{0xCD9E8D57u} * c2[l];
        c0[l] = static_cast<std::uint32_t>(p1 >> 32) ^ c1[l] ^ k0;
        c1[l] = static_cast<std::uint32_t>(p1);
        c2[l] = static_cast<std::uint32_t>(p0 >> 32) ^ c3[l] ^ k1;
        c3[l] = static_cast<std::uint32_t>(p0);
      }
      k0 += 0x9E3779B9u;
      k1 += 0xBB67AE85u;
    }
    for (int l = 0; l < Count; ++l) {
      take(0, l, c0[l]);
      take(1, l, c1[l]);
      take(2, l, c2[l]);
      take(3, l, c3[l]);
    }
  }

 private:
  std::array<std::uint32_t, 2> key_;
  std::uint32_t stream_;
};

/// Maps a word to [0, 1) with 24 bits, exactly representable in float.
TYPENET_HD constexpr float uniform01(std::uint32_t word) { return static_cast<float>(word >> 8) * 0x1p-24f; }

/// Draws the words of one (epoch, sample) one after another; for host code whose count of draws varies.
class random_sequence {
 public:
  constexpr random_sequence(counter_rng rng, std::uint32_t epoch, std::uint32_t sample) : rng_{rng}, epoch_{epoch}, sample_{sample} {}

  constexpr std::uint32_t operator()() {
    if (used_ == 4) {
      words_ = rng_(epoch_, sample_, block_++);
      used_ = 0;
    }
    return words_[static_cast<std::size_t>(used_++)];
  }

  /// Uniform in [0, n) without bias (Lemire, "Fast random integer generation in an interval", 2019).
  /// @pre n > 0
  constexpr std::uint32_t below(std::uint32_t n) {
    std::uint64_t product = std::uint64_t{(*this)()} * n;
    if (static_cast<std::uint32_t>(product) < n) {
      const std::uint32_t threshold = (0u - n) % n;
      while (static_cast<std::uint32_t>(product) < threshold) product = std::uint64_t{(*this)()} * n;
    }
    return static_cast<std::uint32_t>(product >> 32);
  }

  /// Uniform in [low, high).
  constexpr float uniform(float low, float high) { return low + (high - low) * uniform01((*this)()); }

 private:
  counter_rng rng_;
  std::uint32_t epoch_, sample_, block_ = 0;
  std::array<std::uint32_t, 4> words_{};
  int used_ = 4;
};

}  // namespace typenet
