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
#if defined(__linux__)
#include <sys/mman.h>
#endif

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <typenet/backends/batch_state.hpp>
#include <typenet/backends/eigen/flush_subnormals.hpp>
#include <typenet/backends/eigen/pack.hpp>
#include <typenet/simd/lane_view.hpp>
#include <typenet/core/ceil_div.hpp>

namespace typenet {

namespace detail {

/// Where the threads of a team wait for one another between kernels: briefly awake, for kernels take microseconds, then asleep, so
/// that a machine with other work does not turn waiting into a standstill.
class team_barrier {
 public:
  /// Before anyone meets: how many will.
  void expect(int size) { size_ = size; }

  void arrive_and_wait() {
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
  alignas(64) int size_ = 1;
  std::atomic<int> arrived_{0};
  std::atomic<int> phase_{0};
};

/// The threads that run a batch together. They all do a share of the same work; or they part, and each party has lane groups of its own.
class team_partition {
 public:
  /// Before anyone meets: how many they are, and how many lane groups there are to share.
  void expect(int size, index groups) {
    size_ = size;
    teams_ = static_cast<int>(std::min<index>({size, groups, most_teams}));
    all_.expect(size);
    for (int p = 0; p < teams_; ++p) of_team_[p].expect(first_of(p + 1) - first_of(p));
  }
  [[nodiscard]] int size() const { return size_; }
  [[nodiscard]] int teams() const { return teams_; }
  [[nodiscard]] int team_of(int rank) const { return static_cast<int>(index{rank} * teams_ / size_); }
  /// The lowest rank in a party.
  [[nodiscard]] int first_of(int team_index) const { return static_cast<int>(ceil_div(index{team_index} * size_, teams_)); }
  [[nodiscard]] team_barrier& all() { return all_; }
  [[nodiscard]] team_barrier& of_team(int team_index) { return of_team_[team_index]; }

