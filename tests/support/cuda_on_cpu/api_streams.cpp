// SPDX-License-Identifier: MIT
// The functions of the CUDA runtime for streams, events and graphs.
#include <memory>
#include <utility>

#include "api.hpp"
#include "report.hpp"
#include "statistics.hpp"
#include "streams.hpp"

namespace cuda_on_cpu {
namespace {

event& event_of(cudaEvent_t handle) {
  if (handle == nullptr) stop("a call names a null event");
  return *reinterpret_cast<event*>(handle);
}
graph* graph_of(cudaGraph_t handle) { return reinterpret_cast<graph*>(handle); }

/// A graph that can be launched. Launches that are queued share it.
struct executable {
  std::shared_ptr<const graph> what;
};
executable* executable_of(cudaGraphExec_t handle) { return reinterpret_cast<executable*>(handle); }

}  // namespace
}  // namespace cuda_on_cpu

using namespace cuda_on_cpu;

extern "C" {

// ---- Streams

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* result, unsigned int flags) {
  return api_call([&] {
    *result = reinterpret_cast<cudaStream_t>(get_streams().create((flags & cudaStreamNonBlocking) == 0));
    return cudaSuccess;
  });
}
cudaError_t cudaStreamCreate(cudaStream_t* result) { return cudaStreamCreateWithFlags(result, cudaStreamDefault); }
cudaError_t cudaStreamCreateWithPriority(cudaStream_t* result, unsigned int flags, int) { return cudaStreamCreateWithFlags(result, flags); }
cudaError_t cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
  *least = *greatest = 0;
  return cudaSuccess;
}
cudaError_t cudaStreamGetPriority(cudaStream_t, int* priority) {
  *priority = 0;
  return cudaSuccess;
}
cudaError_t cudaStreamGetFlags(cudaStream_t s, unsigned int* flags) {
  return api_call([&] {
    *flags = get_streams().of(s)->is_blocking ? cudaStreamDefault : cudaStreamNonBlocking;
    return cudaSuccess;
  });
}
cudaError_t cudaStreamDestroy(cudaStream_t s) {
  return api_call([&] {
    get_streams().destroy(get_streams().of(s));
    return cudaSuccess;
  });
}
cudaError_t cudaStreamSynchronize(cudaStream_t s) {
  return api_call([&] {
    if (const cudaError_t injected = count_synchronization(); injected != cudaSuccess) return injected;
    return get_streams().synchronize(get_streams().of(s));
  });
}
cudaError_t cudaStreamQuery(cudaStream_t s) {
  const std::lock_guard alone{get_api_state().one_at_a_time};
  if (get_api_state().sticky != cudaSuccess) return get_api_state().sticky;
  stream* const found = get_streams().of(s);
  if (found->records != nullptr) return last_error() = get_streams().synchronize(found);
  return get_streams().poll(found) ? cudaSuccess : cudaErrorNotReady;
}
cudaError_t cudaStreamWaitEvent(cudaStream_t s, cudaEvent_t e, unsigned int) {
  return api_call([&] { return get_streams().wait(get_streams().of(s), event_of(e)); });
}
cudaError_t cudaLaunchHostFunc(cudaStream_t s, cudaHostFn_t f, void* data) {
  return api_call([&] { return get_streams().enqueue(get_streams().of(s), [=] { f(data); }); });
}

