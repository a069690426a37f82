// SPDX-License-Identifier: MIT
#include "fma_peak.hpp"

#include <Eigen/Core>

#include <chrono>
#include <latch>
#include <thread>
#include <vector>

#include <typenet/core/config.hpp>

namespace benchmarks {
namespace {

using clock = std::chrono::steady_clock;
using packet = Eigen::internal::packet_traits<float>::type;
constexpr int width = Eigen::internal::packet_traits<float>::size;

// Number of independent sums. It exceeds the multiply-adds in flight (latency times units) and is limited by the number of registers.
#if defined(EIGEN_VECTORIZE_AVX512) || defined(EIGEN_VECTORIZE_NEON)
constexpr int chains = 24;
#else
constexpr int chains = 12;
#endif
constexpr int rounds = 20'000;
constexpr double flop_per_burst = 2.0 * width * chains * rounds;

/// Executes a burst of multiply-adds. The compiler cannot remove them: it does not know the operands, and the result is used.
float burst(float factor, float summand) {
  const packet a = Eigen::internal::pset1<packet>(factor);
  const packet b = Eigen::internal::pset1<packet>(summand);
  packet sum[chains];
  TYPENET_UNROLL
  for (int i = 0; i < chains; ++i) sum[i] = Eigen::internal::pset1<packet>(static_cast<float>(i) * summand);
  for (int r = 0; r < rounds; ++r) {
    TYPENET_UNROLL
    for (int i = 0; i < chains; ++i) sum[i] = Eigen::internal::pmadd(sum[i], a, b);
  }
  packet total = sum[0];
  TYPENET_UNROLL
  for (int i = 1; i < chains; ++i) total = Eigen::internal::padd(total, sum[i]);
  return Eigen::internal::predux(total);
}

/// Measures the FLOP/s of one thread for about `seconds`. All threads start together at the latch.
double probe(std::latch& start, double seconds) {
  // The sums converge to summand / (1 - factor), so all values are normal numbers.
  volatile float factor = 0.75f, summand = 0.5f, sink = 0;
  sink = burst(factor, summand);
  start.arrive_and_wait();
  const auto begin = clock::now();
  long bursts = 0;
  std::chrono::duration<double> took{};
  do {
    sink = burst(factor, summand);
    ++bursts;
    took = clock::now() - begin;
  } while (took.count() < seconds);
  static_cast<void>(sink);
  return static_cast<double>(bursts) * flop_per_burst / took.count();
}

}  // namespace

double fma_peak(int threads, double seconds) {
  std::latch start{threads};
  std::vector<double> rates(static_cast<std::size_t>(threads));
  {
    std::vector<std::jthread> others;
    for (std::size_t t = 1; t < rates.size(); ++t) others.emplace_back([&, t] { rates[t] = probe(start, seconds); });
    rates[0] = probe(start, seconds);
  }
  double sum = 0;
  for (const double rate : rates) sum += rate;
  return sum * 1e-9;
}

}  // namespace benchmarks
