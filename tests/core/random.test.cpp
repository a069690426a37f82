// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <set>
#include <typenet/core/random.hpp>
#include <vector>

namespace tn = typenet;
using words = std::array<std::uint32_t, 4>;

// Known answers of the Random123 library (file kat_vectors, philox4x32 with 10 rounds).
static_assert(tn::philox4x32({0, 0, 0, 0}, {0, 0}) == words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
static_assert(tn::philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}) ==
              words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
static_assert(tn::philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
              words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});

static_assert(tn::uniform01(0) == 0);
static_assert(tn::uniform01(0x80000000) == 0.5f);
static_assert(tn::uniform01(0xffffffff) == 1 - 0x1p-24f);

constexpr std::uint32_t constant_draw() {
  tn::random_sequence random{tn::counter_rng{tn::seed{42}, tn::random_stream::user}, 1, 2};
  return random.below(6);
}
static_assert(constant_draw() < 6);

TEST_CASE("philox gives the known answers at run time too") {
  volatile std::uint32_t zero = 0;
  CHECK(tn::philox4x32({zero, zero, zero, zero}, {zero, zero}) == words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
}

TEST_CASE("every part of a counter's address matters") {
  std::set<words> seen;
  for (const std::uint64_t seed : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1} << 32})
    for (const auto stream : {tn::random_stream::initialization, tn::random_stream::dropout})
      for (const std::uint32_t substream : {0u, 1u})
        for (const std::uint32_t epoch : {0u, 1u})
          for (const std::uint32_t sample : {0u, 1u})
            for (const std::uint32_t block : {0u, 1u})
              seen.insert(tn::counter_rng{tn::seed{seed}, stream, substream}(epoch, sample, block));
  CHECK(seen.size() == 96);
}

TEST_CASE("lanes draw what single samples draw") {
  const tn::counter_rng rng{tn::seed{0x123456789abcdef}, tn::random_stream::dropout, 3};
  // A sample count that is not a multiple of the vector length.
  constexpr int count = 21;
  std::uint32_t samples[count] = {7, 0, 0xffffffff, 7, 12};
  for (std::uint32_t i = 5; i < count; ++i) samples[i] = i * 0x9e3779b9u;
  std::uint32_t drawn[4][count];
  rng.for_lanes<count>(9, samples, 4, drawn);
  for (int l = 0; l < count; ++l)
    for (int w = 0; w < 4; ++w) CHECK(drawn[w][l] == rng(9, samples[l], 4)[static_cast<std::size_t>(w)]);
}

TEST_CASE("a sequence walks through the blocks of its sample") {
  const tn::counter_rng rng{tn::seed{5}, tn::random_stream::shuffle};
  tn::random_sequence random{rng, 3, 8};
  for (std::uint32_t block = 0; block < 3; ++block)
    for (const std::uint32_t word : rng(3, 8, block)) CHECK(random() == word);
}

TEST_CASE("uniform numbers fill [0, 1) evenly") {
  tn::random_sequence random{tn::counter_rng{tn::seed{1}, tn::random_stream::user}, 0, 0};
  constexpr int draws = 100'000;
  double sum = 0, squares = 0;
  float lowest = 1, highest = 0;
  for (int i = 0; i < draws; ++i) {
    const float x = tn::uniform01(random());
    lowest = std::fmin(lowest, x);
    highest = std::fmax(highest, x);
    sum += static_cast<double>(x);
    squares += static_cast<double>(x) * static_cast<double>(x);
  }
  CHECK(lowest >= 0);
  CHECK(lowest < 1e-3f);
  CHECK(highest < 1);
  CHECK(highest > 0.999f);
  CHECK(sum / draws == doctest::Approx(0.5).epsilon(0.01));
  CHECK(squares / draws == doctest::Approx(1.0 / 3).epsilon(0.01));
}

TEST_CASE("uniform(low, high) keeps its bounds") {
  tn::random_sequence random{tn::counter_rng{tn::seed{2}, tn::random_stream::user}, 0, 0};
  for (int i = 0; i < 1000; ++i) {
    const float x = random.uniform(-15, 15);
    CHECK(x >= -15);
    CHECK(x < 15);
  }
}

TEST_CASE("below(n) hits every number equally often") {
  tn::random_sequence random{tn::counter_rng{tn::seed{3}, tn::random_stream::user}, 0, 0};
  for (const std::uint32_t n : {1u, 2u, 3u, 7u, 10u}) {
    constexpr int each = 10'000;
    std::vector<int> hits(n);
    for (std::uint32_t i = 0; i < each * n; ++i) ++hits.at(random.below(n));
    // Limit: six standard deviations of a binomial count.
    for (const int h : hits) CHECK(std::abs(h - each) < 6 * std::sqrt(each));
  }
}

TEST_CASE("below(n) rejects what would favour some numbers") {
  // For n = 3·2^30, a plain multiplication draws every third number twice as often as the other numbers.
  tn::random_sequence random{tn::counter_rng{tn::seed{4}, tn::random_stream::user}, 0, 0};
  constexpr std::uint32_t n = 3u << 30;
  int remainders[3] = {};
  constexpr int draws = 30'000;
  for (int i = 0; i < draws; ++i) {
    const std::uint32_t x = random.below(n);
    CHECK_MESSAGE(x < n, x);
    ++remainders[x % 3];
  }
  for (const int r : remainders) CHECK(std::abs(r - draws / 3) < 6 * std::sqrt(draws / 3));
}