 private:
  static constexpr int most_teams = 64;
  int size_ = 1, teams_ = 1;
  team_barrier all_;
  team_barrier of_team_[most_teams];
};

}  // namespace detail

inline namespace TYPENET_PACKETS {

/// What an execution calculates with: packs of samples, or single numbers and besides them rows of a sample's neighbouring numbers.
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
/// @tparam Scalar float or double
/// @tparam Lanes 16: a SIMD register holds one number of each of sixteen samples. 1: it holds neighbouring numbers of one sample, for
/// answers without delay and training on one sample at a time
template <class Scalar, int Lanes = 16>
struct eigen_backend {
  static_assert(Lanes == 1 || Lanes == 16, "typenet: eigen_backend has sixteen lanes, or one");
  using scalar = Scalar;
  using pack = typename eigen_packs<Scalar, Lanes>::pack;
  /// Samples side by side in storage.
  static constexpr int lanes = Lanes;
  /// Whether chains of layers run as one. Their kernels know samples in lanes only, and what one sample makes of a layer is in the nearest
  /// cache when the next one reads it.
  static constexpr bool fuses_layers = Lanes > 1;

  /// Work items are whole rows and tiles: there are few workers.
  static constexpr bool many_workers = false;
  /// Whether the program may read and write this backend's memory itself.
  static constexpr bool host_memory = true;
  /// Samples that a model predicts at a time.
  static constexpr index inference_samples = lanes;

  /// Zeroed memory of a fixed size, aligned for packs. Rows of one sample are read, but not written, a register beyond their end.
  template <class T>
  class memory {
    static_assert(std::is_trivially_copyable_v<T>);
    static constexpr index slack = Lanes == 1 ? 16 : 0;

   public:
    memory() = default;
    explicit memory(index size) : size_{size}, data_{size > 0 ? allocate(size) : owner{}} {
      if (size > 0) std::uninitialized_value_construct_n(data_.get(), size + slack);
    }

    memory(const memory& other) : memory{other.size_} { copy_from(other.span()); }
    memory(memory&& other) noexcept : size_{std::exchange(other.size_, 0)}, data_{std::move(other.data_)} {}
    /// Memory of the same size stays where it is.
    memory& operator=(const memory& other) {
      if (size_ == other.size_)
        copy_from(other.span());
      else
        *this = memory{other};
      return *this;
    }
    memory& operator=(memory&& other) noexcept {
      std::swap(size_, other.size_);
      std::swap(data_, other.data_);
      return *this;
    }
    ~memory() = default;

    [[nodiscard]] T* data() { return data_.get(); }
    [[nodiscard]] const T* data() const { return data_.get(); }
    [[nodiscard]] index size() const { return size_; }
    [[nodiscard]] std::span<T> span() { return {data(), static_cast<std::size_t>(size_)}; }
    [[nodiscard]] std::span<const T> span() const { return {data(), static_cast<std::size_t>(size_)}; }

    /// To and from the program's own memory.
    /// @pre the range lies inside
    void copy_from(std::span<const T> from, index first = 0) {
      if (T* const to = data(); to != nullptr) std::copy(from.begin(), from.end(), to + first);
    }
    void copy_to(std::span<T> to, index first = 0) const {
      if (const T* const from = data(); from != nullptr) std::copy_n(from + first, to.size(), to.begin());
    }

   private:
    struct release {
      std::align_val_t alignment{};
      void operator()(T* p) const { ::operator delete[](p, alignment); }
    };
    using owner = std::unique_ptr<T[], release>;
    static owner allocate(index size) {
      const std::size_t bytes = static_cast<std::size_t>(size + slack) * sizeof(T);
      std::size_t alignment = 64;
#if defined(MADV_HUGEPAGE)
      // In large pages, where there are enough of them: a processor knows the places of but so many pages at a time.
      constexpr std::size_t large_page = std::size_t{2} << 20;
      if (bytes >= 2 * large_page) alignment = large_page;
#endif
      owner array{static_cast<T*>(::operator new[](bytes, std::align_val_t{alignment})), release{std::align_val_t{alignment}}};
#if defined(MADV_HUGEPAGE)
      // Advice: it costs nothing where it is not taken.
      if (alignment == large_page) madvise(array.get(), bytes / large_page * large_page, MADV_HUGEPAGE);
#endif
      return array;
    }
    index size_ = 0;
    owner data_;
  };
  using array = memory<Scalar>;

  /// One thread's part in running a batch: every thread of a team calls the same kernels, each does its share of the work
  /// items, and all meet at the end of each kernel.
  class execution : public batch_state, public eigen_packs<Scalar, Lanes> {
   public:
    using scalar = Scalar;
    using pack = typename eigen_backend::pack;
    static constexpr int lanes = eigen_backend::lanes;
    static constexpr bool many_workers = false;

    explicit execution(const batch_state& state) : batch_state{state} {}
    execution(const batch_state& state, int rank, detail::team_partition& all)
        : batch_state{state}, rank_{rank}, size_{all.size()}, barrier_{&all.all()}, team_{&all} {}

    [[nodiscard]] TYPENET_HD index blocks() const { return (batch() + lanes - 1) / lanes; }

    TYPENET_ANY_SIDE
    template <class F>
    TYPENET_HD void for_each(index items, const F& f) {
      if (size_ == 1) {
        for (index i = 0; i < items; ++i) f(i);
        return;
      }
      const index last = items * (rank_ + 1) / size_;
      for (index i = items * rank_ / size_; i < last; ++i) f(i);
      barrier_->arrive_and_wait();
    }

    TYPENET_ANY_SIDE
    template <int Sums, class Partial, class Finish>
    TYPENET_HD void reduce(index items, index length, const Partial& partial, const Finish& finish) {
      for_each(items, [&](index item) { lane::reduce_item<pack, Sums>(item, length, partial, finish); });
    }

    /// Calls `f(part, group)` for each lane group, `part` being the execution of that group by itself. A thread stays with its groups from
    /// one call to the next, so what it makes stays in its cache; where there are more threads than groups, several share one.
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

  /// What was recorded of a step, to be repeated; here nothing.
  struct recording {};

  /// Runs what it is given at once, on a team of threads.
  class stream {
   public:
    /// Calls `task(execution&)` once in each thread of a team: `threads` of them, or fewer where the runtime gives fewer. Subnormal
    /// numbers count as zero inside.
    template <class Task>
    void run([[maybe_unused]] int threads, const batch_state& state, const Task& task) const {
#if defined(_OPENMP)
      if (threads > 1) {
        detail::team_partition all;
#pragma omp parallel num_threads(threads)
        {
          const detail::flush_subnormals flush;
#pragma omp single
          all.expect(omp_get_num_threads(), detail::ceil_div(state.batch(), Lanes));
          execution mine{state, omp_get_thread_num(), all};
          task(mine);
        }
        return;
      }
#endif
      const detail::flush_subnormals flush;
      execution mine{state};
      task(mine);
    }
    /// The same `times` times.
    template <class Task>
    void repeat(recording&, int threads, const batch_state& state, const Task& task, index times) const {
      for (index t = 0; t < times; ++t) run(threads, state, task);
    }
    /// Calls f(i, worker) for each i below n, in any order, on `workers` threads, the first of them the caller's; not from within another
    /// team, where there is one.
    template <class F>
    void parallel_for(index n, [[maybe_unused]] int workers, const F& f) const {
#if defined(_OPENMP)
      if (workers > 1) {
#pragma omp parallel for num_threads(workers) schedule(dynamic)
        for (index i = 0; i < n; ++i) f(i, omp_get_thread_num());
        return;
      }
#endif
      for (index i = 0; i < n; ++i) f(i, 0);
    }
    /// Calls f(i) for each i below n.
    template <class F>
    void for_each(index n, const F& f) const {
      for (index i = 0; i < n; ++i) f(i);
    }
    /// Sorts values by their keys; of equal keys the first stays first.
    template <class Key, class Value>
    void sort_by_key(Key* keys, Value* values, index n) const {
      std::vector<std::pair<Key, Value>> pairs;
      pairs.reserve(static_cast<std::size_t>(n));
      for (index i = 0; i < n; ++i) pairs.emplace_back(keys[i], values[i]);
      std::stable_sort(pairs.begin(), pairs.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
      for (index i = 0; i < n; ++i) std::tie(keys[i], values[i]) = pairs[static_cast<std::size_t>(i)];
    }
    /// Until all that was asked for is done.
    void wait() const {}
  };

  /// Carries samples between rows, one after another, and lanes.
  class layout_converter {
   public:
    layout_converter(index /*samples*/, index /*most*/) {}

    /// `count` samples of `size` numbers; the lanes that none is left for get the last one again.
    void to_lanes(stream&, std::span<const Scalar> rows, index count, int size, Scalar* to) const {
      for (index first = 0; first < count; first += lanes)
        detail::load_lanes<pack, lanes>(rows.data() + first * size, size, static_cast<int>(std::min<index>(lanes, count - first)), size,
                                        to + first * size);
    }
    void to_rows(stream&, const lane_view<const Scalar, lanes>& from, index count, int size, std::span<Scalar> rows) const {
      for (index i = 0; i < count; ++i) {
        const Scalar* const sample = from.base + i / lanes * from.stride + i % lanes;
        for (int e = 0; e < size; ++e) rows[static_cast<std::size_t>(i * size + e)] = sample[index{e} * lanes];
      }
    }
  };

  /// Threads that this machine offers.
  static int max_threads() {
#if defined(_OPENMP)
    return std::max(1, omp_get_num_procs());
#else
    return 1;
#endif
  }
};

/// The CPU in single precision.
using cpu = eigen_backend<float>;
/// The same for one sample at a time: the shortest delay, and the fastest training with batches of one or a few. Batches may be of any
/// size.
using cpu_single = eigen_backend<float, 1>;

}  // namespace TYPENET_PACKETS
}  // namespace typenet
