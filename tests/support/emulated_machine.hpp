// SPDX-License-Identifier: MIT
// A machine of threads in warps and blocks, without a GPU: each of its threads is a fiber, run until it must wait for others, in an order
// that the test chooses. What a kernel computes may not depend on that order; where it does, a GPU's threads would race. And a backend
// on that machine, whose packs, reductions and whole passes are those of CUDA's persistent kernels.
#pragma once

#include <ucontext.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <typenet/backends/batch_state.hpp>
#include <typenet/backends/simt/execution.hpp>
#include <typenet/layer/layer.hpp>

namespace testing {

/// Which of the threads that need not wait runs next, once another must.
enum class thread_order {
  forwards,   ///< the first: early warps and blocks run far ahead of late ones
  backwards,  ///< the last
  in_turn,    ///< the next after the one that ran
  shuffled    ///< any
};

/// How kernels are launched from now on, by this thread of the program.
struct emulated_launch {
  int blocks = 2;
  thread_order order = thread_order::forwards;
};
inline thread_local emulated_launch launch_with;

/// A grid of threads while it runs one kernel.
class emulated_grid {
 public:
  static constexpr int warp_size = 32;
  /// Bytes of memory that a block shares, as CUDA's blocks have for what a kernel declares.
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

  /// Calls `kernel()` in every thread. It must not throw: it could not on a device either.
  /// @throws std::runtime_error if threads wait for others that never come, or meet in different exchanges; if a block's memory is not
  /// enough
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
    // Stacks that threads are left on are not used again: what lies there is never destroyed.
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

  // What the thread that runs asks for.

  [[nodiscard]] int lane() const { return current_ % warp_size; }
  [[nodiscard]] int warp_of_block() const { return current_ / warp_size % warps_of_block_; }
  [[nodiscard]] int block() const { return current_ / (warp_size * warps_of_block_); }
  [[nodiscard]] int blocks() const { return how_.blocks; }

  /// What thread `lane() ^ mask` of the warp gives to the same exchange.
  template <class T>
   T shuffle_xor(T value, int mask) {
    static_assert(sizeof(T) <= sizeof(double));
    warp_meeting& warp = warps_[static_cast<std::size_t>(current_ / warp_size)];
    if (warp.meeting.arrived == 0) {
      warp.mask = mask;
      warp.bytes = sizeof(T);
    } else if (warp.mask != mask || warp.bytes != sizeof(T)) {
      give_up("threads of a warp are in different exchanges: of " + std::to_string(warp.bytes) + " bytes by mask " +
              std::to_string(warp.mask) + ", and of " + std::to_string(sizeof(T)) + " bytes by mask " + std::to_string(mask));
    }
    // In turns of two: a thread may come to the next exchange before others have read what it gave to this one, but no further.
    thread& me = threads_[static_cast<std::size_t>(current_)];
    const std::size_t turn = me.exchanges++ % 2;
    std::memcpy(me.given[turn], &value, sizeof(T));
    meet(warp.meeting, place::exchange, warp_size);
    T theirs;
    std::memcpy(&theirs, threads_[static_cast<std::size_t>(current_ ^ mask)].given[turn], sizeof(T));
    return theirs;
  }
  void sync_block() { meet(blocks_[static_cast<std::size_t>(block())].meeting, place::block, warps_of_block_ * warp_size); }
  void sync_grid() { meet(grid_, place::grid, static_cast<int>(threads_.size())); }

  /// Memory of the block, apart for each key; at first every byte of it is 0xFF: NaN.
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

  /// The grid that runs.
  inline static thread_local emulated_grid* now = nullptr;

 private:
  enum class place { nowhere, exchange, block, grid };
  struct meeting_point {
    int arrived = 0;
  };
  struct warp_meeting {
    meeting_point meeting;
    int mask = 0;
    std::size_t bytes = 0;
  };
  struct block_state {
    meeting_point meeting;
    std::vector<std::pair<const void*, std::unique_ptr<std::byte[]>>> shared;
    std::size_t shared_bytes = 0;
  };
  static constexpr std::size_t stack_bytes = std::size_t{128} << 10;
  /// Stands at the far end of each stack: whatever overwrote it needed a larger one.
  static constexpr std::uint64_t stack_end = 0x5ACED0FF5ACED0FF;
  struct thread {
    ucontext_t context;
    std::unique_ptr<std::byte[]> stack;
    std::byte given[2][sizeof(double)];
    std::size_t exchanges = 0;
    place waits_at = place::nowhere;
    bool finished = false;
  };
  inline static thread_local std::vector<std::unique_ptr<std::byte[]>> idle_stacks;

