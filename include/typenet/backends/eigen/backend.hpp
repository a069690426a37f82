// SPDX-License-Identifier: MIT
/// @file
/// The CPU backend: samples in SIMD lanes through Eigen's packets, work items over OpenMP threads.
#pragma once

#if defined(_OPENMP)
#include <omp.h>
#endif

#include <algorithm>
#include <cstddef>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include <typenet/backends/batch_state.hpp>
#include <typenet/backends/eigen/flush_subnormals.hpp>
#include <typenet/backends/eigen/forked.hpp>
#include <typenet/backends/eigen/memory.hpp>
#include <typenet/backends/eigen/pack.hpp>
#include <typenet/backends/eigen/packet.hpp>
#include <typenet/backends/eigen/team.hpp>
#include <typenet/core/ceil_div.hpp>
#include <typenet/core/config.hpp>
#include <typenet/simd/lane_view.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet {

inline namespace TYPENET_PACKETS {

/// The packs of an execution. With several lanes, `pack` holds one number of each of `Lanes` samples. With one lane, `pack` is a single
/// number and `vector` holds neighboring numbers of one sample.
template <class Scalar, int Lanes>
struct eigen_packs {
  using pack = eigen_pack<Scalar, Lanes>;
};
template <class Scalar>
struct eigen_packs<Scalar, 1> {
  using pack = Scalar;
  using vector = eigen_pack<Scalar>;
};

/// Runs networks on the CPU. Results do not depend on the number of threads, to the last bit.
/// @tparam Scalar `float` or `double`
/// @tparam Lanes 16: a SIMD register holds one number of each of several samples. 1: a SIMD register holds neighboring numbers of one
/// sample, for the shortest delay and for training on one sample at a time
template <class Scalar, int Lanes = 16>
struct eigen_backend {
  static_assert(Lanes == 1 || Lanes == 16, "typenet: eigen_backend has sixteen lanes, or one");
  using scalar = Scalar;
  using pack = typename eigen_packs<Scalar, Lanes>::pack;
  /// Samples side by side in storage.
  static constexpr int lanes = Lanes;
  /// True where chains of layers run as one. The kernels of chains need samples in the lanes. With one lane a layer's output is small
  /// enough to stay in the nearest cache.
  static constexpr bool fuses_layers = Lanes > 1;

  /// True where the program may read and write this backend's memory itself.
  static constexpr bool host_memory = true;
  /// Samples that a model predicts at a time.
  static constexpr index inference_samples = lanes;

  /// Zeroed memory of a fixed size, aligned to 64 bytes. With one lane, kernels read a register past the end of a sample.
  template <class T>
  using memory = detail::aligned_memory<T, Lanes == 1 ? 16 : 0>;
  using array = memory<Scalar>;

  /// One thread's part in running a batch. Every thread of a team calls the same kernels. Each runs a contiguous range of the work items,
  /// and all wait at a barrier at the end of each kernel.
  class execution : public batch_state, public eigen_packs<Scalar, Lanes> {
   public:
    using scalar = Scalar;
    using pack = typename eigen_backend::pack;
    static constexpr int lanes = eigen_backend::lanes;
    static constexpr bool many_workers = false;

    /// Runs the batch on one thread.
    explicit execution(const batch_state& state) : batch_state{state} {}
    /// Runs the part of thread `rank` of `all`, which must outlive the execution.
    execution(const batch_state& state, int rank, detail::team_partition& all)
        : batch_state{state}, rank_{rank}, size_{all.size()}, barrier_{&all.all()}, team_{&all} {}

    /// Packs that cover the batch.
    [[nodiscard]] TYPENET_HD index blocks() const { return (batch() + lanes - 1) / lanes; }

    TYPENET_ANY_SIDE
    template <class F>
    TYPENET_HD void for_each(index items, const F& f) {
      index first = 0, last = items;
      if (size_ > 1) {
        first = items * rank_ / size_;
        last = items * (rank_ + 1) / size_;
      }
      // One loop for any number of threads: a compiler that inlined `f` twice might contract a * b + c in one copy alone, and round apart.
      for (index i = first; i < last; ++i) f(i);
      if (size_ > 1) barrier_->arrive_and_wait();
    }

    TYPENET_ANY_SIDE
    template <int Sums, class Partial, class Finish>
    TYPENET_HD void reduce(index items, index length, const Partial& partial, const Finish& finish) {
      for_each(items, [&](index item) { lane::reduce_item<pack, Sums>(item, length, partial, finish); });
    }

    /// Calls `f(part, group)` for each lane group; `part` is the execution of that group by itself. A thread has the same groups in each
    /// call, so their values stay in its cache. Where there are more threads than groups, several threads share a group.
    template <class F>
      requires(Lanes > 1)
    void for_each_group(const F& f) {
      const index groups = blocks();
      if (size_ == 1) {
        for (index g = 0; g < groups; ++g) {
          execution part{group(g, lanes)};
          f(part, g);
        }
        return;
      }
      const int teams = team_->teams(), team_index = team_->team_of(rank_), first = team_->first_of(team_index);
      const index last = groups * (team_index + 1) / teams;
      for (index g = groups * team_index / teams; g < last; ++g) {
        execution part{group(g, lanes)};
        part.rank_ = rank_ - first;
        part.size_ = team_->first_of(team_index + 1) - first;
        part.barrier_ = &team_->of_team(team_index);
        f(part, g);
      }
      barrier_->arrive_and_wait();
    }

   private:
    int rank_ = 0, size_ = 1;
    detail::team_barrier* barrier_ = nullptr;
    detail::team_partition* team_ = nullptr;
  };

  /// Empty: a step is not recorded, but run again.
  struct recording {};

  /// Runs each task at once, on a team of threads.
  class stream {
   public:
    /// Calls `task(execution&)` once in each thread of a team. Subnormal numbers count as zero inside.
    /// @param threads threads of the team; the OpenMP runtime may give fewer, and the child of a fork has one
    template <class Task>
    void run([[maybe_unused]] int threads, const batch_state& state, const Task& task) const {
#if defined(_OPENMP)
      if (detail::usable_threads(threads) > 1) return run_team(threads, state, task);
#endif
      const detail::flush_subnormals flush;
      execution mine{state};
      task(mine);
    }
    /// Calls `run` `times` times.
    template <class Task>
    void repeat(recording&, int threads, const batch_state& state, const Task& task, index times) const {
      for (index t = 0; t < times; ++t) run(threads, state, task);
    }
    /// Calls `f(i, worker)` for each i below n, in any order. Worker 0 is the calling thread.
    /// @param workers threads
    /// @pre it is called outside every team
    template <class F>
    void parallel_for(index n, [[maybe_unused]] int workers, const F& f) const {
#if defined(_OPENMP)
      if (detail::usable_threads(workers) > 1) return for_team(n, workers, f);
#endif
      for (index i = 0; i < n; ++i) f(i, 0);
    }
    /// Calls `f(i)` for each i below n, in order.
    template <class F>
    void for_each(index n, const F& f) const {
      for (index i = 0; i < n; ++i) f(i);
    }
    /// Sorts `keys`, `[n]`, in ascending order, and `values`, `[n]`, with them. Equal keys keep their order.
    template <class Key, class Value>
    void sort_by_key(Key* keys, Value* values, index n) const {
      std::vector<std::pair<Key, Value>> pairs;
      pairs.reserve(static_cast<std::size_t>(n));
      for (index i = 0; i < n; ++i) pairs.emplace_back(keys[i], values[i]);
      std::stable_sort(pairs.begin(), pairs.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
      for (index i = 0; i < n; ++i) std::tie(keys[i], values[i]) = pairs[static_cast<std::size_t>(i)];
    }
    /// Returns at once: every task has ended when its call returns.
    void wait() const {}

   private:
#if defined(_OPENMP)
    // Functions of their own: clang starts the OpenMP runtime, which allocates, where a function with a parallel region is entered.
    template <class Task>
    static void run_team(int threads, const batch_state& state, const Task& task) {
      detail::team_partition all;
#pragma omp parallel num_threads(threads)
      {
        const detail::flush_subnormals flush;
#pragma omp single
        all.expect(omp_get_num_threads(), detail::ceil_div(state.batch(), Lanes));
        execution mine{state, omp_get_thread_num(), all};
        task(mine);
      }
    }
    template <class F>
    static void for_team(index n, int workers, const F& f) {
#pragma omp parallel for num_threads(workers) schedule(dynamic)
      for (index i = 0; i < n; ++i) f(i, omp_get_thread_num());
    }
#endif
  };

  /// Converts samples between rows, `[sample][element]`, and lanes, `[group][element][lane]`.
  class layout_converter {
   public:
    layout_converter(index /*most_samples*/, index /*most_elements*/) {}

    /// Converts `rows`, `[count][size]`, to `to`, `[group][size][lane]`, aligned to the pack. Copies of the last sample fill the lanes past
    /// it.
    void to_lanes(stream&, std::span<const Scalar> rows, index count, int size, Scalar* to) const {
      for (index first = 0; first < count; first += lanes)
        detail::load_lanes<pack, lanes>(rows.data() + first * size, size, static_cast<int>(std::min<index>(lanes, count - first)), size,
                                        to + first * size);
    }
    /// Converts the first `size` elements of `count` samples to `rows`, `[count][size]`.
    void to_rows(stream&, const lane_view<const Scalar, lanes>& from, index count, int size, std::span<Scalar> rows) const {
      for (index i = 0; i < count; ++i) {
        const Scalar* const sample = from.base + i / lanes * from.stride + i % lanes;
        for (int e = 0; e < size; ++e) rows[static_cast<std::size_t>(i * size + e)] = sample[index{e} * lanes];
      }
    }
  };

  /// Threads that this machine offers; 1 without OpenMP. The system is asked once.
  static int max_threads() {
#if defined(_OPENMP)
    static const int threads = std::max(1, omp_get_num_procs());
    return threads;
#else
    return 1;
#endif
  }
};

/// The CPU in single precision, sixteen samples at a time.
using cpu = eigen_backend<float>;
/// The CPU in single precision, one sample at a time. It has the shortest delay, and trains fastest with batches of one or a few samples.
/// Batches of any size work.
using cpu_single = eigen_backend<float, 1>;

}  // namespace TYPENET_PACKETS
}  // namespace typenet
