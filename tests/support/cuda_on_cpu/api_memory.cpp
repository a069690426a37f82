// SPDX-License-Identifier: MIT
// The functions of the CUDA runtime that allocate, copy and fill memory.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "api.hpp"
#include "device_memory.hpp"
#include "launches.hpp"
#include "report.hpp"
#include "statistics.hpp"
#include "streams.hpp"

namespace cuda_on_cpu {
namespace {

std::uint64_t address_of(const void* p) { return reinterpret_cast<std::uint64_t>(p); }

cudaError_t allocate(void** result, std::size_t bytes) {
  if (allocation_fails()) return cudaErrorMemoryAllocation;
  if (bytes == 0) {
    *result = nullptr;
    return cudaSuccess;
  }
  const std::uint64_t address = get_device_memory().allocate(bytes);
  if (address == 0) return cudaErrorMemoryAllocation;
  *result = reinterpret_cast<void*>(address);
  return cudaSuccess;
}

/// Memory of the host that the device reaches at the same address. It starts as NaN, like device memory.
cudaError_t allocate_host(void** result, std::size_t bytes) {
  if (allocation_fails()) return cudaErrorMemoryAllocation;
  *result = std::malloc(std::max<std::size_t>(bytes, 1));
  if (*result == nullptr) return cudaErrorMemoryAllocation;
  std::memset(*result, 0xFF, bytes);
  get_device_memory().add_host(*result, bytes);
  return cudaSuccess;
}

/// Where a copy reads or writes.
enum class side { device, pinned, pageable };

side side_of(const void* p) {
  if (const allocation* const found = get_device_memory().holding(address_of(p))) return found->is_host ? side::pinned : side::device;
  // Addresses of the device that hold nothing are no memory of the host.
  return get_device_memory().is_device_address(address_of(p)) ? side::device : side::pageable;
}

/// The bytes that a copy reads or writes, when it runs. Ends the program where there are none.
std::byte* bytes_at(const void* p, std::size_t bytes, side where, const char* what) {
  if (where == side::pageable) return static_cast<std::byte*>(const_cast<void*>(p));
  std::byte* const found = get_device_memory().at(address_of(p), bytes);
  if (found == nullptr)
    stop(std::string{what} + " of " + std::to_string(bytes) + " bytes at " + hexadecimal(address_of(p)) + ", " +
         get_device_memory().describe(address_of(p)));
  return found;
}

const char* name_of(cudaMemcpyKind kind) {
  switch (kind) {
    case cudaMemcpyHostToHost: return "cudaMemcpyHostToHost";
    case cudaMemcpyHostToDevice: return "cudaMemcpyHostToDevice";
    case cudaMemcpyDeviceToHost: return "cudaMemcpyDeviceToHost";
    case cudaMemcpyDeviceToDevice: return "cudaMemcpyDeviceToDevice";
    default: return "cudaMemcpyDefault";
  }
}

/// Queues a copy. It runs before the call returns only where CUDA says so.
/// @param waits whether the caller asks for a synchronous copy
cudaError_t copy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, stream* s, bool waits) {
  if (bytes == 0) return cudaSuccess;
  const side target = side_of(to), source = side_of(from);
  const auto is = [](side found, bool wants_device) { return found == side::pinned || (found == side::device) == wants_device; };
  if (kind != cudaMemcpyDefault && !(is(target, kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice) &&
                                     is(source, kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice)))
    stop("a copy of " + std::to_string(bytes) + " bytes from " + hexadecimal(address_of(from)) + " to " + hexadecimal(address_of(to)) +
         " is said to be " + name_of(kind) + ", but one of them lies elsewhere");
  totals& t = get_totals();
  if (target == side::device && source == side::device) {
    ++t.copies_on_device;
  } else if (target == side::device) {
    ++t.copies_to_device;
    t.bytes_to_device += bytes;
  } else {
    ++t.copies_to_host;
    t.bytes_to_host += bytes;
  }
  if (waits && target != side::device)
    if (const cudaError_t injected = count_synchronization(); injected != cudaSuccess) return injected;
  bytes_at(to, bytes, target, "a copy to the device");
  bytes_at(from, bytes, source, "a copy from the device");
  const auto run = [=] {
    std::memmove(bytes_at(to, bytes, target, "a copy to the device"), bytes_at(from, bytes, source, "a copy from the device"), bytes);
  };
  if (source == side::pageable && target == side::device && s->records == nullptr) {
    // The runtime takes the bytes at once, and writes them later.
    if (waits)
      if (const cudaError_t answer = get_streams().synchronize(s); answer != cudaSuccess) return answer;
    const auto first = static_cast<const std::byte*>(from);
    auto taken = std::make_shared<std::vector<std::byte>>(first, first + bytes);
    return get_streams().enqueue(s, [=] { std::memcpy(bytes_at(to, bytes, target, "a copy to the device"), taken->data(), bytes); });
  }
  const cudaError_t answer = get_streams().enqueue(s, run);
  if (answer != cudaSuccess || s->records != nullptr) return answer;
  const bool on_device = target == side::device && source == side::device;
  if ((waits && !on_device) || target == side::pageable) return get_streams().synchronize(s);
  return cudaSuccess;
}

cudaError_t fill(void* to, int value, std::size_t bytes, stream* s) {
  if (bytes == 0) return cudaSuccess;
  const side target = side_of(to);
  if (target == side::pageable) return cudaErrorInvalidValue;
  bytes_at(to, bytes, target, "a fill");
  return get_streams().enqueue(s, [=] { std::memset(bytes_at(to, bytes, target, "a fill"), value, bytes); });
}

cudaError_t refused() { return get_streams().refuse_during_recording(); }

}  // namespace
}  // namespace cuda_on_cpu

