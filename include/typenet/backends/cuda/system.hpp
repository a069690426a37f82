// SPDX-License-Identifier: MIT
/// @file
/// The system of `thrust_backend` where Thrust's device is a CUDA device. backends/thrust/backend.hpp includes it; only nvcc compiles it.
#pragma once

#include <typenet/backends/thrust/system.hpp>

#include <cooperative_groups.h>
#include <cuda_runtime.h>
#include <thrust/execution_policy.h>
#include <thrust/for_each.h>
#include <thrust/iterator/counting_iterator.h>
#include <thrust/sort.h>
#include <thrust/system_error.h>

#include <cstddef>
#include <string>
#include <utility>

#include <typenet/backends/batch_state.hpp>
#include <typenet/backends/simt/execution.hpp>
#include <typenet/backends/simt/pack.hpp>
#include <typenet/backends/thrust/launch.hpp>
#include <typenet/core/config.hpp>
#include <typenet/core/error.hpp>

namespace typenet::detail {

inline namespace TYPENET_THRUST_NAMESPACE {

/// The name of the current device: "NVIDIA H100 (compute capability 9.0)"; empty where there is no device.
inline std::string name_of_device() {
  int device = 0;
  cudaDeviceProp properties{};
  if (cudaGetDevice(&device) != cudaSuccess || cudaGetDeviceProperties(&properties, device) != cudaSuccess) return {};
  return std::string{properties.name} + " (compute capability " + std::to_string(properties.major) + "." +
         std::to_string(properties.minor) + ")";
}

/// Throws a `device_error` that explains an error code of the CUDA runtime.
/// @param while_doing what the program was doing, the beginning of the message
[[noreturn]] inline void throw_device_error(cudaError_t code, const std::string& while_doing) {
  static_cast<void>(cudaGetLastError());  // clears the error, which would be reported again
  switch (code) {
    case cudaErrorNoDevice:
    case cudaErrorInsufficientDriver:
      throw device_error(while_doing + ": there is no CUDA device, or its driver is too old for this program's runtime (" +
                         cudaGetErrorString(code) + "); typenet::cpu runs the same network without one");
    case cudaErrorNoKernelImageForDevice:
    case cudaErrorInvalidDeviceFunction:
    case cudaErrorUnsupportedPtxVersion:
      throw device_error(while_doing + ": this program was not compiled for the device, " + name_of_device() +
                         "; compile it with that architecture among CMAKE_CUDA_ARCHITECTURES (nvcc -arch)");
    default: throw device_error(while_doing + ": " + cudaGetErrorString(code));
  }
}
/// Throws a `device_error` where `code` is an error.
inline void check_cuda(cudaError_t code, const char* while_doing) {
  if (code != cudaSuccess) throw_device_error(code, while_doing);
}

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

/// A training step that is recorded once as a CUDA graph, and replayed.
class cuda_graph {
 public:
  cuda_graph() = default;
  /// Copies nothing: a copy is empty, and records its own step.
  cuda_graph(const cuda_graph&) {}
  cuda_graph(cuda_graph&& other) noexcept
      : executable_{std::exchange(other.executable_, nullptr)}, batch_{other.batch_}, nodes_{other.nodes_} {}
  cuda_graph& operator=(cuda_graph other) noexcept {
    std::swap(executable_, other.executable_);
    std::swap(batch_, other.batch_);
    std::swap(nodes_, other.nodes_);
    return *this;
  }
  ~cuda_graph() {
    if (executable_ != nullptr) static_cast<void>(cudaGraphExecDestroy(executable_));
  }

  /// True where it holds a step of `batch` samples.
  [[nodiscard]] bool holds(index batch) const { return executable_ != nullptr && batch_ == batch; }
  /// Nodes of the graph: the kernels of a step.
  [[nodiscard]] std::size_t nodes() const { return nodes_; }

  /// Records what `enqueue()` puts into the stream, a step of `batch` samples.
  /// @throws device_error if the step cannot be recorded
  template <class Enqueue>
  void record(cudaStream_t stream, index batch, const Enqueue& enqueue) {
    check_cuda(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "recording a step");
    cudaGraph_t graph = nullptr;
    try {
      enqueue();
    } catch (...) {
      static_cast<void>(cudaStreamEndCapture(stream, &graph));
      if (graph != nullptr) static_cast<void>(cudaGraphDestroy(graph));
      throw;
    }
    check_cuda(cudaStreamEndCapture(stream, &graph), "recording a step");
    cudaGraphExec_t executable = nullptr;
    std::size_t nodes = 0;
    cudaError_t result = cudaGraphGetNodes(graph, nullptr, &nodes);
    if (result == cudaSuccess) result = cudaGraphInstantiate(&executable, graph, 0);
    static_cast<void>(cudaGraphDestroy(graph));
    check_cuda(result, "making a recorded step executable");
    *this = cuda_graph{executable, batch, nodes};
  }
  /// Puts the recorded step into the stream.
  /// @throws device_error if it cannot be launched
  void replay(cudaStream_t stream) const { check_cuda(cudaGraphLaunch(executable_, stream), "replaying a step"); }

 private:
  cuda_graph(cudaGraphExec_t executable, index batch, std::size_t nodes) : executable_{executable}, batch_{batch}, nodes_{nodes} {}

  cudaGraphExec_t executable_ = nullptr;
  index batch_ = 0;
  std::size_t nodes_ = 0;
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

  /// Reports an allocation of `bytes` bytes that failed.
  [[noreturn]] static void out_of_memory(std::size_t bytes) {
    std::size_t left = 0, all = 0;
    const cudaError_t answer = cudaMemGetInfo(&left, &all);
    static_cast<void>(cudaGetLastError());
    if (answer != cudaSuccess) throw_device_error(answer, "allocating " + std::to_string(bytes) + " bytes");
    throw device_error("out of memory on " + name_of_device() + ": " + std::to_string(bytes) + " bytes were asked for, " +
                       std::to_string(left) + " of " + std::to_string(all) + " are free; a smaller batch needs less");
  }
  /// Reports an error that Thrust has thrown.
  [[noreturn]] static void failed(const thrust::system_error& failure, const std::string& while_doing) {
    throw_device_error(static_cast<cudaError_t>(failure.code().value()), while_doing);
  }

  /// A CUDA stream: it runs kernels and copies in the order of the calls. It synchronizes with the default stream, which the copies of
  /// Thrust use.
  class stream {
   public:
    stream() { check_cuda(cudaStreamCreate(&handle_), "making a stream"); }
    stream(const stream&) : stream{} {}
    stream(stream&& other) noexcept : handle_{std::exchange(other.handle_, nullptr)} {}
    stream& operator=(stream other) noexcept {
      std::swap(handle_, other.handle_);
      return *this;
    }
    ~stream() {
      if (handle_ != nullptr) static_cast<void>(cudaStreamDestroy(handle_));
    }

    [[nodiscard]] cudaStream_t handle() const { return handle_; }

    /// Queues the kernels of `task(execution&)`; does not wait for them.
    /// @throws device_error if a kernel cannot be launched
    template <class Task>
    void run(int /*threads*/, const batch_state& state, const Task& task) {
      execution mine{state, handle_};
      task(mine);
    }

    /// Queues `task` `times` times, by the fastest launch for a step that repeats.
    /// @param record the recording of this task alone
    /// @throws device_error if a kernel cannot be launched
    template <class Task>
    void repeat(recording& record, int threads, const batch_state& state, const Task& task, index times) {
      if constexpr (Launch == device_launch::stream) {
        for (index t = 0; t < times; ++t) run(threads, state, task);
      } else if constexpr (Launch == device_launch::graph) {
        if (!record.holds(state.batch())) record.record(handle_, state.batch(), [&] { run(threads, state, task); });
        for (index t = 0; t < times; ++t) record.replay(handle_);
      } else {
        run_persistent(state, task, times);
      }
    }

    /// Queues `f(i)` for each i below n, each on a thread of its own.
    template <class F>
    void for_each(index n, const F& f) {
      thrust::for_each_n(policy(), thrust::counting_iterator<index>(0), n, f);
    }
    /// Queues the sorting of `keys`, `[n]`, in ascending order, and of `values`, `[n]`, with them. Equal keys keep their order. It
    /// allocates temporary memory.
    template <class Key, class Value>
    void sort_by_key(Key* keys, Value* values, index n) {
      thrust::stable_sort_by_key(policy(), keys, keys + n, values);
    }
    /// Returns when all queued work is done.
    /// @throws device_error if any of it failed
    void wait() { check_cuda(cudaStreamSynchronize(handle_), "running on the device"); }

   private:
    [[nodiscard]] auto policy() const { return thrust::cuda::par_nosync.on(handle_); }

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
                                             dim3(static_cast<unsigned>(threads)), arguments, 0, handle_),
                 "launching a cooperative kernel");
    }

    cudaStream_t handle_ = nullptr;
  };
};

}  // namespace TYPENET_THRUST_NAMESPACE
}  // namespace typenet::detail
