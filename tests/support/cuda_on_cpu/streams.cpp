// SPDX-License-Identifier: MIT
#include "streams.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "report.hpp"
#include "settings.hpp"

namespace cuda_on_cpu {

void run_task(const task_pointer& what) {
  // A list in place of recursion: a stream may hold many thousands of tasks.
  std::vector<task_pointer> open;
  if (what != nullptr) open.push_back(what);
  while (!open.empty()) {
    const task_pointer present = open.back();
    if (!present->done) {
      const auto waits_for = std::find_if(present->after.begin(), present->after.end(), [](const auto& t) { return !t->done; });
      if (waits_for != present->after.end()) {
        open.push_back(*waits_for);
        continue;
      }
      present->done = true;
      present->after.clear();
      if (const auto work = std::exchange(present->work, nullptr)) work();
    }
    open.pop_back();
  }
}

stream* stream_set::create(bool is_blocking) {
  auto* const s = new stream;
  s->is_blocking = is_blocking;
  all_.insert(s);
  return s;
}

void stream_set::destroy(stream* s) {
  run_task(s->last);
  if (s->records != nullptr) end(s->records);
  all_.erase(s);
  delete s;
}

stream* stream_set::of(cudaStream_t handle) {
  if (handle == nullptr || handle == cudaStreamLegacy) return &legacy_;
  if (handle == cudaStreamPerThread) return &per_thread_;
  auto* const s = reinterpret_cast<stream*>(handle);
  if (all_.count(s) == 0) stop("a call names a stream that does not exist, or no longer");
  return s;
}

std::vector<task_pointer> stream_set::predecessors(stream* s) const {
  std::vector<task_pointer> before;
  const auto add = [&](const task_pointer& t) {
    if (t != nullptr && !t->done) before.push_back(t);
  };
  add(s->last);
  if (is_legacy(s)) {
    for (const stream* other : all_)
      if (other->is_blocking) add(other->last);
  } else if (s->is_blocking) {
    add(legacy_.last);
  }
  return before;
}

cudaError_t stream_set::refuse_legacy() {
  cudaError_t answer = cudaSuccess;
  for (const stream* s : all_)
    if (s->is_blocking && s->records != nullptr) {
      s->records->is_invalid = true;
      answer = cudaErrorStreamCaptureImplicit;
    }
  return answer;
}

cudaError_t stream_set::enqueue(stream* s, std::function<void()> work) {
  if (is_legacy(s))
    if (const cudaError_t refused = refuse_legacy(); refused != cudaSuccess) return refused;
  if (s->records != nullptr) {
    if (s->records->is_invalid) return cudaErrorStreamCaptureInvalidated;
    std::vector<graph_node>& nodes = s->records->what.nodes;
    nodes.push_back({std::move(work), s->leaves});
    s->leaves = {nodes.size() - 1};
    return cudaSuccess;
  }
  auto t = std::make_shared<task>();
  t->work = std::move(work);
  t->after = predecessors(s);
  s->last = t;
  if (get_settings().eager) run_task(t);
  return cudaSuccess;
}

cudaError_t stream_set::synchronize(stream* s) {
  if (s->records != nullptr) {
    s->records->is_invalid = true;
    return cudaErrorStreamCaptureUnsupported;
  }
  if (is_legacy(s))
    if (const cudaError_t refused = refuse_legacy(); refused != cudaSuccess) return refused;
  for (const task_pointer& t : predecessors(s)) run_task(t);
  return cudaSuccess;
}

void stream_set::synchronize_all() {
  run_task(legacy_.last);
  for (const stream* s : all_) run_task(s->last);
}

bool stream_set::poll(stream* s) {
  if (s->last == nullptr || s->last->done) return true;
  task_pointer oldest = s->last;
  while (true) {
    const auto before = std::find_if(oldest->after.begin(), oldest->after.end(), [](const auto& t) { return !t->done; });
    if (before == oldest->after.end()) break;
    oldest = *before;
  }
  run_task(oldest);
  return false;
}

cudaError_t stream_set::record(event& e, stream* s) {
  e = {};
  if (s->records != nullptr) {
    e.records = s->records;
    e.leaves = s->leaves;
    e.is_recorded = true;
    return cudaSuccess;
  }
  e.time = std::make_shared<double>(0);
  const cudaError_t answer =
      enqueue(s, [time = e.time] { *time = std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); });
  if (answer != cudaSuccess) return answer;
  e.when = s->last;
  e.is_recorded = true;
  return cudaSuccess;
}

