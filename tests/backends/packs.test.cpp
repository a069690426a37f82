// SPDX-License-Identifier: MIT
// Checks that a pack computes in every lane what a plain number gives.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include <typenet/backends/eigen/backend.hpp>
#include <typenet/simd/loops.hpp>

namespace lane = typenet::lane;

TEST_CASE_TEMPLATE("erf is right to a few units of the last place, from the smallest numbers to the largest", T, float, double) {
  using pack = typename typenet::eigen_backend<T>::pack;
  constexpr int width = lane::width<pack>;
  double worst = 0;
  for (double size = 1e-30; size < 1e30; size *= size < 0.01 || size > 10 ? 10 : 1.003) {
    alignas(64) T from[width], to[width];
    for (int l = 0; l < width; ++l) from[l] = static_cast<T>((l % 2 == 0 ? size : -size) * (1 + 0.0001 * l));
    lane::store(to, lane::erf(lane::load<pack>(from)));
    for (int l = 0; l < width; ++l) {
      const double exact = std::erf(static_cast<double>(from[l]));
      worst = std::max(worst, std::abs(static_cast<double>(to[l]) - exact) / std::abs(exact));
    }
  }
  CHECK(worst < 5 * static_cast<double>(std::numeric_limits<T>::epsilon()));
}

TEST_CASE_TEMPLATE("packs agree with plain numbers", T, float, double) {
  using pack = typename typenet::eigen_backend<T>::pack;
  constexpr int width = lane::width<pack>;
  static_assert(width == 16);
  static_assert(lane::registers<pack> >= 2);
  alignas(64) T a[width], b[width], c[width];
  for (int l = 0; l < width; ++l) {
    a[l] = static_cast<T>(0.37 * (l - 7.5));
    b[l] = static_cast<T>(1.5 - 0.21 * l);
    c[l] = static_cast<T>(0.1 * l * l - 3);
  }
  b[3] = a[3];
  const pack pa = lane::load<pack>(a), pb = lane::load<pack>(b), pc = lane::load<pack>(c);
  const auto same = [&](const pack& got, auto expected) {
    alignas(64) T lanes[width];
    lane::store(lanes, got);
    for (int l = 0; l < width; ++l) {
      CAPTURE(l);
      CHECK(static_cast<double>(lanes[l]) == doctest::Approx(static_cast<double>(expected(l))).epsilon(sizeof(T) == 4 ? 1e-6 : 1e-14));
    }
  };
  same(pa + pb, [&](int l) { return a[l] + b[l]; });
  same(pa - pb, [&](int l) { return a[l] - b[l]; });
  same(pa * pb, [&](int l) { return a[l] * b[l]; });
  same(pa / pc, [&](int l) { return a[l] / c[l]; });
  same(lane::fma(pa, pb, pc), [&](int l) { return a[l] * b[l] + c[l]; });
  same(lane::max(pa, pb), [&](int l) { return std::max(a[l], b[l]); });
  same(lane::min(pa, pb), [&](int l) { return std::min(a[l], b[l]); });
  same(lane::abs(pa), [&](int l) { return std::abs(a[l]); });
  same(lane::select(lane::greater(pa, pb), pa, pc), [&](int l) { return a[l] > b[l] ? a[l] : c[l]; });
  same(lane::select(lane::equal(pa, pb), pa, pc), [&](int l) { return a[l] == b[l] ? a[l] : c[l]; });
  same(lane::exp(pa), [&](int l) { return std::exp(a[l]); });
  same(lane::tanh(pa), [&](int l) { return std::tanh(a[l]); });
  same(lane::erf(pa), [&](int l) { return std::erf(a[l]); });
  same(lane::sqrt(lane::abs(pa)), [&](int l) { return std::sqrt(std::abs(a[l])); });
  same(lane::log(lane::abs(pa)), [&](int l) { return std::log(std::abs(a[l])); });
  for (int valid = 0; valid <= width; ++valid)
    same(lane::select(lane::first_lanes<pack>(valid), pa, pb), [&](int l) { return l < valid ? a[l] : b[l]; });
  // Compares 32-bit words as unsigned integers. A comparison as signed integers or as rounded floating-point numbers fails here.
  alignas(64) std::uint32_t words[width];
  for (int l = 0; l < width; ++l) words[l] = static_cast<std::uint32_t>(l) * 0x11111111u;
  for (const std::uint32_t limit : {0u, 1u, 0x7fffffffu, 0x88888888u, 0x88888889u, 0xffffffffu})
    same(lane::select(lane::below<pack>(words, limit), pa, pb), [&](int l) { return words[l] < limit ? a[l] : b[l]; });
  T total = 0;
  for (const T x : a) total += x;
  CHECK(std::abs(lane::sum(pa) - total) < T(1e-5));
}

TEST_CASE_TEMPLATE("rows become lanes and back", T, float, double) {
  using pack = typename typenet::eigen_backend<T>::pack;
  constexpr int elements = 21;
  T rows[16][elements];
  const T* row[16];
  for (int l = 0; l < 16; ++l) {
    row[l] = rows[l];
    for (int e = 0; e < elements; ++e) rows[l][e] = static_cast<T>(100 * l + e);
  }
  alignas(64) T lanes[32 * 16] = {};
  lane::to_lanes<pack, 16>(row, elements, lanes);
  for (int e = 0; e < elements; ++e)
    for (int l = 0; l < 16; ++l) CHECK(lanes[e * 16 + l] == rows[l][e]);
  alignas(64) T back[16 * 32];
  lane::to_rows<pack, 16>(lanes, back, 32, elements);
  lane::to_rows<pack, 16>(lanes + 16 * 16, back + 16, 32, elements - 16);
  for (int l = 0; l < 16; ++l)
    for (int e = 0; e < 32; ++e) CHECK(back[l * 32 + e] == (e < elements ? rows[l][e] : T{0}));
}

TEST_CASE_TEMPLATE("the first numbers are written anywhere, and nothing beyond", T, float, double) {
  using pack = typename typenet::eigen_backend<T>::pack;
  using vector = typename typenet::eigen_backend<T, 1>::execution::vector;
  static_assert(std::is_same_v<pack, vector>);
  T from[24], to[24];
  for (int l = 0; l < 24; ++l) from[l] = static_cast<T>(l + 1);
  for (int count = 0; count <= 16; ++count) {
    CAPTURE(count);
    for (T& x : to) x = T{-1};
    lane::store_first(to + 3, lane::load_unaligned<pack>(from + 5), count);
    for (int l = 0; l < 24; ++l) CHECK(to[l] == (l >= 3 && l < 3 + count ? from[l + 2] : T{-1}));
    for (T& x : to) x = T{2};
    lane::store_or_add_first<true>(to + 3, lane::load_unaligned<pack>(from + 5), count);
    for (int l = 0; l < 24; ++l) CHECK(to[l] == (l >= 3 && l < 3 + count ? from[l + 2] + T{2} : T{2}));
  }
}
