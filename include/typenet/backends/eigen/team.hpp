// SPDX-License-Identifier: MIT
/// @file
/// The threads that run a batch together on the CPU: how they wait for one another, and how they split into teams.
#pragma once

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

#include <algorithm>
#include <atomic>

#include <typenet/core/ceil_div.hpp>
#include <typenet/core/config.hpp>

namespace typenet::detail {

/// A barrier for the threads of a team. A thread first spins, because kernels take microseconds; then it sleeps, so that waiting does not
/// take the processor from other programs.
class team_barrier {
 public:
  /// Sets the number of threads, before any of them arrives.
  void expect(int size) { size_ = size; }

  /// Returns when all threads have arrived.
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

/// The partition of a batch's threads into teams. All threads share the work of a kernel over the whole batch. For work by lane groups they
/// split: each team works on lane groups of its own.
class team_partition {
 public:
  /// Sets the number of threads and of lane groups, before any thread arrives.
  void expect(int size, index groups) {
    size_ = size;
    teams_ = static_cast<int>(std::min<index>({size, groups, most_teams}));
    all_.expect(size);
    for (int p = 0; p < teams_; ++p) of_team_[p].expect(first_of(p + 1) - first_of(p));
  }
  /// Threads.
  [[nodiscard]] int size() const { return size_; }
  /// Teams: at most one for each thread and one for each lane group.
  [[nodiscard]] int teams() const { return teams_; }
  /// The team of thread `rank`.
  [[nodiscard]] int team_of(int rank) const { return static_cast<int>(index{rank} * teams_ / size_); }
  /// The lowest rank in a team; the number of threads for the team past the last.
  [[nodiscard]] int first_of(int team_index) const { return static_cast<int>(ceil_div(index{team_index} * size_, teams_)); }
  /// The barrier of all threads.
  [[nodiscard]] team_barrier& all() { return all_; }
  /// The barrier of one team.
  [[nodiscard]] team_barrier& of_team(int team_index) { return of_team_[team_index]; }

 private:
  static constexpr int most_teams = 64;
  int size_ = 1, teams_ = 1;
  team_barrier all_;
  team_barrier of_team_[most_teams];
};

}  // namespace typenet::detail
