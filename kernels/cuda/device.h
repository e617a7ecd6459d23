// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "kernels/backend.h"
#include "kernels/cuda/gpu_shape.h"
#include "kernels/cuda/management_library.h"
#include "kernels/cuda/memory_pool.h"

namespace quantscope::cuda {

/// All GPUs, or one entry "cuda" that says why there is none. `memory_free` is only known of a GPU that was opened;
/// here it is all of its memory.
std::vector<DeviceDescription> describe_devices();

/// One GPU with its queue. Used by one thread at a time.
class Device {
 public:
  /// Fails with device when there is no such GPU or this build has no code for it.
  static Result<std::unique_ptr<Device>> open(int index);
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;
  ~Device();

  DeviceDescription description() const;
  /// Bytes in use on the GPU, less those in use before it was opened; 0 where the driver does not say.
  std::int64_t driver_bytes() const;
  const GpuShape& shape() const { return shape_; }
  cudaStream_t stream() const { return stream_; }
  /// Where DeviceMemory comes from.
  MemoryPool& pool() { return pool_; }
  /// Bytes on the GPU.
  MemoryLedger& ledger() { return ledger_; }
  /// Bytes of host memory: staging, and copies that callers asked for.
  MemoryLedger& host_ledger() { return host_ledger_; }
  void set_stop_token(std::stop_token token) { stop_ = std::move(token); }
  const std::stop_token& stop_token() const { return stop_; }

  /// Begins an operation: makes the GPU the calling thread's own. Fails with cancelled when stopped. Waits when more
  /// than some dozens of operations are queued, so that a stop does not leave much behind.
  Result<void> begin();
  /// Ends an operation whose launches returned `status`, without waiting: what the GPU meets later fails at the next
  /// finish(). `what` names the operation in a failure.
  Result<void> queued(cudaError_t status, const char* what);
  /// Waits for everything queued. `what` names the operation in a failure.
  Result<void> finish(const char* what);
  /// finish() for a launch or a queued copy that returned `status`.
  Result<void> finish(cudaError_t status, const char* what);

  /// Host bytes must stay as they are until finish().
  cudaError_t upload(void* to, const void* from, std::size_t bytes);
  /// Queues a copy of host bytes that may change as soon as this returns.
  cudaError_t upload_copy(void* to, const void* from, std::size_t bytes);
  /// Host bytes are valid after finish().
  cudaError_t download(void* to, const void* from, std::size_t bytes);

  /// While a graph is recorded nothing is allocated, waited for or copied from the host.
  bool recording() const { return recording_; }
  void set_recording(bool recording) { recording_ = recording; }
  /// Changes whenever device memory was given back: graphs from before may use what is gone.
  std::uint64_t memory_generation() const { return memory_generation_; }
  void memory_was_freed() { ++memory_generation_; }

 private:
  static constexpr int operations_per_mark = 24;
  cudaError_t create_queue();
  Result<void> bound_queue();
  explicit Device(int index);

  int index_;
  ManagementLibrary management_;
  std::string bus_id_;
  std::int64_t used_before_ = 0;  // bytes on the GPU, by other programs
  GpuShape shape_;
  cudaStream_t stream_ = nullptr;
  MemoryPool pool_;
  cudaEvent_t marks_[2] = {};  // in the queue, `operations_per_mark` operations apart
  std::int64_t operations_ = 0;
  std::byte* staging_ = nullptr;  // pinned; host values on their way
  std::size_t staged_ = 0;        // bytes in use since the last wait
  bool recording_ = false;
  std::uint64_t memory_generation_ = 0;
  MemoryLedger ledger_;
  MemoryLedger host_ledger_;
  std::stop_token stop_;
};

/// The Error of a failed call; `what` is the operation ("attention").
Error error_of(cudaError_t status, const char* what);

}  // namespace quantscope::cuda
