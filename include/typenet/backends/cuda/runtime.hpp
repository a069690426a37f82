// SPDX-License-Identifier: MIT
/// @file
/// The CUDA runtime as the backend uses it: errors as exceptions, the stream of a thread, and memory. Only nvcc compiles it.
#pragma once

#include <typenet/backends/thrust/system.hpp>

#include <cuda_runtime.h>

#include <cstddef>
#include <map>
#include <memory>
#include <string>

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
    case cudaErrorIllegalAddress:
    case cudaErrorMisalignedAddress:
    case cudaErrorIllegalInstruction:
    case cudaErrorLaunchFailure:
    case cudaErrorLaunchTimeout:
    case cudaErrorAssert:
      throw device_error(while_doing + ": a kernel failed (" + cudaGetErrorString(code) +
                         "), and this process cannot use the device again; compute-sanitizer finds the kernel");
    default: throw device_error(while_doing + ": " + cudaGetErrorString(code));
  }
}
/// Throws a `device_error` where `code` is an error.
inline void check_cuda(cudaError_t code, const char* while_doing) {
  if (code != cudaSuccess) throw_device_error(code, while_doing);
}

/// A queue of a device: it runs kernels and copies in the order of the calls. It and the default stream of CUDA do not wait for each other.
class cuda_stream {
 public:
  /// @throws device_error if there is no device
  cuda_stream() { check_cuda(cudaStreamCreateWithFlags(&handle_, cudaStreamNonBlocking), "making a stream"); }
  cuda_stream(const cuda_stream&) = delete;
  cuda_stream& operator=(const cuda_stream&) = delete;
  ~cuda_stream() { static_cast<void>(cudaStreamDestroy(handle_)); }

  [[nodiscard]] cudaStream_t handle() const { return handle_; }

 private:
  cudaStream_t handle_ = nullptr;
};

/// The calling thread's stream on the current device, which all kernels and copies of the backend run on. So what a thread does happens in
/// the order of its calls, and no thread waits for the work of another.
/// @throws device_error if there is no device
inline cudaStream_t stream_of_thread() {
  thread_local std::map<int, cuda_stream> streams;  // by the number of the device
  int device = 0;
  check_cuda(cudaGetDevice(&device), "looking for a device");
  return streams[device].handle();
}

/// Returns when all work that the calling thread has queued is done.
/// @throws device_error if any of it failed
inline void wait_for_device() { check_cuda(cudaStreamSynchronize(stream_of_thread()), "running on the device"); }

/// Frees memory of a device. It throws nothing: after a kernel has failed every call fails, and the failure is thrown already.
struct release_device_memory {
  void operator()(void* memory) const noexcept { static_cast<void>(cudaFree(memory)); }
};
/// Memory of a device, and its owner.
using device_memory = std::unique_ptr<void, release_device_memory>;

/// Allocates `bytes` bytes, more than none, aligned to 256 bytes. What they hold is not defined.
/// @throws device_memory_error if there is not enough memory
/// @throws device_error if there is no device, or it failed
inline device_memory allocate_on_device(std::size_t bytes) {
  void* memory = nullptr;
  const cudaError_t answer = cudaMalloc(&memory, bytes);
  if (answer == cudaSuccess) return device_memory{memory};
  const std::string asked = std::to_string(bytes) + " bytes";
  if (answer != cudaErrorMemoryAllocation) throw_device_error(answer, "allocating " + asked);
  static_cast<void>(cudaGetLastError());
  std::size_t left = 0, all = 0;
  const cudaError_t known = cudaMemGetInfo(&left, &all);
  if (known != cudaSuccess) throw_device_error(known, "allocating " + asked);
  throw device_memory_error("out of memory on " + name_of_device() + ": " + asked + " were asked for, " + std::to_string(left) + " of " +
                            std::to_string(all) + " are free; a smaller batch needs less");
}

/// Copies `bytes` bytes, after all that the calling thread has queued. Returns when the copy is done.
/// @throws device_error if the copy, or work before it, failed
inline void copy_and_wait(void* to, const void* from, std::size_t bytes, cudaMemcpyKind direction, const char* while_doing) {
  if (bytes == 0) return;
  check_cuda(cudaMemcpyAsync(to, from, bytes, direction, stream_of_thread()), while_doing);
  check_cuda(cudaStreamSynchronize(stream_of_thread()), while_doing);
}

}  // namespace TYPENET_THRUST_NAMESPACE
}  // namespace typenet::detail
