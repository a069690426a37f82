// SPDX-License-Identifier: MIT
// What nvcc's code calls to register kernels and variables, and the functions of the CUDA runtime that launch kernels.
#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "api.hpp"
#include "device_memory.hpp"
#include "fat_binary.hpp"
#include "launches.hpp"
#include "ptx_module.hpp"
#include "report.hpp"
#include "settings.hpp"
#include "statistics.hpp"
#include "streams.hpp"
#include "warp.hpp"

namespace cuda_on_cpu {
namespace {

/// What a handle of the program stands for.
struct registered {
  ptx_module* module;
  std::string name;
  /// The largest dynamic shared memory that cudaFuncSetAttribute allowed; the size that needs no permission otherwise.
  std::size_t most_dynamic_shared = 48 << 10;
};

struct configuration {
  dim3 grid, block;
  std::size_t shared_bytes;
  cudaStream_t stream;
};

struct registry {
  std::vector<std::unique_ptr<ptx_module>> modules;
  std::unordered_map<const void*, registered> kernels, variables;
  /// What <<< >>> has said, until the launch.
  std::vector<configuration> configurations;
};

registry& get_registry() {
  static registry& all = *new registry;
  return all;
}

registered* kernel_of(const void* handle) {
  const auto found = get_registry().kernels.find(handle);
  return found == get_registry().kernels.end() ? nullptr : &found->second;
}

extent extent_of(const dim3& d) { return {d.x, d.y, d.z}; }

cudaError_t launch_kernel(const void* handle, dim3 grid, dim3 block, void** arguments, std::size_t dynamic_shared, cudaStream_t where,
                          bool cooperative) {
  const registered* const found = kernel_of(handle);
  if (found == nullptr) return cudaErrorInvalidDeviceFunction;
  const kernel& k = found->module->decoded(found->name);
  auto l = std::make_shared<launch>();
  l->code = &k;
  l->grid = extent_of(grid);
  l->block = extent_of(block);
  l->dynamic_shared_bytes = dynamic_shared;
  l->cooperative = cooperative;
  const std::uint64_t threads = l->block.count();
  if (l->grid.count() == 0 || threads == 0 || threads > 1024 || block.z > 64 || grid.x > 2147483647u || grid.y > 65535 || grid.z > 65535)
    return cudaErrorInvalidConfiguration;
  if (threads > static_cast<std::uint64_t>(k.most_threads)) return cudaErrorLaunchOutOfResources;
  if (k.shared_bytes + dynamic_shared > found->most_dynamic_shared) return cudaErrorInvalidValue;
  if (cooperative && l->grid.count() > get_settings().processors * static_cast<std::uint64_t>(blocks_of_processor(
                                                                       handle, static_cast<int>(threads), dynamic_shared)))
    return cudaErrorCooperativeLaunchTooLarge;
  l->parameters.resize(k.parameter_bytes);
  for (std::size_t n = 0; n < k.parameters.size(); ++n)
    std::memcpy(l->parameters.data() + k.parameters[n].offset, arguments[n], k.parameters[n].bytes);
  ++get_totals().launches;
  return get_streams().enqueue(get_streams().of(where), [l] { run_grid(*l); });
}

}  // namespace

const variable* variable_of(const void* symbol) {
  const auto found = get_registry().variables.find(symbol);
  return found == get_registry().variables.end() ? nullptr : found->second.module->find(found->second.name);
}

int blocks_of_processor(const void* handle, int threads, std::size_t dynamic_shared) {
  const registered* const found = kernel_of(handle);
  if (found == nullptr || threads < 1) return 0;
  const kernel& k = found->module->decoded(found->name);
  if (threads > k.most_threads) return 0;
  constexpr std::uint64_t most_threads = 2048, most_blocks = 32, shared_bytes = 227 << 10;
  const std::uint64_t by_threads = most_threads / round_up(static_cast<std::uint64_t>(threads), warp_size);
  const std::uint64_t needed = k.shared_bytes + dynamic_shared;
  const std::uint64_t by_shared = needed == 0 ? most_blocks : shared_bytes / needed;
  return static_cast<int>(std::min({by_threads, by_shared, most_blocks}));
}

}  // namespace cuda_on_cpu

using namespace cuda_on_cpu;

