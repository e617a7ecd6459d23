// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <cstddef>

#include "kernels/cuda/device_memory.h"

namespace quantscope::cuda {

/// A tile of source values: pinned host memory, from which copies run beside the host's work, and its copy on the GPU.
class UploadTile {
 public:
  UploadTile() = default;
  UploadTile(const UploadTile&) = delete;
  UploadTile& operator=(const UploadTile&) = delete;
  ~UploadTile();

  /// Makes room; contents are lost, and no work may be using them. Fails with out_of_memory.
  Result<void> reserve(Device& device, std::size_t bytes);
  /// Waits for the work that uses it and gives its memory back.
  void release();
  std::byte* host() { return host_; }
  const void* on_device() const { return copy_.data<std::byte>(); }
  /// Queues the copy of the first `bytes` bytes.
  cudaError_t send(Device& device, std::size_t bytes) { return device.upload(copy_.data<std::byte>(), host_, bytes); }
  /// What is queued now is the last that uses the tile.
  cudaError_t mark_used(Device& device) { return cudaEventRecord(used_, device.stream()); }
  /// Waits until that work is done. Returns at once when there is none.
  cudaError_t wait() { return used_ == nullptr ? cudaSuccess : cudaEventSynchronize(used_); }

 private:
  void release_host();

  MemoryLedger* ledger_ = nullptr;
  std::byte* host_ = nullptr;
  std::size_t bytes_ = 0;
  DeviceMemory copy_;
  cudaEvent_t used_ = nullptr;
};

/// Tiles in turn: while the GPU copies and works on some, the host fills the next. Kept between tensors, because pinned
/// memory is slow to get, until release(). Used by one thread at a time; the device must outlive it.
class UploadRing {
 public:
  /// Makes every tile hold at least `bytes`.
  Result<void> reserve(Device& device, std::size_t bytes);
  void release();
  /// The next tile, no longer in use by the GPU.
  Result<UploadTile*> next(const char* what);

 private:
  static constexpr std::size_t tile_count = 3;  // one read, one copied, one worked on
  std::array<UploadTile, tile_count> tiles_;
  std::size_t next_ = 0;
};

}  // namespace quantscope::cuda
