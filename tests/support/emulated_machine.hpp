// SPDX-License-Identifier: MIT
// An emulation of a GPU: threads in warps and blocks. Each thread is a fiber, which runs until it waits for other threads. The test chooses
// the order of the threads. The result of a kernel must be independent of this order; otherwise GPU threads would race. The backend on this
// machine uses the packs, reductions and executions of CUDA's persistent kernels.
#pragma once

#include <ucontext.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <typenet/backends/batch_state.hpp>
#include <typenet/backends/simt/execution.hpp>
#include <typenet/backends/simt/pack.hpp>

#include "scalar_backend.hpp"

namespace testing {

/// The rule that selects the next thread among the ready threads, when the current thread waits.
enum class thread_order {
  forwards,   ///< the first ready thread; early warps and blocks run far ahead of late ones
  backwards,  ///< the last ready thread
  in_turn,    ///< the first ready thread after the current one
  shuffled    ///< a random ready thread
};

/// The launch configuration for kernels that the current host thread launches.
struct emulated_launch {
  int blocks = 2;
  thread_order order = thread_order::forwards;
};
inline thread_local emulated_launch launch_with;

/// A grid of threads while it runs one kernel.
class emulated_grid {
 public:
  static constexpr int warp_size = 32;
  /// Shared memory of a block in bytes: CUDA's limit for static shared memory.
  static constexpr std::size_t most_shared = std::size_t{48} << 10;

  emulated_grid(emulated_launch how, int warps_of_block)
      : how_{how},
        warps_of_block_{warps_of_block},
        threads_(static_cast<std::size_t>(how.blocks * warps_of_block * warp_size)),
        ready_((threads_.size() + 63) / 64),
        warps_(static_cast<std::size_t>(how.blocks * warps_of_block)),
        blocks_(static_cast<std::size_t>(how.blocks)) {}
  emulated_grid(const emulated_grid&) = delete;
  emulated_grid& operator=(const emulated_grid&) = delete;
  ~emulated_grid() = default;

  /// Calls `kernel()` in every thread. The kernel must not throw, as on a device.
  /// @throws std::runtime_error if threads wait for threads that never arrive, if the threads of a warp are in different exchanges, or if a
  /// block requests more shared memory than it has
  template <class Kernel>
  void run(const Kernel& kernel) {
    body_ = [](const void* f) { (*static_cast<const Kernel*>(f))(); };
    kernel_ = &kernel;
    for (std::size_t t = 0; t < threads_.size(); ++t) start(t);
    emulated_grid* const outer = std::exchange(now, this);
    std::size_t left = threads_.size();
    while (left > 0 && !failure_) {
      const int next = choose();
      if (next < 0) {
        failure_ = std::make_exception_ptr(std::runtime_error(who_waits()));
        break;
      }
      current_ = next;
      swapcontext(&caller_, &threads_[static_cast<std::size_t>(next)].context);
      if (threads_[static_cast<std::size_t>(current_)].finished) --left;
    }
    now = outer;
    // The stacks of unfinished threads are discarded: objects on them are never destroyed.
    if (failure_) {
      idle_stacks.clear();
      std::rethrow_exception(failure_);
    }
    for (thread& t : threads_) {
      if (std::memcmp(t.stack.get(), &stack_end, sizeof stack_end) != 0)
        throw std::logic_error("emulated machine: a kernel needs a stack of more than " + std::to_string(stack_bytes) + " bytes");
      idle_stacks.push_back(std::move(t.stack));
    }
  }

  // Functions of the machine for the current thread.

  [[nodiscard]] int lane() const { return current_ % warp_size; }
  [[nodiscard]] int warp_of_block() const { return current_ / warp_size % warps_of_block_; }
  [[nodiscard]] int block() const { return current_ / (warp_size * warps_of_block_); }
  [[nodiscard]] int blocks() const { return how_.blocks; }

  /// Returns the value of thread `lane() ^ mask` of the warp, when all threads of the warp have called it.
  template <class T>
  T shuffle_xor(T value, int mask) {
    static_assert(sizeof(T) <= sizeof(double));
    warp_state& warp = warps_[static_cast<std::size_t>(current_ / warp_size)];
    if (warp.arrivals.arrived == 0) {
      warp.mask = mask;
      warp.bytes = sizeof(T);
    } else if (warp.mask != mask || warp.bytes != sizeof(T)) {
      give_up("threads of a warp are in different exchanges: of " + std::to_string(warp.bytes) + " bytes by mask " +
              std::to_string(warp.mask) + ", and of " + std::to_string(sizeof(T)) + " bytes by mask " + std::to_string(mask));
    }
    // Two alternating slots: a thread may enter the next exchange before other threads have read its value of this one.
    thread& me = threads_[static_cast<std::size_t>(current_)];
    const std::size_t turn = me.exchanges++ % 2;
    std::memcpy(me.given[turn], &value, sizeof(T));
    arrive_and_wait(warp.arrivals, place::exchange, warp_size);
    T theirs;
    std::memcpy(&theirs, threads_[static_cast<std::size_t>(current_ ^ mask)].given[turn], sizeof(T));
    return theirs;
  }
  void sync_block() { arrive_and_wait(blocks_[static_cast<std::size_t>(block())].arrivals, place::block, warps_of_block_ * warp_size); }
  void sync_grid() { arrive_and_wait(grid_, place::grid, static_cast<int>(threads_.size())); }

