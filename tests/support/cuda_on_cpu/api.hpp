// SPDX-License-Identifier: MIT
/// @file
/// What the functions of the CUDA runtime have in common: one call at a time, the last error, and injected faults.
#pragma once

#include <cuda_runtime_api.h>

#include <mutex>

namespace cuda_on_cpu {

/// The state of the runtime.
struct api_state {
  std::recursive_mutex one_at_a_time;
  /// The error that every call returns once a kernel has failed; cudaSuccess before.
  cudaError_t sticky = cudaSuccess;
};
api_state& get_api_state();

/// The last error of the calling thread.
cudaError_t& last_error();

/// Counts a synchronization. Returns the injected fault, if it is due.
cudaError_t count_synchronization();
/// Counts an allocation. Returns whether it is the one that is to fail.
bool allocation_fails();

/// Runs a function of the runtime, `cudaError_t body()`: alone, and only if no kernel has failed.
template <class Body>
cudaError_t api_call(Body body) {
  const std::lock_guard alone{get_api_state().one_at_a_time};
  const cudaError_t answer = get_api_state().sticky != cudaSuccess ? get_api_state().sticky : body();
  if (answer != cudaSuccess) last_error() = answer;
  return answer;
}

/// The most blocks of a kernel that one multiprocessor holds; 0 if it holds none.
int blocks_of_processor(const void* kernel_handle, int threads, std::size_t dynamic_shared_bytes);

}  // namespace cuda_on_cpu
