// SPDX-License-Identifier: GPL-3.0-or-later
#include "memory_pools.h"

#include <cstdint>
#include <unordered_map>

#include "cuda_runtime.h"
#include "heap.h"
#include "machine.h"
#include "stream.h"

/// Bytes alone: which allocation takes over which freed one does not matter to a count.
struct CudaMemPool {
  std::size_t used = 0;
  std::size_t unused = 0;
};

namespace cuda_on_host {
namespace {
std::unordered_map<const void*, CudaMemPool*>& owners() {
  static std::unordered_map<const void*, CudaMemPool*> owners;
  return owners;
}

void give_back(CudaMemPool& pool, std::size_t kept) {
  if (pool.unused <= kept) return;
  machine().allocated -= pool.unused - kept;
  pool.unused = kept;
}
}  // namespace

bool keep_in_pool(const void* memory, std::size_t bytes) {
  const auto found = owners().find(memory);
  if (found == owners().end()) return false;
  found->second->used -= bytes;
  found->second->unused += bytes;
  owners().erase(found);
  return true;
}

}  // namespace cuda_on_host

using namespace cuda_on_host;

cudaError_t cudaMemPoolCreate(cudaMemPool_t* pool, const cudaMemPoolProps* properties) {
  const bool valid = properties->allocType == cudaMemAllocationTypePinned &&
                     properties->location.type == cudaMemLocationTypeDevice &&
                     properties->location.id < machine().devices;
  if (!valid) return cudaErrorInvalidValue;
  *pool = new CudaMemPool;
  return cudaSuccess;
}

cudaError_t cudaMemPoolDestroy(cudaMemPool_t pool) {
  finish_all();
  give_back(*pool, 0);
  const bool empty = pool->used == 0;
  delete pool;
  return empty ? cudaSuccess : cudaErrorInvalidValue;
}

cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t, cudaMemPoolAttr attribute, void* value) {
  // Only pools that keep everything are known.
  const bool keeps_all = *static_cast<const std::uint64_t*>(value) == UINT64_MAX;
  return attribute == cudaMemPoolAttrReleaseThreshold && keeps_all ? cudaSuccess : cudaErrorInvalidValue;
}

cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t pool, cudaMemPoolAttr attribute, void* value) {
  if (attribute == cudaMemPoolAttrReleaseThreshold) return cudaErrorInvalidValue;
  const std::size_t unused = attribute == cudaMemPoolAttrReservedMemCurrent ? pool->unused : 0;
  *static_cast<std::uint64_t*>(value) = pool->used + unused;
  return cudaSuccess;
}

cudaError_t cudaMemPoolTrimTo(cudaMemPool_t pool, std::size_t bytes) {
  if (recording()) return spoil_recording();
  give_back(*pool, bytes > pool->used ? bytes - pool->used : 0);
  return cudaSuccess;
}

cudaError_t cudaMallocFromPoolAsync(void** memory, std::size_t bytes, cudaMemPool_t pool, cudaStream_t) {
  if (recording()) return spoil_recording();
  if (bytes == 0) return cudaErrorInvalidValue;
  const std::size_t taken_over = bytes < pool->unused ? bytes : pool->unused;
  if (bytes - taken_over > machine().memory - machine().allocated) return machine().pending = cudaErrorMemoryAllocation;
  *memory = device_heap().allocate(bytes);
  machine().allocated += bytes - taken_over;
  pool->unused -= taken_over;
  pool->used += bytes;
  owners().emplace(*memory, pool);
  return cudaSuccess;
}