  void start(std::size_t which) {
    thread& t = threads_[which];
    if (idle_stacks.empty()) {
      t.stack = std::unique_ptr<std::byte[]>{new std::byte[stack_bytes]};  // not zeroed: most of it is never touched
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
  /// A thread's life; at its end `run` goes on.
  static void live() {
    emulated_grid& grid = *now;
    grid.body_(grid.kernel_);
    grid.set_ready(grid.current_, false);
    grid.threads_[static_cast<std::size_t>(grid.current_)].finished = true;
  }

  /// Waits until `size` threads, those of the current one's warp, block or grid, are there.
  void meet(meeting_point& point, place where, int size) {
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
      swapcontext(&mine.context, &caller_);  // which says that nobody can go on
    } else {
      current_ = next;
      swapcontext(&mine.context, &threads_[static_cast<std::size_t>(next)].context);
    }
  }

  /// Ends the run with an error, and this thread where it stands: nothing is thrown across its stack.
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
  /// The first that is ready, of those from `from` on; or -1.
  [[nodiscard]] int first_ready(int from) const {
    std::uint64_t below = ~std::uint64_t{0} << (from % 64);
    for (std::size_t w = static_cast<std::size_t>(from / 64); w < ready_.size(); ++w, below = ~std::uint64_t{0})
      if ((ready_[w] & below) != 0) return static_cast<int>(w * 64) + std::countr_zero(ready_[w] & below);
    return -1;
  }
  /// Which thread runs next, or -1 where none can.
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
  std::vector<warp_meeting> warps_;
  std::vector<block_state> blocks_;
  meeting_point grid_;
  ucontext_t caller_{};
  void (*body_)(const void*) = nullptr;
  const void* kernel_ = nullptr;
  std::exception_ptr failure_;
  std::uint64_t random_ = 1;
  int current_ = 0;
};

/// The machine as kernels see it. @see typenet/backends/simt/execution.hpp
template <int Warps>
struct emulated_machine {
  static constexpr int warps_of_block = Warps;

  static int lane() { return emulated_grid::now->lane(); }
  template <class T>
  static  T shuffle_xor(T value, int mask) {
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

  /// Runs a kernel as `launch_with` says.
  template <class Kernel>
  static void launch(const Kernel& kernel) {
    emulated_grid{launch_with, Warps}.run(kernel);
  }

 private:
  template <class T, int Count, class Tag>
  inline static const char tag_of = 0;
};

/// Runs networks on that machine, each pass as one persistent kernel.
template <class Scalar, int Warps = 2, class Machine = emulated_machine<Warps>>
struct emulated_backend {
  using scalar = Scalar;
  using pack = typenet::simt_pack<Scalar, Machine>;
  static constexpr int lanes = pack::width;
  /// As a device's: the program may only copy.
  static constexpr bool host_memory = false;
  static constexpr bool fuses_layers = true;
  static constexpr typenet::index inference_samples = 2 * lanes;

  using execution = typenet::detail::simt_execution<Scalar, Machine>;
  struct recording {};

  template <class T>
  class memory {
   public:
    memory() = default;
    explicit memory(typenet::index size) : data_(static_cast<std::size_t>(size)) {}
    T* data() { return data_.data(); }
    const T* data() const { return data_.data(); }
    typenet::index size() const { return static_cast<typenet::index>(data_.size()); }
    void copy_from(std::span<const T> from, typenet::index first = 0) { std::copy(from.begin(), from.end(), data_.begin() + first); }
    void copy_to(std::span<T> to, typenet::index first = 0) const { std::copy_n(data_.begin() + first, to.size(), to.begin()); }

   private:
    std::vector<T> data_;
  };
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
        const Task mine = task;  // as a kernel's arguments are
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
      std::vector<std::pair<Key, Value>> pairs;
      for (typenet::index i = 0; i < n; ++i) pairs.emplace_back(keys[i], values[i]);
      std::stable_sort(pairs.begin(), pairs.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
      for (typenet::index i = 0; i < n; ++i) std::tie(keys[i], values[i]) = pairs[static_cast<std::size_t>(i)];
    }
    void wait() const {}
  };

  class layout_converter {
   public:
    layout_converter(typenet::index /*samples*/, typenet::index /*most*/) {}
    void to_lanes(stream&, std::span<const Scalar> rows, typenet::index count, int size, Scalar* to) const {
      for (typenet::index i = 0; i < (count + lanes - 1) / lanes * lanes; ++i)
        for (int e = 0; e < size; ++e)
          to[(i / lanes * size + e) * lanes + i % lanes] = rows[static_cast<std::size_t>((i < count ? i : count - 1) * size + e)];
    }
    void to_rows(stream&, const typenet::lane_view<const Scalar, lanes>& from, typenet::index count, int size,
                 std::span<Scalar> rows) const {
      for (typenet::index i = 0; i < count; ++i)
        for (int e = 0; e < size; ++e)
          rows[static_cast<std::size_t>(i * size + e)] = from.base[i / lanes * from.stride + typenet::index{e} * lanes + i % lanes];
    }
  };

  static int max_threads() { return 1; }
};

}  // namespace testing
