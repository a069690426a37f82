// SPDX-License-Identifier: MIT
/// @file
/// Streams, events, recordings and graphs. Work runs as late as CUDA allows: when a synchronization needs it, and no work beside it.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <set>
#include <thread>
#include <vector>

namespace cuda_on_cpu {

/// Work in a stream.
struct task {
  std::function<void()> work;
  /// What must have run before.
  std::vector<std::shared_ptr<task>> after;
  bool done = false;
};
using task_pointer = std::shared_ptr<task>;

/// Runs a task, after what it waits for. Null stands for a task that has run.
void run_task(const task_pointer& what);

struct graph_node {
  std::function<void()> work;
  /// Numbers of the nodes that must have run before.
  std::vector<std::size_t> after;
};

/// Nodes in an order in which they may run.
struct graph {
  std::vector<graph_node> nodes;
};

struct stream;

/// A graph that streams are recording.
struct recording {
  stream* origin = nullptr;
  /// Whose calls it restricts: every thread's, those of `thread`, or none.
  cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal;
  std::thread::id thread;
  bool is_invalid = false;
  graph what;
  std::set<stream*> members;
};

struct stream {
  /// Whether it waits for the legacy stream, and the legacy stream for it.
  bool is_blocking = true;
  /// The task that was queued last; null for none.
  task_pointer last;
  recording* records = nullptr;
  /// The nodes that the next recorded node follows.
  std::vector<std::size_t> leaves;
};

struct event {
  /// The task that it marks; null where that has run.
  task_pointer when;
  bool is_recorded = false;
  /// Seconds on the host's clock when it was passed.
  std::shared_ptr<double> time;
  /// Where it was recorded in a recording: that, and the nodes before it.
  recording* records = nullptr;
  std::vector<std::size_t> leaves;
};

/// All streams of the device.
class stream_set {
 public:
  stream* create(bool is_blocking);
  /// Runs what is queued, and forgets the stream.
  void destroy(stream* s);
  /// The stream of a handle; ends the program where there is none.
  stream* of(cudaStream_t handle);

  /// Queues work, or records it.
  cudaError_t enqueue(stream* s, std::function<void()> work);
  /// Runs all that is queued in a stream.
  cudaError_t synchronize(stream* s);
  /// Runs all that is queued.
  void synchronize_all();
  /// Whether all that was queued in a stream has run. Runs one task of those that have not.
  bool poll(stream* s);

  /// Marks the end of what is queued.
  cudaError_t record(event& e, stream* s);
  /// Lets what follows in a stream wait for an event.
  cudaError_t wait(stream* s, const event& e);

  cudaError_t begin_recording(stream* s, cudaStreamCaptureMode mode);
  /// Ends a recording. The graph is the caller's.
  cudaError_t end_recording(stream* s, graph*& result);

  /// What a call answers that a recording may forbid to the calling thread: an error, and the recording becomes invalid, or success.
  cudaError_t refuse_during_recording();

 private:
  [[nodiscard]] bool is_legacy(const stream* s) const { return s == &legacy_; }
  void end(recording* r);
  /// What a task that is queued now waits for.
  std::vector<task_pointer> predecessors(stream* s) const;
  /// What an operation in the legacy stream answers: an error while a blocking stream records, or success.
  cudaError_t refuse_legacy();

  stream legacy_;
  stream per_thread_;
  std::set<stream*> all_{&per_thread_};
  std::set<recording*> recordings_;
};

stream_set& get_streams();

}  // namespace cuda_on_cpu