extern "C" {

// ---- What nvcc's code calls. The names are nvcc's.

void** __cudaRegisterFatBinary(void* wrapper) {
  const std::lock_guard alone{get_api_state().one_at_a_time};
  static const int at_end = std::atexit(print_statistics);
  static_cast<void>(at_end);
  auto& modules = get_registry().modules;
  modules.push_back(std::make_unique<ptx_module>(ptx_of(wrapper)));
  return reinterpret_cast<void**>(modules.back().get());
}
void __cudaRegisterFatBinaryEnd(void**) {}
void __cudaUnregisterFatBinary(void**) {}
void __cudaRegisterFunction(void** module, const char* handle, char*, const char* name, int, uint3*, uint3*, dim3*, dim3*, int*) {
  const std::lock_guard alone{get_api_state().one_at_a_time};
  get_registry().kernels[handle] = {reinterpret_cast<ptx_module*>(module), name};
}
void __cudaRegisterVar(void** module, char* handle, char*, const char* name, int, size_t, int, int) {
  const std::lock_guard alone{get_api_state().one_at_a_time};
  get_registry().variables[handle] = {reinterpret_cast<ptx_module*>(module), name};
}
unsigned __cudaPushCallConfiguration(dim3 grid, dim3 block, size_t shared_bytes, struct CUstream_st* s) {
  const std::lock_guard alone{get_api_state().one_at_a_time};
  get_registry().configurations.push_back({grid, block, shared_bytes, s});
  return 0;
}
cudaError_t __cudaPopCallConfiguration(dim3* grid, dim3* block, size_t* shared_bytes, void* s) {
  const std::lock_guard alone{get_api_state().one_at_a_time};
  const configuration last = get_registry().configurations.back();
  get_registry().configurations.pop_back();
  *grid = last.grid;
  *block = last.block;
  *shared_bytes = last.shared_bytes;
  *static_cast<cudaStream_t*>(s) = last.stream;
  return cudaSuccess;
}
cudaError_t __cudaGetKernel(cudaKernel_t* result, const void* handle) {
  *result = reinterpret_cast<cudaKernel_t>(const_cast<void*>(handle));
  return cudaSuccess;
}
cudaError_t __cudaLaunchKernel(cudaKernel_t k, dim3 grid, dim3 block, void** arguments, size_t shared_bytes, cudaStream_t s) {
  return api_call([&] { return launch_kernel(k, grid, block, arguments, shared_bytes, s, false); });
}

// ---- The runtime

cudaError_t cudaLaunchKernel(const void* k, dim3 grid, dim3 block, void** arguments, size_t shared_bytes, cudaStream_t s) {
  return api_call([&] { return launch_kernel(k, grid, block, arguments, shared_bytes, s, false); });
}
cudaError_t cudaLaunchCooperativeKernel(const void* k, dim3 grid, dim3 block, void** arguments, size_t shared_bytes, cudaStream_t s) {
  return api_call([&] { return launch_kernel(k, grid, block, arguments, shared_bytes, s, true); });
}
cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t* c, const void* k, void** arguments) {
  return api_call([&] {
    bool cooperative = false;
    for (unsigned n = 0; n < c->numAttrs; ++n) {
      const cudaLaunchAttribute& a = c->attrs[n];
      if (a.id == cudaLaunchAttributeCooperative)
        cooperative = a.val.cooperative != 0;
      else if (a.id == cudaLaunchAttributeClusterDimension && (a.val.clusterDim.x > 1 || a.val.clusterDim.y > 1 || a.val.clusterDim.z > 1))
        stop("a launch of clusters of blocks is not supported");
    }
    return launch_kernel(k, c->gridDim, c->blockDim, arguments, c->dynamicSmemBytes, c->stream, cooperative);
  });
}
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void* handle) {
  return api_call([&] {
    const registered* const found = kernel_of(handle);
    if (found == nullptr) return cudaErrorInvalidDeviceFunction;
    const kernel& k = found->module->decoded(found->name);
    std::memset(attributes, 0, sizeof *attributes);
    attributes->sharedSizeBytes = k.shared_bytes;
    attributes->localSizeBytes = k.local_bytes;
    attributes->maxThreadsPerBlock = k.most_threads;
    attributes->numRegs = 32;
    attributes->ptxVersion = found->module->architecture();
    attributes->binaryVersion = 90;
    attributes->maxDynamicSharedSizeBytes = static_cast<int>(found->most_dynamic_shared);
    return cudaSuccess;
  });
}
cudaError_t cudaFuncSetAttribute(const void* handle, cudaFuncAttribute which, int value) {
  return api_call([&] {
    registered* const found = kernel_of(handle);
    if (found == nullptr) return cudaErrorInvalidDeviceFunction;
    if (which != cudaFuncAttributeMaxDynamicSharedMemorySize) return cudaSuccess;
    if (value < 0 || value > 227 << 10) return cudaErrorInvalidValue;
    found->most_dynamic_shared = static_cast<std::size_t>(value);
    return cudaSuccess;
  });
}
cudaError_t cudaFuncSetCacheConfig(const void*, cudaFuncCache) { return cudaSuccess; }
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, const void* handle, int threads, size_t shared_bytes) {
  return api_call([&] {
    if (kernel_of(handle) == nullptr) return cudaErrorInvalidDeviceFunction;
    *blocks = blocks_of_processor(handle, threads, shared_bytes);
    return cudaSuccess;
  });
}
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* blocks, const void* handle, int threads, size_t shared_bytes,
                                                                   unsigned int) {
  return cudaOccupancyMaxActiveBlocksPerMultiprocessor(blocks, handle, threads, shared_bytes);
}

}  // extern "C"
