// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

namespace quantscope::cuda {

/// Where all memory of a GPU comes from. What is given back is kept for what is asked for next, because the driver
/// takes long to map memory and waits for the GPU before it unmaps any. Memory is taken and given back in the order of
/// the queue. Used by one thread at a time.
class MemoryPool {
 public:
  MemoryPool() = default;
  MemoryPool(const MemoryPool&) = delete;
  MemoryPool& operator=(const MemoryPool&) = delete;
  ~MemoryPool();

  /// Where the driver has no pools (some virtual GPUs), memory is taken from it piece by piece.
  cudaError_t open(int device, cudaStream_t stream);
  /// When there is not enough, what is kept unused goes back to the driver first.
  cudaError_t allocate(void** memory, std::size_t bytes);
  void release(void* memory);
  /// Gives what is kept unused back to the driver, after waiting for the queue.
  cudaError_t trim();
  /// Bytes kept unused.
  std::int64_t unused() const;

 private:
  cudaStream_t stream_ = nullptr;
  cudaMemPool_t pool_ = nullptr;
};

}  // namespace quantscope::cuda
