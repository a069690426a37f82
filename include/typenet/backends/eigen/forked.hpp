// SPDX-License-Identifier: MIT
/// @file
/// forked: whether this process is the child of a fork whose parent had started OpenMP threads. The child has none of these threads, and
/// the OpenMP runtime would wait for them for ever.
#pragma once

#include <atomic>

#if defined(_OPENMP) && (defined(__unix__) || defined(__APPLE__))
#include <pthread.h>
#define TYPENET_WATCHES_FORKS 1
#else
#define TYPENET_WATCHES_FORKS 0
#endif

namespace typenet::detail {

inline std::atomic<bool> is_forked{false};

/// The threads that a team may have in this process: `threads`, or 1 in the child of a fork. Call it before each team is started.
inline int usable_threads(int threads) {
#if TYPENET_WATCHES_FORKS
  if (threads > 1) {
    // Only from the first team on has a parent threads that its children lack.
    [[maybe_unused]] static const int registered =
        ::pthread_atfork(nullptr, nullptr, [] { is_forked.store(true, std::memory_order_relaxed); });
    if (is_forked.load(std::memory_order_relaxed)) return 1;
  }
#endif
  return threads;
}

}  // namespace typenet::detail
