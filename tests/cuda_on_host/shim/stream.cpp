// SPDX-License-Identifier: GPL-3.0-or-later
#include "stream.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <memory>
#include <utility>

#include "cuda_runtime.h"

namespace cuda_on_host {
/// What a stream has yet to do.
class Backlog {
 public:
  void add(Work work) { works_.push_back(std::move(work)); }
  /// Number of works added so far.
  std::size_t end() const { return done_ + works_.size(); }
  /// Does what comes before `position`. Works may wait for other backlogs.
  void advance(std::size_t position) {
    while (done_ < position && !works_.empty()) {
      const Work work = std::move(works_.front());
      works_.pop_front();
      ++done_;
      work();
    }
  }

 private:
  std::deque<Work> works_;
  std::size_t done_ = 0;
};
}  // namespace cuda_on_host

struct CudaHostGraph {
  std::vector<cuda_on_host::Work> work;
};
struct CudaHostGraphExec {
  std::vector<cuda_on_host::Work> work;
};
struct CudaHostStream {
  bool records = false;
  std::shared_ptr<cuda_on_host::Backlog> backlog;
};
struct CudaHostEvent {
  bool recorded_into_graph = false;
  std::shared_ptr<cuda_on_host::Backlog> backlog;  // null before it is recorded
  std::size_t position = 0;                        // works of the backlog that come before it
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

/// Backlogs of the streams that exist.
std::vector<std::shared_ptr<Backlog>>& backlogs() {
  static std::vector<std::shared_ptr<Backlog>> all;
  return all;
}

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
  if (stream != nullptr) {
    stream->backlog->add(std::move(work));
    return cudaSuccess;
  }
  if (recording()) return spoil_recording();
  finish_all();
  work();
  return cudaSuccess;
}

void finish_all() {
  for (const auto& backlog : backlogs()) backlog->advance(backlog->end());
}
}  // namespace cuda_on_host

using cuda_on_host::current_recording;
using cuda_on_host::machine;
using cuda_on_host::recording;
using cuda_on_host::records;
using cuda_on_host::spoil_recording;

namespace {
cudaError_t take_pending() { return std::exchange(machine().pending, cudaSuccess); }
}  // namespace

cudaError_t cudaStreamCreate(cudaStream_t* stream) {
  *stream = new CudaHostStream{false, std::make_shared<cuda_on_host::Backlog>()};
  cuda_on_host::backlogs().push_back((*stream)->backlog);
  return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) { return cudaStreamCreate(stream); }

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  stream->backlog->advance(stream->backlog->end());
  std::erase(cuda_on_host::backlogs(), stream->backlog);
  delete stream;
  return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  if (recording()) return spoil_recording();
  if (stream == nullptr) return cudaDeviceSynchronize();
  stream->backlog->advance(stream->backlog->end());
  return take_pending();
}

cudaError_t cudaDeviceSynchronize() {
  if (recording()) return spoil_recording();
  cuda_on_host::finish_all();
  return take_pending();
}

/// Never answers that it is not ready, as somebody who asks again and again would wait for ever.
cudaError_t cudaStreamQuery(cudaStream_t stream) { return cudaStreamSynchronize(stream); }

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  if (event->recorded_into_graph && recording()) {
    if (stream != nullptr && !stream->records) cuda_on_host::join(stream);
    return cudaSuccess;
  }
  if (event->backlog == nullptr) return cudaSuccess;
  return cuda_on_host::queue(stream,
                             [backlog = event->backlog, position = event->position] { backlog->advance(position); });
}

cudaError_t cudaEventCreate(cudaEvent_t* event) {
  *event = new CudaHostEvent;
  return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) { return cudaEventCreate(event); }

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  event->recorded_into_graph = records(stream);
  if (event->recorded_into_graph) return cudaSuccess;
  if (stream == nullptr) cuda_on_host::finish_all();
  event->backlog = stream == nullptr ? nullptr : stream->backlog;
  event->position = stream == nullptr ? 0 : stream->backlog->end();
  event->time = std::chrono::steady_clock::now();
  return cudaSuccess;
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  if (recording()) return spoil_recording();
  if (event->backlog != nullptr) event->backlog->advance(event->position);
  return take_pending();
}

cudaError_t cudaEventQuery(cudaEvent_t event) { return cudaEventSynchronize(event); }

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