  /// Returns the shared memory of the block for this key. Initially every byte is 0xFF, so that numbers start as NaN.
  void* shared(const void* key, std::size_t bytes) {
    block_state& mine = blocks_[static_cast<std::size_t>(block())];
    auto& areas = mine.shared;
    for (const auto& [whose, area] : areas)
      if (whose == key) return area.get();
    mine.shared_bytes += bytes;
    if (mine.shared_bytes > most_shared)
      give_up("a block has " + std::to_string(most_shared) + " bytes of memory, and is asked for " + std::to_string(mine.shared_bytes));
    areas.emplace_back(key, std::make_unique<std::byte[]>(bytes));
    std::memset(areas.back().second.get(), 0xFF, bytes);
    return areas.back().second.get();
  }

  /// The grid that runs on the current host thread.
  inline static thread_local emulated_grid* now = nullptr;

 private:
  enum class place { nowhere, exchange, block, grid };
  struct barrier {
    int arrived = 0;
  };
  struct warp_state {
    barrier arrivals;
    int mask = 0;
    std::size_t bytes = 0;
  };
  struct block_state {
    barrier arrivals;
    std::vector<std::pair<const void*, std::unique_ptr<std::byte[]>>> shared;
    std::size_t shared_bytes = 0;
  };
  static constexpr std::size_t stack_bytes = std::size_t{128} << 10;
  /// The mark at the far end of each stack. A stack overflow overwrites it.
  static constexpr std::uint64_t stack_end = 0x5ACED0FF5ACED0FF;
  struct thread {
    ucontext_t context;
    std::unique_ptr<std::byte[]> stack;
    std::byte given[2][sizeof(double)];  ///< the values of the last two exchanges
    std::size_t exchanges = 0;
    place waits_at = place::nowhere;
    bool finished = false;
  };
  inline static thread_local std::vector<std::unique_ptr<std::byte[]>> idle_stacks;

  void start(std::size_t which) {
    thread& t = threads_[which];
    if (idle_stacks.empty()) {
      t.stack = std::unique_ptr<std::byte[]>{new std::byte[stack_bytes]};  // not zeroed: a thread uses a small part of its stack
    } else {
      t.stack = std::move(idle_stacks.back());
      idle_stacks.pop_back();
    }
    std::memcpy(t.stack.get(), &stack_end, sizeof stack_end);
    getcontext(&t.context);
    t.context.uc_stack.ss_sp = t.stack.get();
    t.context.uc_stack.ss_size = stack_bytes;
    t.context.uc_link = &caller_;
    makecontext(&t.context, live, 0);
    set_ready(static_cast<int>(which), true);
  }
  /// The function of a fiber. At its end `run` continues.
  static void live() {
    emulated_grid& grid = *now;
    grid.body_(grid.kernel_);
    grid.set_ready(grid.current_, false);
    grid.threads_[static_cast<std::size_t>(grid.current_)].finished = true;
  }

  /// Returns when all `size` threads of the current warp, block or grid have arrived.
  void arrive_and_wait(barrier& point, place where, int size) {
    const int me = current_;
    thread& mine = threads_[static_cast<std::size_t>(me)];
    if (++point.arrived == size) {
      point.arrived = 0;
      const int first = me / size * size;
      for (int t = first; t < first + size; ++t) {
        set_ready(t, true);
        threads_[static_cast<std::size_t>(t)].waits_at = place::nowhere;
      }
    } else {
      set_ready(me, false);
      mine.waits_at = where;
    }
    const int next = choose();
    if (next == me) return;
    if (next < 0) {
      swapcontext(&mine.context, &caller_);  // `run` reports that no thread is ready
    } else {
      current_ = next;
      swapcontext(&mine.context, &threads_[static_cast<std::size_t>(next)].context);
    }
  }

  /// Ends the run with an error. The current thread never continues, so no exception crosses its stack.
  void give_up(std::string what) {
    failure_ = std::make_exception_ptr(std::runtime_error("emulated machine: " + std::exchange(what, {})));
    swapcontext(&threads_[static_cast<std::size_t>(current_)].context, &caller_);
  }
  [[nodiscard]] std::string who_waits() const {
    const auto count = [&](place where) {
      return std::to_string(
          std::count_if(threads_.begin(), threads_.end(), [where](const thread& t) { return !t.finished && t.waits_at == where; }));
    };
    return "emulated machine: threads wait for others that never come: " + count(place::exchange) + " at an exchange, " +
           count(place::block) + " at sync_block, " + count(place::grid) + " at sync_grid, of " + std::to_string(threads_.size());
  }