cudaError_t stream_set::wait(stream* s, const event& e) {
  if (!e.is_recorded) return cudaSuccess;
  if (e.records != nullptr) {
    if (recordings_.count(e.records) == 0 || e.records->is_invalid) return cudaErrorStreamCaptureInvalidated;
    if (is_legacy(s)) return cudaErrorStreamCaptureImplicit;
    if (s->records != nullptr && s->records != e.records) {
      s->records->is_invalid = e.records->is_invalid = true;
      return cudaErrorStreamCaptureMerge;
    }
    // A stream that waits for a recorded event takes part in the recording.
    if (s->records == nullptr) {
      s->records = e.records;
      s->leaves.clear();
      e.records->members.insert(s);
    }
    for (const std::size_t node : e.leaves)
      if (std::find(s->leaves.begin(), s->leaves.end(), node) == s->leaves.end()) s->leaves.push_back(node);
    return cudaSuccess;
  }
  if (s->records != nullptr) {
    s->records->is_invalid = true;
    return cudaErrorStreamCaptureIsolation;
  }
  auto joint = std::make_shared<task>();
  joint->after = predecessors(s);
  if (e.when != nullptr && !e.when->done) joint->after.push_back(e.when);
  s->last = joint;
  return cudaSuccess;
}

cudaError_t stream_set::begin_recording(stream* s, cudaStreamCaptureMode mode) {
  if (is_legacy(s)) return cudaErrorStreamCaptureUnsupported;
  if (s->records != nullptr) return cudaErrorIllegalState;
  auto* const r = new recording;
  r->origin = s;
  r->mode = mode;
  r->thread = std::this_thread::get_id();
  r->members.insert(s);
  recordings_.insert(r);
  s->records = r;
  s->leaves.clear();
  return cudaSuccess;
}

void stream_set::end(recording* r) {
  for (stream* const s : r->members) {
    s->records = nullptr;
    s->leaves.clear();
  }
  recordings_.erase(r);
  delete r;
}

cudaError_t stream_set::end_recording(stream* s, graph*& result) {
  result = nullptr;
  recording* const r = s->records;
  if (r == nullptr) return cudaErrorIllegalState;
  if (r->origin != s) {
    r->is_invalid = true;
    return cudaErrorStreamCaptureUnmatched;
  }
  // The nodes that the origin waits for. All others must be among them.
  std::vector<bool> joined(r->what.nodes.size(), false);
  for (const std::size_t leaf : s->leaves) joined[leaf] = true;
  for (std::size_t n = joined.size(); n-- > 0;)
    if (joined[n])
      for (const std::size_t before : r->what.nodes[n].after) joined[before] = true;
  cudaError_t answer = cudaSuccess;
  if (r->is_invalid)
    answer = cudaErrorStreamCaptureInvalidated;
  else if (std::find(joined.begin(), joined.end(), false) != joined.end())
    answer = cudaErrorStreamCaptureUnjoined;
  else
    result = new graph{std::move(r->what)};
  end(r);
  return answer;
}

cudaError_t stream_set::refuse_during_recording() {
  cudaError_t answer = cudaSuccess;
  for (recording* const r : recordings_)
    if (r->mode == cudaStreamCaptureModeGlobal ||
        (r->mode == cudaStreamCaptureModeThreadLocal && r->thread == std::this_thread::get_id())) {
      r->is_invalid = true;
      answer = cudaErrorStreamCaptureUnsupported;
    }
  return answer;
}

stream_set& get_streams() {
  // Lives until the process ends: the program's own destructors use it.
  static stream_set& streams = *new stream_set;
  return streams;
}

}  // namespace cuda_on_cpu