using namespace cuda_on_cpu;

extern "C" {

cudaError_t cudaMalloc(void** result, size_t bytes) {
  return api_call([&] {
    if (const cudaError_t answer = refused(); answer != cudaSuccess) return answer;
    return allocate(result, bytes);
  });
}
cudaError_t cudaMallocAsync(void** result, size_t bytes, cudaStream_t s) {
  return api_call([&] {
    if (get_streams().of(s)->records != nullptr) stop("cudaMallocAsync in a stream that is recorded is not supported");
    return allocate(result, bytes);
  });
}
cudaError_t cudaFree(void* p) {
  if (p == nullptr) return api_call([] { return cudaSuccess; });
  return api_call([&] {
    if (const cudaError_t answer = refused(); answer != cudaSuccess) return answer;
    // It waits for the device, as its callers rely on.
    get_streams().synchronize_all();
    return get_device_memory().free(address_of(p)) ? cudaSuccess : cudaErrorInvalidValue;
  });
}
cudaError_t cudaFreeAsync(void* p, cudaStream_t s) {
  return api_call([&] {
    if (p == nullptr) return cudaSuccess;
    if (side_of(p) != side::device) return cudaErrorInvalidValue;
    return get_streams().enqueue(get_streams().of(s), [p] {
      if (!get_device_memory().free(address_of(p))) stop("cudaFreeAsync of " + hexadecimal(address_of(p)) + ", where no allocation starts");
    });
  });
}
cudaError_t cudaMallocHost(void** result, size_t bytes) {
  return api_call([&] {
    if (const cudaError_t answer = refused(); answer != cudaSuccess) return answer;
    return allocate_host(result, bytes);
  });
}
cudaError_t cudaHostAlloc(void** result, size_t bytes, unsigned int) { return cudaMallocHost(result, bytes); }
cudaError_t cudaMallocManaged(void** result, size_t bytes, unsigned int) { return cudaMallocHost(result, bytes); }
cudaError_t cudaFreeHost(void* p) {
  return api_call([&] {
    if (p == nullptr) return cudaSuccess;
    if (const cudaError_t answer = refused(); answer != cudaSuccess) return answer;
    get_streams().synchronize_all();
    if (!get_device_memory().remove_host(p)) return cudaErrorInvalidValue;
    std::free(p);
    return cudaSuccess;
  });
}
cudaError_t cudaHostRegister(void* p, size_t bytes, unsigned int) {
  return api_call([&] {
    get_device_memory().add_host(p, bytes);
    return cudaSuccess;
  });
}
cudaError_t cudaHostUnregister(void* p) {
  return api_call([&] {
    get_streams().synchronize_all();
    return get_device_memory().remove_host(p) ? cudaSuccess : cudaErrorInvalidValue;
  });
}
cudaError_t cudaHostGetDevicePointer(void** result, void* p, unsigned int) {
  return api_call([&] {
    if (side_of(p) != side::pinned) return cudaErrorInvalidValue;
    *result = p;
    return cudaSuccess;
  });
}
cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* p) {
  return api_call([&] {
    *attributes = {};
    const side where = side_of(p);
    attributes->type = where == side::device   ? cudaMemoryTypeDevice
                       : where == side::pinned ? cudaMemoryTypeHost
                                               : cudaMemoryTypeUnregistered;
    attributes->devicePointer = where == side::pageable ? nullptr : const_cast<void*>(p);
    attributes->hostPointer = where == side::pinned ? const_cast<void*>(p) : nullptr;
    return cudaSuccess;
  });
}

cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
  return api_call([&] { return copy(to, from, bytes, kind, get_streams().of(nullptr), true); });
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, cudaStream_t s) {
  return api_call([&] { return copy(to, from, bytes, kind, get_streams().of(s), false); });
}
cudaError_t cudaMemset(void* to, int value, size_t bytes) {
  return api_call([&] { return fill(to, value, bytes, get_streams().of(nullptr)); });
}
cudaError_t cudaMemsetAsync(void* to, int value, size_t bytes, cudaStream_t s) {
  return api_call([&] { return fill(to, value, bytes, get_streams().of(s)); });
}

cudaError_t cudaGetSymbolAddress(void** result, const void* symbol) {
  return api_call([&] {
    const variable* const v = variable_of(symbol);
    if (v == nullptr) return cudaErrorInvalidSymbol;
    *result = reinterpret_cast<void*>(v->address);
    return cudaSuccess;
  });
}
cudaError_t cudaGetSymbolSize(size_t* bytes, const void* symbol) {
  return api_call([&] {
    const variable* const v = variable_of(symbol);
    if (v == nullptr) return cudaErrorInvalidSymbol;
    *bytes = v->bytes;
    return cudaSuccess;
  });
}
cudaError_t cudaMemcpyToSymbolAsync(const void* symbol, const void* from, size_t bytes, size_t offset, cudaMemcpyKind kind,
                                    cudaStream_t s) {
  void* to = nullptr;
  const cudaError_t answer = cudaGetSymbolAddress(&to, symbol);
  return answer != cudaSuccess ? answer : cudaMemcpyAsync(static_cast<char*>(to) + offset, from, bytes, kind, s);
}
cudaError_t cudaMemcpyFromSymbolAsync(void* to, const void* symbol, size_t bytes, size_t offset, cudaMemcpyKind kind, cudaStream_t s) {
  void* from = nullptr;
  const cudaError_t answer = cudaGetSymbolAddress(&from, symbol);
  return answer != cudaSuccess ? answer : cudaMemcpyAsync(to, static_cast<char*>(from) + offset, bytes, kind, s);
}
cudaError_t cudaMemcpyToSymbol(const void* symbol, const void* from, size_t bytes, size_t offset, cudaMemcpyKind kind) {
  void* to = nullptr;
  const cudaError_t answer = cudaGetSymbolAddress(&to, symbol);
  return answer != cudaSuccess ? answer : cudaMemcpy(static_cast<char*>(to) + offset, from, bytes, kind);
}
cudaError_t cudaMemcpyFromSymbol(void* to, const void* symbol, size_t bytes, size_t offset, cudaMemcpyKind kind) {
  void* from = nullptr;
  const cudaError_t answer = cudaGetSymbolAddress(&from, symbol);
  return answer != cudaSuccess ? answer : cudaMemcpy(to, static_cast<char*>(from) + offset, bytes, kind);
}

// Pools: there is one, and it keeps nothing.

cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t* pool, int) {
  static int the_one = 0;
  *pool = reinterpret_cast<cudaMemPool_t>(&the_one);
  return cudaSuccess;
}
cudaError_t cudaDeviceGetMemPool(cudaMemPool_t* pool, int device) { return cudaDeviceGetDefaultMemPool(pool, device); }
cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t, cudaMemPoolAttr, void*) { return cudaSuccess; }
cudaError_t cudaMemPoolTrimTo(cudaMemPool_t, size_t) { return cudaSuccess; }
cudaError_t cudaMallocFromPoolAsync(void** result, size_t bytes, cudaMemPool_t, cudaStream_t s) {
  return cudaMallocAsync(result, bytes, s);
}

}  // extern "C"
