// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cuda/recorded_passes.h"

#include <algorithm>

namespace quantscope::cuda {

void RecordedPasses::clear() {
  for (const Entry& entry : entries_) {
    if (entry.graph != nullptr) cudaGraphExecDestroy(entry.graph);
  }
  entries_.clear();
}

Result<cudaGraphExec_t> RecordedPasses::record(Device& device, const std::function<Result<void>()>& operations) {
  const cudaError_t begun = cudaStreamBeginCapture(device.stream(), cudaStreamCaptureModeThreadLocal);
  if (begun != cudaSuccess) return tl::unexpected(error_of(begun, "recording"));
  device.set_recording(true);
  const Result<void> queued = operations();
  device.set_recording(false);
  cudaGraph_t graph = nullptr;
  cudaError_t status = cudaStreamEndCapture(device.stream(), &graph);
  cudaGraphExec_t executable = nullptr;
  if (queued && status == cudaSuccess) status = cudaGraphInstantiate(&executable, graph, 0);
  if (graph != nullptr) cudaGraphDestroy(graph);
  if (!queued) return tl::unexpected(queued.error());
  if (status != cudaSuccess) {
    cudaGetLastError();
    return tl::unexpected(error_of(status, "recording"));
  }
  return executable;
}

Result<void> RecordedPasses::run(Device& device, const PassShape& shape,
                                 const std::function<Result<void>()>& operations) {
  // Passes from before memory was freed never come back.
  if (std::ranges::any_of(entries_, [&](const Entry& entry) { return entry.shape.generation != shape.generation; }) ||
      entries_.size() >= largest_count) {
    clear();
  }
  const auto found = std::ranges::find_if(entries_, [&](const Entry& entry) { return entry.shape == shape; });
  if (found == entries_.end()) {
    entries_.push_back({shape, nullptr});
    return operations();
  }
  if (found->graph == nullptr) {
    const auto graph = record(device, operations);
    if (!graph) return tl::unexpected(graph.error());
    found->graph = *graph;
  }
  return device.queued(cudaGraphLaunch(found->graph, device.stream()), "a recorded pass");
}

}  // namespace quantscope::cuda
