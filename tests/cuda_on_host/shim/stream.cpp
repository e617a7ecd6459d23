// SPDX-License-Identifier: GPL-3.0-or-later
#include "stream.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "cuda_runtime.h"

struct CudaHostGraph {
  std::vector<cuda_on_host::Work> work;
};
struct CudaHostGraphExec {
  std::vector<cuda_on_host::Work> work;
};
struct CudaHostStream {
  bool records = false;
};
struct CudaHostEvent {
  bool recorded_into_graph = false;
  std::chrono::steady_clock::time_point time;
};

namespace cuda_on_host {
namespace {
/// The one graph that can be recorded at a time.
struct Recording {
  cudaStream_t origin = nullptr;
  std::vector<cudaStream_t> streams;  // the origin and those that wait for its events
  std::vector<Work> work;
  bool spoiled = false;
};
Recording& current_recording() {
  static Recording the_recording;
  return the_recording;
}

bool records(cudaStream_t stream) { return stream != nullptr && stream->records; }

void join(cudaStream_t stream) {
  stream->records = true;
  current_recording().streams.push_back(stream);
}
}  // namespace

bool recording() { return current_recording().origin != nullptr; }

cudaError_t spoil_recording() {
  current_recording().spoiled = true;
  return cudaErrorStreamCaptureUnsupported;
}

cudaError_t queue(cudaStream_t stream, Work work) {
  if (records(stream)) {
    current_recording().work.push_back(std::move(work));
    return cudaSuccess;
  }
  if (recording() && stream == nullptr) return spoil_recording();  // the default stream would wait for all others
  work();
  return cudaSuccess;
}
}  // namespace cuda_on_host

using cuda_on_host::current_recording;
using cuda_on_host::machine;
using cuda_on_host::recording;
using cuda_on_host::records;
using cuda_on_host::spoil_recording;

namespace {
cudaError_t take_pending() { return recording() ? spoil_recording() : std::exchange(machine().pending, cudaSuccess); }
}  // namespace

cudaError_t cudaStreamCreate(cudaStream_t* stream) {
  *stream = new CudaHostStream;
  return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) { return cudaStreamCreate(stream); }

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  delete stream;
  return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t) { return take_pending(); }

cudaError_t cudaDeviceSynchronize() { return take_pending(); }

cudaError_t cudaStreamQuery(cudaStream_t) { return take_pending(); }

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  if (event->recorded_into_graph && recording() && stream != nullptr && !stream->records) cuda_on_host::join(stream);
  return cudaSuccess;
}

cudaError_t cudaEventCreate(cudaEvent_t* event) {
  *event = new CudaHostEvent;
  return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) { return cudaEventCreate(event); }

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  event->recorded_into_graph = records(stream);
  event->time = std::chrono::steady_clock::now();
  return cudaSuccess;
}

cudaError_t cudaEventSynchronize(cudaEvent_t) { return take_pending(); }

cudaError_t cudaEventQuery(cudaEvent_t) { return cudaSuccess; }

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t begin, cudaEvent_t end) {
  *milliseconds = std::chrono::duration<float, std::milli>(end->time - begin->time).count();
  return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return cudaSuccess;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  if (stream == nullptr || recording()) return cudaErrorStreamCaptureUnsupported;
  current_recording() = {};
  current_recording().origin = stream;
  cuda_on_host::join(stream);
  return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  *graph = nullptr;
  if (!recording() || current_recording().origin != stream) return cudaErrorInvalidValue;
  for (const cudaStream_t joined : current_recording().streams) joined->records = false;
  auto finished = std::exchange(current_recording(), {});
  if (finished.spoiled) return cudaErrorStreamCaptureInvalidated;
  *graph = new CudaHostGraph{std::move(finished.work)};
  return cudaSuccess;
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  *status = !records(stream)              ? cudaStreamCaptureStatusNone
            : current_recording().spoiled ? cudaStreamCaptureStatusInvalidated
                                          : cudaStreamCaptureStatusActive;
  return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long) {
  if (graph == nullptr) return cudaErrorInvalidValue;
  *executable = new CudaHostGraphExec{graph->work};
  return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  return cuda_on_host::queue(stream, [work = executable->work] {
    for (const cuda_on_host::Work& one : work) one();
  });
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  delete executable;
  return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}
