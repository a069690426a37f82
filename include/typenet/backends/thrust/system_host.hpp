// SPDX-License-Identifier: MIT
/// @file
/// The system of `thrust_backend` where Thrust's device is the host. backends/thrust/backend.hpp includes it.
#pragma once

#include <typenet/backends/thrust/system.hpp>

#include <thrust/execution_policy.h>
#include <thrust/for_each.h>
#include <thrust/iterator/counting_iterator.h>
#include <thrust/sort.h>

#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <string>

#include <typenet/backends/batch_state.hpp>
#include <typenet/backends/eigen/flush_subnormals.hpp>
#include <typenet/backends/eigen/pack.hpp>
#include <typenet/backends/thrust/launch.hpp>
#include <typenet/core/config.hpp>
#include <typenet/core/error.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet::detail {

inline namespace TYPENET_THRUST_NAMESPACE {

/// The parts of `thrust_backend` on Thrust's OMP, TBB and CPP systems. A pack is as wide as a GPU's warp and lies in SIMD registers.
/// @tparam Scalar `float` or `double`
template <class Scalar, device_launch>
struct thrust_system {
  using pack = eigen_pack<Scalar, 32>;

  /// Frees memory.
  struct release {
    void operator()(void* memory) const noexcept { ::operator delete(memory, alignment); }
  };
  using memory = std::unique_ptr<void, release>;
  /// Allocates `bytes` zeros, more than none, aligned to 64 bytes.
  /// @throws device_memory_error if there is not enough memory
  static memory allocate(std::size_t bytes) {
    memory zeros{::operator new(bytes, alignment, std::nothrow)};
    if (zeros == nullptr) throw device_memory_error("out of memory: " + std::to_string(bytes) + " bytes were asked for");
    std::memset(zeros.get(), 0, bytes);
    return zeros;
  }
  /// Copies bytes from the memory of the program to the device, from there to the program, or on the device. Here all of it is one memory.
  static void copy_in(void* to, const void* from, std::size_t bytes) {
    if (bytes > 0) std::memcpy(to, from, bytes);
  }
  static void copy_out(void* to, const void* from, std::size_t bytes) { copy_in(to, from, bytes); }
  static void copy_within(void* to, const void* from, std::size_t bytes) { copy_in(to, from, bytes); }

  /// The name of the device system.
  static std::string device_name() {
#if THRUST_DEVICE_SYSTEM == THRUST_DEVICE_SYSTEM_OMP
    return "the host, through Thrust's OMP system";
#elif THRUST_DEVICE_SYSTEM == THRUST_DEVICE_SYSTEM_TBB
    return "the host, through Thrust's TBB system";
#else
    return "the host, through Thrust's CPP system";
#endif
  }

  /// Runs the kernels of a batch, each as one `thrust::for_each_n`.
  class execution : public batch_state {
   public:
    using scalar = Scalar;
    using pack = thrust_system::pack;
    static constexpr int lanes = pack::width;
    static constexpr bool many_workers = false;

    explicit execution(const batch_state& state) : batch_state{state} {}
    /// Packs that cover the batch.
    [[nodiscard]] TYPENET_HD index blocks() const { return (batch() + lanes - 1) / lanes; }

    TYPENET_ANY_SIDE
    template <class F>
    TYPENET_HD void for_each(index items, const F& f) {
      thrust::for_each_n(thrust::device, thrust::counting_iterator<index>(0), items, [&f](index item) {
        const flush_subnormals flush;
        f(item);
      });
    }
    TYPENET_ANY_SIDE
    template <int Sums, class Partial, class Finish>
    TYPENET_HD void reduce(index items, index length, const Partial& partial, const Finish& finish) {
      for_each(items, [&](index item) { lane::reduce_item<pack, Sums>(item, length, partial, finish); });
    }
  };

  /// Empty: a step is not recorded, but run again.
  struct recording {};

  /// Runs each task at once.
  class stream {
   public:
    /// Calls `task(execution&)` once. Thrust chooses the number of threads.
    template <class Task>
    void run(int /*threads*/, const batch_state& state, const Task& task) {
      execution mine{state};
      task(mine);
    }
    /// Calls `run` `times` times.
    template <class Task>
    void repeat(recording&, int threads, const batch_state& state, const Task& task, index times) {
      for (index t = 0; t < times; ++t) run(threads, state, task);
    }
    /// Calls `f(i)` for each i below n, in any order, on the threads of Thrust.
    template <class F>
    void for_each(index n, const F& f) {
      thrust::for_each_n(thrust::device, thrust::counting_iterator<index>(0), n, f);
    }
    /// Sorts `keys`, `[n]`, in ascending order, and `values`, `[n]`, with them. Equal keys keep their order.
    template <class Key, class Value>
    void sort_by_key(Key* keys, Value* values, index n) {
      thrust::stable_sort_by_key(thrust::device, keys, keys + n, values);
    }
    /// Returns at once: every task has ended when its call returns.
    void wait() {}
  };

 private:
  static constexpr std::align_val_t alignment{64};
};

}  // namespace TYPENET_THRUST_NAMESPACE
}  // namespace typenet::detail
