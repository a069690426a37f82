// SPDX-License-Identifier: MIT
/// @file
/// What thrust_backend runs on where Thrust's device is a CUDA device. Included by thrust.hpp; for nvcc alone.
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

#include <typenet/backends/simt/execution.hpp>
#include <typenet/backends/thrust/launch.hpp>
#include <typenet/core/error.hpp>

namespace typenet::detail {

inline namespace TYPENET_THRUST_NAMESPACE {

/// "NVIDIA H100 (compute capability 9.0)", or nothing where there is none.
inline std::string name_of_device() {
  int device = 0;
  cudaDeviceProp properties{};
  if (cudaGetDevice(&device) != cudaSuccess || cudaGetDeviceProperties(&properties, device) != cudaSuccess) return {};
  return std::string{properties.name} + " (compute capability " + std::to_string(properties.major) + "." +
         std::to_string(properties.minor) + ")";
}

/// Throws what the CUDA runtime complains of, in words.
[[noreturn]] inline void throw_device_error(cudaError_t code, const std::string& while_doing) {
  static_cast<void>(cudaGetLastError());  // or it would be reported again
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
inline void check_cuda(cudaError_t code, const char* while_doing) {
  if (code != cudaSuccess) throw_device_error(code, while_doing);
}

/// A CUDA device as a machine of warps and blocks (simt.hpp). On the host its functions exist and mean nothing.
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

/// Warps of a block: of a kernel's, whose items have nothing to do with one another; of a reduction's, which work on one item; and of
/// a persistent kernel's, which do both.
inline constexpr int kernel_warps = 4;
inline constexpr int reduction_warps = 8;
using cuda_warp = cuda_machine<reduction_warps>;

template <class F>
__global__ void __launch_bounds__(kernel_warps * 32) for_each_kernel(index items, F f) {
  const index item = index{blockIdx.x} * kernel_warps + threadIdx.x / 32;
  if (item < items) f(item);
}

template <class Pack, int Sums, class Partial, class Finish>
__global__ void __launch_bounds__(reduction_warps * 32) reduce_kernel(index length, Partial partial, Finish finish) {
  reduce_in_block<cuda_warp, Pack, Sums>(index{blockIdx.x}, length, partial, finish);
}

/// `times` steps on end, by a grid that fits on the device at once.
template <class Scalar, class Task>
__global__ void __launch_bounds__(reduction_warps * 32) persistent_kernel(batch_state state, Task task, index times) {
  simt_execution<Scalar, cuda_warp> all{state};
  for (index t = 0; t < times; ++t) task(all);
}

/// Launches a kernel for each of a network's, in the order of a stream.
template <class Scalar>
class cuda_execution : public batch_state {
 public:
  using scalar = Scalar;
  using pack = simt_pack<Scalar, cuda_warp>;
  static constexpr int lanes = pack::width;
  static constexpr bool many_workers = true;

  TYPENET_HD cuda_execution(const batch_state& state, cudaStream_t stream) : batch_state{state}, stream_{stream} {}

  [[nodiscard]] TYPENET_HD index blocks() const { return (batch() + lanes - 1) / lanes; }

  // Kernels are named on both sides of the compiler: what only the host's saw would have no code on the device.
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

/// A step recorded once, to be replayed.
class cuda_graph {
 public:
  cuda_graph() = default;
  cuda_graph(const cuda_graph&) {}  // a copy records anew
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

  /// Whether it holds a step of that many samples.
  [[nodiscard]] bool holds(index batch) const { return executable_ != nullptr && batch_ == batch; }
  /// Kernels in a step.
  [[nodiscard]] std::size_t nodes() const { return nodes_; }

  /// Records what `enqueue` puts into the stream.
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
  void replay(cudaStream_t stream) const { check_cuda(cudaGraphLaunch(executable_, stream), "replaying a step"); }

 private:
  cuda_graph(cudaGraphExec_t executable, index batch, std::size_t nodes) : executable_{executable}, batch_{batch}, nodes_{nodes} {}

  cudaGraphExec_t executable_ = nullptr;
  index batch_ = 0;
  std::size_t nodes_ = 0;
};

/// CUDA for thrust_backend.
template <class Scalar, device_launch Launch>
struct thrust_system {
  using pack = simt_pack<Scalar, cuda_warp>;
  using execution = cuda_execution<Scalar>;
  using recording = cuda_graph;

  static std::string device_name() {
    int count = 0;
    check_cuda(cudaGetDeviceCount(&count), "looking for a device");
    return name_of_device();
  }

  [[noreturn]] static void out_of_memory(std::size_t bytes) {
    std::size_t left = 0, all = 0;
    const cudaError_t answer = cudaMemGetInfo(&left, &all);
    static_cast<void>(cudaGetLastError());
    if (answer != cudaSuccess) throw_device_error(answer, "allocating " + std::to_string(bytes) + " bytes");
    throw device_error("out of memory on " + name_of_device() + ": " + std::to_string(bytes) + " bytes were asked for, " +
                       std::to_string(left) + " of " + std::to_string(all) + " are free; a smaller batch needs less");
  }
  [[noreturn]] static void failed(const thrust::system_error& failure, const std::string& while_doing) {
    throw_device_error(static_cast<cudaError_t>(failure.code().value()), while_doing);
  }

  /// Kernels and copies in the order in which they were asked for. It is synchronised with the default stream, which Thrust's copies use.
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

    /// Asks for `task(execution&)`; does not wait for it.
    template <class Task>
    void run(int /*threads*/, const batch_state& state, const Task& task) {
      execution mine{state, handle_};
      task(mine);
    }

    /// The same `times` times: the quickest way there is for a step that is the same every time.
    /// @param record belongs to this task alone
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

    /// Calls f(i) for each i below n, each on a thread of its own.
    template <class F>
    void for_each(index n, const F& f) {
      thrust::for_each_n(policy(), thrust::counting_iterator<index>(0), n, f);
    }
    /// Sorts values by their keys; of equal keys the first stays first. Allocates while it works.
    template <class Key, class Value>
    void sort_by_key(Key* keys, Value* values, index n) {
      thrust::stable_sort_by_key(policy(), keys, keys + n, values);
    }
    /// Until all that was asked for is done.
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
      // One block a processor: more would only be more to wait for.
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
