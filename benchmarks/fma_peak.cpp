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

// More independent sums than any processor has multiply-adds in flight (latency times units), as far as registers reach.
#if defined(EIGEN_VECTORIZE_AVX512) || defined(EIGEN_VECTORIZE_NEON)
constexpr int chains = 24;
#else
constexpr int chains = 12;
#endif
constexpr int rounds = 20'000;
constexpr double flop_per_burst = 2.0 * width * chains * rounds;

/// The factor and the summand are unknown to the compiler, and the result is used: nothing here can be left out.
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

/// FLOP/s of one thread.
double probe(std::latch& start, double seconds) {
  // The sums tend to summand / (1 - factor): normal numbers throughout.
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
