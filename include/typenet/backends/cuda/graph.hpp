// SPDX-License-Identifier: MIT
/// @file
/// cuda_graph: a task that is recorded once as a CUDA graph, and replayed. Only nvcc compiles it.
#pragma once

#include <typenet/backends/thrust/system.hpp>

#include <cuda_runtime.h>

#include <cstddef>
#include <utility>

#include <typenet/backends/batch_state.hpp>
#include <typenet/backends/cuda/runtime.hpp>
#include <typenet/backends/recorded_task.hpp>
#include <typenet/core/config.hpp>

namespace typenet::detail {

inline namespace TYPENET_THRUST_NAMESPACE {

/// A task that is recorded once as a CUDA graph, and replayed.
class cuda_graph {
 public:
  cuda_graph() = default;
  /// Copies nothing: a copy is empty, and records its own task.
  cuda_graph(const cuda_graph&) {}
  cuda_graph(cuda_graph&& other) noexcept { swap(other); }
  cuda_graph& operator=(cuda_graph other) noexcept {
    swap(other);
    return *this;
  }
  ~cuda_graph() {
    if (executable_ != nullptr) static_cast<void>(cudaGraphExecDestroy(executable_));
  }

  /// Queues a task `times` times, from the second time on as a recording. Where the task is not the one that was recorded, it is recorded
  /// anew.
  /// @param enqueue puts the kernels of `task` into the stream
  /// @throws device_error if the task cannot be run or recorded
  template <class Task, class Enqueue>
  void repeat(cudaStream_t stream, const batch_state& state, const Task& task, index times, const Enqueue& enqueue) {
    task_.repeat(state, task, times, enqueue, [&] { record(stream, enqueue); }, [&] { replay(stream); });
  }

  /// Nodes of the graph: the kernels of the task. 0 where nothing is recorded.
  [[nodiscard]] std::size_t nodes() const { return nodes_; }

  /// Records what `enqueue()` puts into the stream.
  /// @throws device_error if it cannot be recorded
  template <class Enqueue>
  void record(cudaStream_t stream, const Enqueue& enqueue) {
    // Other threads may allocate and copy meanwhile, on streams of their own.
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
    cuda_graph recorded;
    cudaError_t result = cudaGraphGetNodes(graph, nullptr, &recorded.nodes_);
    if (result == cudaSuccess) result = cudaGraphInstantiate(&recorded.executable_, graph, 0);
    static_cast<void>(cudaGraphDestroy(graph));
    check_cuda(result, "making a recorded step executable");
    std::swap(executable_, recorded.executable_);
    std::swap(nodes_, recorded.nodes_);
  }
  /// Queues what was recorded.
  /// @throws device_error if it cannot be launched
  void replay(cudaStream_t stream) const { check_cuda(cudaGraphLaunch(executable_, stream), "replaying a step"); }

 private:
  void swap(cuda_graph& other) noexcept {
    std::swap(executable_, other.executable_);
    std::swap(nodes_, other.nodes_);
    std::swap(task_, other.task_);
  }

  cudaGraphExec_t executable_ = nullptr;
  std::size_t nodes_ = 0;
  recorded_task task_;
};

}  // namespace TYPENET_THRUST_NAMESPACE
}  // namespace typenet::detail