  void set_ready(int which, bool value) {
    std::uint64_t& word = ready_[static_cast<std::size_t>(which / 64)];
    const std::uint64_t bit = std::uint64_t{1} << (which % 64);
    word = value ? word | bit : word & ~bit;
  }
  /// Returns the first ready thread with number `from` or higher, or -1.
  [[nodiscard]] int first_ready(int from) const {
    std::uint64_t below = ~std::uint64_t{0} << (from % 64);
    for (std::size_t w = static_cast<std::size_t>(from / 64); w < ready_.size(); ++w, below = ~std::uint64_t{0})
      if ((ready_[w] & below) != 0) return static_cast<int>(w * 64) + std::countr_zero(ready_[w] & below);
    return -1;
  }
  /// Returns the thread that runs next, or -1 if no thread is ready.
  int choose() {
    int from = 0;
    switch (how_.order) {
      case thread_order::forwards: return first_ready(0);
      case thread_order::backwards:
        for (std::size_t w = ready_.size(); w-- > 0;)
          if (ready_[w] != 0) return static_cast<int>(w * 64) + 63 - std::countl_zero(ready_[w]);
        return -1;
      case thread_order::in_turn: from = current_ + 1; break;
      case thread_order::shuffled:
        random_ = random_ * 6364136223846793005u + 1442695040888963407u;
        from = static_cast<int>((random_ >> 33) % threads_.size());
        break;
    }
    const int next = first_ready(from % static_cast<int>(threads_.size()));
    return next >= 0 ? next : first_ready(0);
  }

  emulated_launch how_;
  int warps_of_block_;
  std::vector<thread> threads_;
  std::vector<std::uint64_t> ready_;
  std::vector<warp_state> warps_;
  std::vector<block_state> blocks_;
  barrier grid_;
  ucontext_t caller_{};
  void (*body_)(const void*) = nullptr;
  const void* kernel_ = nullptr;
  std::exception_ptr failure_;
  std::uint64_t random_ = 1;
  int current_ = 0;
};

/// The machine as kernels use it. @see typenet/backends/simt/execution.hpp
/// @tparam Warps number of warps in a block
template <int Warps>
struct emulated_machine {
  static constexpr int warps_of_block = Warps;

  static int lane() { return emulated_grid::now->lane(); }
  template <class T>
  static T shuffle_xor(T value, int mask) {
    return emulated_grid::now->shuffle_xor(value, mask);
  }
  static int warp_of_block() { return emulated_grid::now->warp_of_block(); }
  static int block() { return emulated_grid::now->block(); }
  static int blocks() { return emulated_grid::now->blocks(); }
  static void sync_block() { emulated_grid::now->sync_block(); }
  static void sync_grid() { emulated_grid::now->sync_grid(); }
  template <class T, int Count, class Tag>
  static T* shared() {
    return static_cast<T*>(emulated_grid::now->shared(&tag_of<T, Count, Tag>, Count * sizeof(T)));
  }

  /// Runs a kernel with the launch configuration `launch_with`.
  template <class Kernel>
  static void launch(const Kernel& kernel) {
    emulated_grid{launch_with, Warps}.run(kernel);
  }

 private:
  template <class T, int Count, class Tag>
  inline static const char tag_of = 0;
};

/// A backend that runs networks on an emulated machine. Each pass is one persistent kernel.
template <class Scalar, int Warps = 2, class Machine = emulated_machine<Warps>>
struct emulated_backend {
  using scalar = Scalar;
  using pack = typenet::simt_pack<Scalar, Machine>;
  static constexpr int lanes = pack::width;
  /// False, as on a device: the host accesses memory only by copies.
  static constexpr bool host_memory = false;
  static constexpr bool fuses_layers = true;
  static constexpr typenet::index inference_samples = 2 * lanes;

  using execution = typenet::detail::simt_execution<Scalar, Machine>;
  struct recording {};

  template <class T>
  using memory = testing::host_memory<T>;
  using array = memory<Scalar>;

  class stream {
   public:
    template <class Task>
    void run(int threads, const typenet::batch_state& state, const Task& task) const {
      recording none;
      repeat(none, threads, state, task, 1);
    }
    template <class Task>
    void repeat(recording&, int /*threads*/, const typenet::batch_state& state, const Task& task, typenet::index times) const {
      Machine::launch([&] {
        const Task mine = task;  // kernel arguments are copies
        execution all{state};
        for (typenet::index t = 0; t < times; ++t) mine(all);
      });
    }
    template <class F>
    void for_each(typenet::index n, const F& f) const {
      for (typenet::index i = n; i-- > 0;) f(i);
    }
    template <class Key, class Value>
    void sort_by_key(Key* keys, Value* values, typenet::index n) const {
      stable_sort_by_key(keys, values, n);
    }
    void wait() const {}
  };

  using layout_converter = host_layout_converter<Scalar, lanes, stream>;

  static int max_threads() { return 1; }
};

}  // namespace testing
