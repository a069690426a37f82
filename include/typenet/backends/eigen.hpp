// SPDX-License-Identifier: MIT
/// @file
/// The CPU backend: samples in SIMD lanes through Eigen's packets, work items over OpenMP threads.
#pragma once

#if defined(_OPENMP)
#include <omp.h>
#endif
#if defined(__SSE__)
#include <xmmintrin.h>
#endif

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <span>
#include <utility>

#include <typenet/backends/batch.hpp>
#include <typenet/backends/eigen_pack.hpp>

namespace typenet {

namespace detail {

/// While one lives, its thread's arithmetic takes and makes zeros where numbers are too small to be normal: those cost a
/// hundred times as much, and a Gaussian output that is far from everything makes nothing else.
class flush_subnormals {
 public:
#if defined(__SSE__)
  flush_subnormals() : before_{_mm_getcsr()} { _mm_setcsr(before_ | 0x8040u); }
  ~flush_subnormals() { _mm_setcsr(before_); }
#elif defined(__aarch64__) && defined(__GNUC__)
  flush_subnormals() {
    asm volatile("mrs %0, fpcr" : "=r"(before_));
    asm volatile("msr fpcr, %0" : : "r"(before_ | (std::uint64_t{1} << 24)));
  }
  ~flush_subnormals() { asm volatile("msr fpcr, %0" : : "r"(before_)); }
#else
  flush_subnormals() = default;
  ~flush_subnormals() = default;
#endif
  flush_subnormals(const flush_subnormals&) = delete;
  flush_subnormals& operator=(const flush_subnormals&) = delete;

 private:
#if defined(__SSE__)
  unsigned before_;
#elif defined(__aarch64__) && defined(__GNUC__)
  std::uint64_t before_ = 0;
#endif
};

}  // namespace detail

namespace detail {

/// Where the threads of a team wait for one another between kernels: briefly awake, for kernels take microseconds, then asleep, so
/// that a machine with other work does not turn waiting into a standstill.
class team_barrier {
 public:
  /// Before anyone meets: how many will.
  void expect(int size) { size_ = size; }

  void meet() {
    const int phase = phase_.load(std::memory_order_relaxed);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) == size_ - 1) {
      arrived_.store(0, std::memory_order_relaxed);
      phase_.store(phase + 1, std::memory_order_release);
      phase_.notify_all();
      return;
    }
    for (int spin = 0; spin < 10000; ++spin) {
      if (phase_.load(std::memory_order_acquire) != phase) return;
#if defined(__SSE__)
      _mm_pause();
#endif
    }
    phase_.wait(phase, std::memory_order_acquire);
  }

 private:
  int size_ = 1;
  std::atomic<int> arrived_{0};
  std::atomic<int> phase_{0};
};

}  // namespace detail

/// Runs networks on the CPU. Results do not depend on the number of threads, to the last bit.
/// @tparam Scalar float or double
template <class Scalar>
struct eigen_backend {
  using scalar = Scalar;
  using pack = eigen_pack<Scalar>;
  /// Samples side by side in storage.
  static constexpr int lanes = pack::width;

  /// Zeroed memory of a fixed size, aligned for packs.
  class array {
   public:
    array() = default;
    explicit array(index size) : size_{size}, data_{size > 0 ? allocate(size) : nullptr} { std::fill_n(data_.get(), size, Scalar{0}); }

    array(const array& other) : array{other.size_} { std::copy_n(other.data(), size_, data()); }
    array(array&& other) noexcept : size_{std::exchange(other.size_, 0)}, data_{std::move(other.data_)} {}
    array& operator=(array other) noexcept {
      std::swap(size_, other.size_);
      std::swap(data_, other.data_);
      return *this;
    }
    ~array() = default;

    [[nodiscard]] Scalar* data() { return data_.get(); }
    [[nodiscard]] const Scalar* data() const { return data_.get(); }
    [[nodiscard]] index size() const { return size_; }
    [[nodiscard]] std::span<Scalar> span() { return {data(), static_cast<std::size_t>(size_)}; }
    [[nodiscard]] std::span<const Scalar> span() const { return {data(), static_cast<std::size_t>(size_)}; }

   private:
    struct release {
      void operator()(Scalar* p) const { ::operator delete[](p, std::align_val_t{64}); }
    };
    static Scalar* allocate(index size) {
      return static_cast<Scalar*>(::operator new[](static_cast<std::size_t>(size) * sizeof(Scalar), std::align_val_t{64}));
    }
    index size_ = 0;
    std::unique_ptr<Scalar[], release> data_;
  };

  /// One thread of the team that runs a batch.
  struct member {
    int rank = 0;
    int team = 1;
    detail::team_barrier* barrier = nullptr;
  };

  /// One thread's part in running a batch: every thread of a team calls the same kernels, each does its share of the work
  /// items, and all meet at the end of each kernel.
  class execution : public batch_state {
   public:
    using scalar = Scalar;
    using pack = typename eigen_backend::pack;
    static constexpr int lanes = eigen_backend::lanes;

    execution(const batch_state& state, const member& who) : batch_state{state}, who_{who} {}

    [[nodiscard]] index blocks() const { return (batch() + lanes - 1) / lanes; }

    template <class F>
    void for_each(index items, const F& f) {
      if (who_.team == 1) {
        for (index i = 0; i < items; ++i) f(i);
        return;
      }
      const index last = items * (who_.rank + 1) / who_.team;
      for (index i = items * who_.rank / who_.team; i < last; ++i) f(i);
      who_.barrier->meet();
    }

   private:
    member who_;
  };

  /// Threads that this machine offers.
  static int max_threads() {
#if defined(_OPENMP)
    return std::max(1, omp_get_num_procs());
#else
    return 1;
#endif
  }

  /// Calls `f(member)` once in each thread of a team: `threads` of them, or fewer where the runtime gives fewer. Subnormal numbers
  /// count as zero inside.
  template <class F>
  static void run([[maybe_unused]] int threads, const F& f) {
#if defined(_OPENMP)
    if (threads > 1) {
      detail::team_barrier barrier;
#pragma omp parallel num_threads(threads)
      {
        const detail::flush_subnormals flush;
#pragma omp single
        barrier.expect(omp_get_num_threads());
        f(member{omp_get_thread_num(), omp_get_num_threads(), &barrier});
      }
      return;
    }
#endif
    const detail::flush_subnormals flush;
    f(member{});
  }
};

/// The CPU in single precision.
using cpu = eigen_backend<float>;

}  // namespace typenet
