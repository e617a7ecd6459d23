// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cuda/memory_pool.h"

#include <limits>

namespace quantscope::cuda {

MemoryPool::~MemoryPool() {
  if (pool_ != nullptr) cudaMemPoolDestroy(pool_);
}

cudaError_t MemoryPool::open(int device, cudaStream_t stream) {
  stream_ = stream;
  int supported = 0;
  cudaError_t status = cudaDeviceGetAttribute(&supported, cudaDevAttrMemoryPoolsSupported, device);
  if (status != cudaSuccess || supported == 0) return status;
  cudaMemPoolProps properties{};
  properties.allocType = cudaMemAllocationTypePinned;
  properties.location.type = cudaMemLocationTypeDevice;
  properties.location.id = device;
  status = cudaMemPoolCreate(&pool_, &properties);
  if (status != cudaSuccess) return status;
  std::uint64_t kept = std::numeric_limits<std::uint64_t>::max();
  return cudaMemPoolSetAttribute(pool_, cudaMemPoolAttrReleaseThreshold, &kept);
}

cudaError_t MemoryPool::allocate(void** memory, std::size_t bytes) {
  if (pool_ == nullptr) return cudaMalloc(memory, bytes);
  const cudaError_t status = cudaMallocFromPoolAsync(memory, bytes, pool_, stream_);
  if (status != cudaErrorMemoryAllocation) return status;
  cudaGetLastError();
  if (const cudaError_t trimmed = trim(); trimmed != cudaSuccess) return trimmed;
  return cudaMallocFromPoolAsync(memory, bytes, pool_, stream_);
}

void MemoryPool::release(void* memory) {
  if (pool_ == nullptr)
    cudaFree(memory);
  else
    cudaFreeAsync(memory, stream_);
}

cudaError_t MemoryPool::trim() {
  const cudaError_t waited = cudaStreamSynchronize(stream_);
  return waited != cudaSuccess || pool_ == nullptr ? waited : cudaMemPoolTrimTo(pool_, 0);
}

std::int64_t MemoryPool::unused() const {
  if (pool_ == nullptr) return 0;
  std::uint64_t reserved = 0, used = 0;
  const bool known = cudaMemPoolGetAttribute(pool_, cudaMemPoolAttrReservedMemCurrent, &reserved) == cudaSuccess &&
                     cudaMemPoolGetAttribute(pool_, cudaMemPoolAttrUsedMemCurrent, &used) == cudaSuccess;
  return known ? static_cast<std::int64_t>(reserved - used) : 0;
}

}  // namespace quantscope::cuda