// ---- Events

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* result, unsigned int) {
  return api_call([&] {
    *result = reinterpret_cast<cudaEvent_t>(new event);
    return cudaSuccess;
  });
}
cudaError_t cudaEventCreate(cudaEvent_t* result) { return cudaEventCreateWithFlags(result, cudaEventDefault); }
cudaError_t cudaEventDestroy(cudaEvent_t e) {
  return api_call([&] {
    delete &event_of(e);
    return cudaSuccess;
  });
}
cudaError_t cudaEventRecordWithFlags(cudaEvent_t e, cudaStream_t s, unsigned int) {
  return api_call([&] { return get_streams().record(event_of(e), get_streams().of(s)); });
}
cudaError_t cudaEventRecord(cudaEvent_t e, cudaStream_t s) { return cudaEventRecordWithFlags(e, s, 0); }
cudaError_t cudaEventSynchronize(cudaEvent_t e) {
  return api_call([&] {
    if (event_of(e).records != nullptr) return cudaErrorCapturedEvent;
    if (const cudaError_t injected = count_synchronization(); injected != cudaSuccess) return injected;
    run_task(event_of(e).when);
    return cudaSuccess;
  });
}
cudaError_t cudaEventQuery(cudaEvent_t e) {
  const std::lock_guard alone{get_api_state().one_at_a_time};
  if (get_api_state().sticky != cudaSuccess) return get_api_state().sticky;
  if (event_of(e).records != nullptr) return last_error() = cudaErrorCapturedEvent;
  if (event_of(e).when == nullptr || event_of(e).when->done) return cudaSuccess;
  // Whoever asks again finds it passed.
  run_task(event_of(e).when);
  return cudaErrorNotReady;
}
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t from, cudaEvent_t to) {
  return api_call([&] {
    const event &first = event_of(from), &last = event_of(to);
    if (first.time == nullptr || last.time == nullptr) return cudaErrorInvalidResourceHandle;
    if ((first.when != nullptr && !first.when->done) || (last.when != nullptr && !last.when->done)) return cudaErrorNotReady;
    *milliseconds = static_cast<float>((*last.time - *first.time) * 1000);
    return cudaSuccess;
  });
}

// ---- Recordings and graphs

cudaError_t cudaStreamBeginCapture(cudaStream_t s, cudaStreamCaptureMode mode) {
  return api_call([&] { return get_streams().begin_recording(get_streams().of(s), mode); });
}
cudaError_t cudaStreamEndCapture(cudaStream_t s, cudaGraph_t* result) {
  return api_call([&] {
    graph* recorded = nullptr;
    const cudaError_t answer = get_streams().end_recording(get_streams().of(s), recorded);
    *result = reinterpret_cast<cudaGraph_t>(recorded);
    return answer;
  });
}
cudaError_t cudaStreamIsCapturing(cudaStream_t s, cudaStreamCaptureStatus* status) {
  return api_call([&] {
    const recording* const r = get_streams().of(s)->records;
    *status = r == nullptr    ? cudaStreamCaptureStatusNone
              : r->is_invalid ? cudaStreamCaptureStatusInvalidated
                              : cudaStreamCaptureStatusActive;
    return cudaSuccess;
  });
}
cudaError_t cudaThreadExchangeStreamCaptureMode(cudaStreamCaptureMode* mode) {
  thread_local cudaStreamCaptureMode present = cudaStreamCaptureModeGlobal;
  std::swap(present, *mode);
  return cudaSuccess;
}
cudaError_t cudaGraphGetNodes(cudaGraph_t g, cudaGraphNode_t* nodes, size_t* count) {
  return api_call([&] {
    if (nodes != nullptr) stop("cudaGraphGetNodes is supported for the number of nodes only");
    *count = graph_of(g)->nodes.size();
    return cudaSuccess;
  });
}
cudaError_t cudaGraphDestroy(cudaGraph_t g) {
  return api_call([&] {
    delete graph_of(g);
    return cudaSuccess;
  });
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* result, cudaGraph_t g, unsigned long long) {
  return api_call([&] {
    if (g == nullptr) return cudaErrorInvalidValue;
    *result = reinterpret_cast<cudaGraphExec_t>(new executable{std::make_shared<graph>(*graph_of(g))});
    return cudaSuccess;
  });
}
cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t* result, cudaGraph_t g, unsigned long long flags) {
  return cudaGraphInstantiate(result, g, flags);
}
cudaError_t cudaGraphUpload(cudaGraphExec_t, cudaStream_t) {
  return api_call([] { return cudaSuccess; });
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t e, cudaStream_t s) {
  return api_call([&] {
    ++get_totals().graph_launches;
    return get_streams().enqueue(get_streams().of(s), [what = executable_of(e)->what] {
      for (const graph_node& node : what->nodes) node.work();
    });
  });
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t e) {
  return api_call([&] {
    delete executable_of(e);
    return cudaSuccess;
  });
}

}  // extern "C"
