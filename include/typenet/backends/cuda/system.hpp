// SPDX-License-Identifier: MIT
/// @file
/// The system of `thrust_backend` where Thrust's device is a CUDA device. backends/thrust/backend.hpp includes it; only nvcc compiles it.
#pragma once

#include <typenet/backends/thrust/system.hpp>

#include <cooperative_groups.h>
#include <cuda_runtime.h>
#include <cub/device/device_radix_sort.cuh>

#include <cstddef>
#include <string>

#include <typenet/backends/batch_state.hpp>
#include <typenet/backends/cuda/graph.hpp>
#include <typenet/backends/cuda/runtime.hpp>
#include <typenet/backends/simt/execution.hpp>
#include <typenet/backends/simt/pack.hpp>
#include <typenet/backends/thrust/launch.hpp>
#include <typenet/core/config.hpp>
#include <typenet/core/error.hpp>

namespace typenet::detail {

inline namespace TYPENET_THRUST_NAMESPACE {

/// A CUDA device as a machine of warps and blocks (backends/simt/execution.hpp). The functions of the host exist for the compiler; nothing
/// calls them.
/// @tparam Warps warps in a block
template <int Warps>
struct cuda_machine {
  static constexpr int warps_of_block = Warps;

#if defined(__CUDA_ARCH__)
  __device__ static int lane() { return static_cast<int>(threadIdx.x % 32); }
  template <class T>
  __device__ static T shuffle_xor(T value, int mask) {
    return __shfl_xor_sync(0xFFFFFFFFu, value, mask);
  }
  __device__ static int warp_of_block() { return static_cast<int>(threadIdx.x / 32); }
  __device__ static void sync_block() { __syncthreads(); }
  __device__ static int block() { return static_cast<int>(blockIdx.x); }
  __device__ static int blocks() { return static_cast<int>(gridDim.x); }
  __device__ static void sync_grid() { cooperative_groups::this_grid().sync(); }
  template <class T, int Count, class Tag>
  __device__ static T* shared() {
    __shared__ T numbers[Count];
    return numbers;
  }
#else
  TYPENET_HD static int lane() { return 0; }
  template <class T>
  TYPENET_HD static T shuffle_xor(T value, int) {
    return value;
  }
  TYPENET_HD static int warp_of_block() { return 0; }
  TYPENET_HD static void sync_block() {}
  TYPENET_HD static int block() { return 0; }
  TYPENET_HD static int blocks() { return 1; }
  TYPENET_HD static void sync_grid() {}
  template <class T, int Count, class Tag>
  TYPENET_HD static T* shared() {
    return nullptr;
  }
#endif
};

/// Warps in a block of a kernel whose warps run independent items.
inline constexpr int kernel_warps = 4;
/// Warps in a block of a reduction, which share one item, and in a block of a persistent kernel.
inline constexpr int reduction_warps = 8;
/// The machine of reductions and persistent kernels.
using cuda_warp = cuda_machine<reduction_warps>;

/// Runs one item in each warp.
template <class F>
__global__ void __launch_bounds__(kernel_warps * 32) for_each_kernel(index items, F f) {
  const index item = index{blockIdx.x} * kernel_warps + threadIdx.x / 32;
  if (item < items) f(item);
}

/// Calls `f(i)` for each i below n, each on a thread of its own.
template <class F>
__global__ void __launch_bounds__(kernel_warps * 32) for_each_index_kernel(index n, F f) {
  const index i = index{blockIdx.x} * (kernel_warps * 32) + threadIdx.x;
  if (i < n) f(i);
}

/// Runs one item of a reduction in each block.
template <class Pack, int Sums, class Partial, class Finish>
__global__ void __launch_bounds__(reduction_warps * 32) reduce_kernel(index length, Partial partial, Finish finish) {
  reduce_in_block<cuda_warp, Pack, Sums>(index{blockIdx.x}, length, partial, finish);
}

/// Runs `task` `times` times on a grid whose blocks all fit on the device at the same time.
template <class Scalar, class Task>
__global__ void __launch_bounds__(reduction_warps * 32) persistent_kernel(batch_state state, Task task, index times) {
  simt_execution<Scalar, cuda_warp> all{state};
  for (index t = 0; t < times; ++t) task(all);
}

/// Launches a CUDA kernel for each `for_each` and each `reduce`, in the order of a stream.
template <class Scalar>
class cuda_execution : public batch_state {
 public:
  using scalar = Scalar;
  using pack = simt_pack<Scalar, cuda_warp>;
  static constexpr int lanes = pack::width;
  static constexpr bool many_workers = true;

  TYPENET_HD cuda_execution(const batch_state& state, cudaStream_t stream) : batch_state{state}, stream_{stream} {}

  /// Packs that cover the batch.
  [[nodiscard]] TYPENET_HD index blocks() const { return (batch() + lanes - 1) / lanes; }

  // The kernel is named in the host pass and in the device pass: nvcc generates device code only for kernels that the device pass sees.
  template <class F>
  TYPENET_HD void for_each(index items, const F& f) {
    void (*const kernel)(index, F) = for_each_kernel<F>;
#if defined(__CUDA_ARCH__)
    static_cast<void>(kernel);
#else
    if (items < 1) return;
    kernel<<<static_cast<unsigned>((items + kernel_warps - 1) / kernel_warps), kernel_warps * 32, 0, stream_>>>(items, f);
    check_cuda(cudaGetLastError(), "launching a kernel");
#endif
  }

  template <int Sums, class Partial, class Finish>
  TYPENET_HD void reduce(index items, index length, const Partial& partial, const Finish& finish) {
    void (*const kernel)(index, Partial, Finish) = reduce_kernel<pack, Sums, Partial, Finish>;
#if defined(__CUDA_ARCH__)
    static_cast<void>(kernel);
#else
    if (items < 1) return;
    kernel<<<static_cast<unsigned>(items), reduction_warps * 32, 0, stream_>>>(length, partial, finish);
    check_cuda(cudaGetLastError(), "launching a reduction");
#endif
  }

 private:
  cudaStream_t stream_;
};

/// The parts of `thrust_backend` on CUDA.
/// @tparam Scalar `float` or `double`
/// @tparam Launch how training steps reach the device
template <class Scalar, device_launch Launch>
struct thrust_system {
  using pack = simt_pack<Scalar, cuda_warp>;
  using execution = cuda_execution<Scalar>;
  using recording = cuda_graph;

  /// The name of the current device.
  /// @throws device_error if there is no device
  static std::string device_name() {
    int count = 0;
    check_cuda(cudaGetDeviceCount(&count), "looking for a device");
    return name_of_device();
  }

  using memory = device_memory;
  /// Allocates `bytes` zeros, more than none, aligned to 256 bytes.
  /// @throws device_memory_error if there is not enough memory
  /// @throws device_error if there is no device, or it failed
  static memory allocate(std::size_t bytes) {
    memory zeros = allocate_on_device(bytes);
    check_cuda(cudaMemsetAsync(zeros.get(), 0, bytes, stream_of_thread()), "setting memory to zero");
    wait_for_device();
    return zeros;
  }
  /// Copies bytes from the memory of the program to the device, from there to the program, or on the device. The copies come after all
  /// that the calling thread has queued, and are done on return.
  /// @throws device_error if the copy, or work before it, failed
  static void copy_in(void* to, const void* from, std::size_t bytes) {
    copy_and_wait(to, from, bytes, cudaMemcpyHostToDevice, "copying to the device");
  }
  static void copy_out(void* to, const void* from, std::size_t bytes) {
    copy_and_wait(to, from, bytes, cudaMemcpyDeviceToHost, "copying from the device");
  }
  static void copy_within(void* to, const void* from, std::size_t bytes) {
    copy_and_wait(to, from, bytes, cudaMemcpyDeviceToDevice, "copying on the device");
  }

  /// The queue of the calling thread: all objects of this type are one and the same in a thread.
  class stream {
   public:
    /// The CUDA stream of the calling thread on the current device.
    [[nodiscard]] cudaStream_t handle() const { return stream_of_thread(); }

    /// Queues the kernels of `task(execution&)`; does not wait for them.
    /// @throws device_error if a kernel cannot be launched
    template <class Task>
    void run(int /*threads*/, const batch_state& state, const Task& task) {
      execution mine{state, handle()};
      task(mine);
    }

    /// Queues `task` `times` times, by the fastest launch for a step that repeats.
    /// @throws device_error if a kernel cannot be launched
    template <class Task>
    void repeat(recording& record, int threads, const batch_state& state, const Task& task, index times) {
      if constexpr (Launch == device_launch::stream) {
        for (index t = 0; t < times; ++t) run(threads, state, task);
      } else if constexpr (Launch == device_launch::graph) {
        record.repeat(handle(), state, task, times, [&] { run(threads, state, task); });
      } else {
        run_persistent(state, task, times);
      }
    }

    /// Queues `f(i)` for each i below n, each on a thread of its own.
    /// @throws device_error if the kernel cannot be launched
    template <class F>
    void for_each(index n, const F& f) {
      if (n < 1) return;
      constexpr int threads = kernel_warps * 32;
      for_each_index_kernel<F><<<static_cast<unsigned>((n + threads - 1) / threads), threads, 0, handle()>>>(n, f);
      check_cuda(cudaGetLastError(), "launching a kernel");
    }
    /// Sorts `keys`, `[n]`, in ascending order, and `values`, `[n]`, with them. Equal keys keep their order. It allocates temporary memory,
    /// and waits until it can free it.
    /// @throws device_error if it cannot be done
    template <class Key, class Value>
    void sort_by_key(Key* keys, Value* values, index n) {
      if (n < 1) return;
      const std::size_t key_bytes = static_cast<std::size_t>(n) * sizeof(Key), value_bytes = static_cast<std::size_t>(n) * sizeof(Value);
      const memory old_keys = allocate_on_device(key_bytes), old_values = allocate_on_device(value_bytes);
      copy_within(old_keys.get(), keys, key_bytes);
      copy_within(old_values.get(), values, value_bytes);
      const auto sort = [&](void* scratch, std::size_t& bytes) {
        check_cuda(cub::DeviceRadixSort::SortPairs(scratch, bytes, static_cast<const Key*>(old_keys.get()), keys,
                                                   static_cast<const Value*>(old_values.get()), values, n, 0,
                                                   static_cast<int>(8 * sizeof(Key)), handle()),
                   "sorting");
      };
      std::size_t bytes = 0;
      sort(nullptr, bytes);
      const memory scratch = allocate_on_device(bytes);
      sort(scratch.get(), bytes);
      wait();
    }
    /// Returns when all work that the calling thread has queued is done.
    /// @throws device_error if any of it failed
    void wait() { wait_for_device(); }

   private:
    template <class Task>
    void run_persistent(batch_state state, Task task, index times) {
      void (*const kernel)(batch_state, Task, index) = persistent_kernel<Scalar, Task>;
      constexpr int threads = reduction_warps * 32;
      int device = 0, processors = 0, together = 0;
      check_cuda(cudaGetDevice(&device), "asking for the device");
      check_cuda(cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device), "asking for the device's processors");
      check_cuda(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&together, kernel, threads, 0), "asking for a kernel's needs");
      if (together < 1)
        throw device_error("a step of this network does not fit on one processor of " + name_of_device() + "; use device_launch::graph");
      // One block for each processor: more blocks would make the barrier of the grid slower.
      void* arguments[] = {&state, &task, &times};
      check_cuda(cudaLaunchCooperativeKernel(reinterpret_cast<const void*>(kernel), dim3(static_cast<unsigned>(processors)),
                                             dim3(static_cast<unsigned>(threads)), arguments, 0, handle()),
                 "launching a cooperative kernel");
    }
  };
};

}  // namespace TYPENET_THRUST_NAMESPACE
}  // namespace typenet::detail
