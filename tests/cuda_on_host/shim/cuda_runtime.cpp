// SPDX-License-Identifier: GPL-3.0-or-later
#include "cuda_runtime.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <map>

namespace cuda_on_host {
namespace {
/// An allocation ends at the end of its pages, and an inaccessible page follows.
struct Pages {
  std::byte* begin = nullptr;
  std::size_t accessible = 0;  // bytes, whole pages
  std::size_t requested = 0;
};

std::map<void*, Pages>& allocations() {
  static std::map<void*, Pages> all;
  return all;
}

int open_accesses = 0;

void protect_all(int protection) {
  for (const auto& [memory, pages] : allocations()) mprotect(pages.begin, pages.accessible, protection);
}

std::size_t page_size() { return static_cast<std::size_t>(sysconf(_SC_PAGESIZE)); }

/// The runtime promises 256-byte alignment, kernels use at most 16 of it.
std::size_t aligned(std::size_t bytes) { return (bytes + 15) / 16 * 16; }
}  // namespace

Machine& machine() {
  static Machine the_machine;
  return the_machine;
}

Access::Access() {
  if (open_accesses++ == 0) protect_all(PROT_READ | PROT_WRITE);
}

Access::~Access() {
  if (--open_accesses == 0) protect_all(PROT_NONE);
}

cudaError_t begin_launch(const cudaLaunchConfig_t& config) {
  const auto possible = [](const dim3& size, unsigned long long largest_yz) {
    return size.x > 0 && size.y > 0 && size.z > 0 && size.y <= largest_yz && size.z <= largest_yz;
  };
  const bool valid = possible(config.gridDim, 65535) && config.gridDim.x < 1U << 31 &&
                     possible(config.blockDim, 1024) &&
                     config.blockDim.x * config.blockDim.y * config.blockDim.z <= 1024;
  if (!valid) return cudaErrorInvalidValue;
  if (machine().launches_until_failure == 0) machine().pending = cudaErrorLaunchFailure;
  if (machine().launches_until_failure >= 0) --machine().launches_until_failure;
  return cudaSuccess;
}
}  // namespace cuda_on_host

using cuda_on_host::machine;

const char* cudaGetErrorString(cudaError_t error) {
  return error == cudaErrorMemoryAllocation ? "out of memory" : "unspecified launch failure";
}

cudaError_t cudaDriverGetVersion(int* version) {
  *version = machine().driver_version;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceCount(int* count) {
  *count = 0;
  if (machine().driver_version < 13000) return cudaErrorInsufficientDriver;
  if (machine().devices == 0) return cudaErrorNoDevice;
  *count = machine().devices;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  if (device < 0 || device >= machine().devices) return cudaErrorInvalidDevice;
  std::snprintf(properties->name, sizeof properties->name, "Host GPU %d", device);
  properties->totalGlobalMem = machine().memory;
  properties->major = machine().compute_capability / 10;
  properties->minor = machine().compute_capability % 10;
  return cudaSuccess;
}

cudaError_t cudaSetDevice(int device) {
  return device >= 0 && device < machine().devices ? cudaSuccess : cudaErrorInvalidDevice;
}

cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  *total = machine().memory;
  *free = machine().memory - machine().allocated;
  return cudaSuccess;
}

cudaError_t cudaGetLastError() { return std::exchange(machine().pending, cudaSuccess); }

cudaError_t cudaMalloc(void** memory, std::size_t bytes) {
  if (bytes == 0) return cudaErrorInvalidValue;
  if (bytes > machine().memory - machine().allocated) return machine().pending = cudaErrorMemoryAllocation;
  const std::size_t page = cuda_on_host::page_size();
  cuda_on_host::Pages pages;
  pages.accessible = (cuda_on_host::aligned(bytes) + page - 1) / page * page;
  pages.requested = bytes;
  void* const mapped =
      mmap(nullptr, pages.accessible + page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) return cudaErrorMemoryAllocation;
  pages.begin = static_cast<std::byte*>(mapped);
  *memory = pages.begin + pages.accessible - cuda_on_host::aligned(bytes);
  cuda_on_host::allocations()[*memory] = pages;
  machine().allocated += bytes;
  return cudaSuccess;
}

cudaError_t cudaFree(void* memory) {
  if (memory == nullptr) return cudaSuccess;
  const auto found = cuda_on_host::allocations().find(memory);
  if (found == cuda_on_host::allocations().end()) return cudaErrorInvalidValue;
  machine().allocated -= found->second.requested;
  munmap(found->second.begin, found->second.accessible + cuda_on_host::page_size());
  cuda_on_host::allocations().erase(found);
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind, cudaStream_t) {
  const cuda_on_host::Access access;
  std::memcpy(to, from, bytes);
  return cudaSuccess;
}

cudaError_t cudaMemsetAsync(void* memory, int value, std::size_t bytes, cudaStream_t) {
  const cuda_on_host::Access access;
  std::memset(memory, value, bytes);
  return cudaSuccess;
}

cudaError_t cudaStreamCreate(cudaStream_t* stream) {
  *stream = nullptr;
  return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t) { return cudaSuccess; }

cudaError_t cudaStreamSynchronize(cudaStream_t) { return std::exchange(machine().pending, cudaSuccess); }
