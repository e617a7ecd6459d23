// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <vector>

#include "kernels/backend.h"

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
  cudaStream_t stream() const { return stream_; }
  /// Bytes on the GPU.
  MemoryLedger& ledger() { return ledger_; }
  /// Bytes of host memory: staging, and copies that callers asked for.
  MemoryLedger& host_ledger() { return host_ledger_; }
  void set_stop_token(std::stop_token token) { stop_ = std::move(token); }
  const std::stop_token& stop_token() const { return stop_; }

  /// Begins an operation: makes the GPU the calling thread's own. Fails with cancelled when stopped.
  Result<void> begin();
  /// Waits for everything queued. `what` names the operation in a failure.
  Result<void> finish(const char* what);
  /// finish() for a launch or a queued copy that returned `status`.
  Result<void> finish(cudaError_t status, const char* what);

  /// Host bytes must stay as they are until finish().
  cudaError_t upload(void* to, const void* from, std::size_t bytes);
  /// Host bytes are valid after finish().
  cudaError_t download(void* to, const void* from, std::size_t bytes);

 private:
  explicit Device(int index) : index_(index) {}

  int index_;
  cudaStream_t stream_ = nullptr;
  MemoryLedger ledger_;
  MemoryLedger host_ledger_;
  std::stop_token stop_;
};

/// The Error of a failed call; `what` is the operation ("attention").
Error error_of(cudaError_t status, const char* what);

}  // namespace quantscope::cuda
