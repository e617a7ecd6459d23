// SPDX-License-Identifier: GPL-3.0-or-later
#include "cuda_runtime.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <map>
#include <utility>

#include "heap.h"
#include "memory_pools.h"
#include "running.h"
#include "stream.h"
#include "symbols.h"

namespace cuda_on_host {
namespace {
constexpr int ordinary_shared_bytes = 48 << 10;

/// Bytes that a block may ask for, by compute capability: CUDA C++ Programming Guide, "Technical specifications".
int most_shared_bytes() {
  switch (machine().compute_capability) {
    case 75: return 64 << 10;
    case 80: return 163 << 10;
    case 86:
    case 89:
    case 120: return 99 << 10;
    default: return 227 << 10;
  }
}

/// What kernels asked for with cudaFuncSetAttribute.
std::map<const void*, int>& dynamic_limits() {
  static std::map<const void*, int> limits;
  return limits;
}

int dynamic_limit(const void* kernel) {
  const auto found = dynamic_limits().find(kernel);
  return found == dynamic_limits().end() ? ordinary_shared_bytes : found->second;
}

bool possible(const dim3& size, unsigned long long largest_yz) {
  return size.x > 0 && size.y > 0 && size.z > 0 && size.y <= largest_yz && size.z <= largest_yz;
}

bool possible(const cudaLaunchConfig_t& config) {
  return possible(config.gridDim, 65535) && config.gridDim.x < 1U << 31 && possible(config.blockDim, 1024) &&
         config.blockDim.x <= 1024 && config.blockDim.x * config.blockDim.y * config.blockDim.z <= 1024;
}

void run_kernel(const Launch& launch) {
  ++machine().launches;
  const bool fails = machine().launches_until_failure == 0;
  if (machine().launches_until_failure >= 0) --machine().launches_until_failure;
  const OpenHeap open(device_heap());
  if (!run(launch) || fails) machine().pending = cudaErrorLaunchFailure;
}

/// Is all of it allocated device memory, or none of it, as `on_device` says?
bool is_place(const void* address, std::size_t bytes, bool on_device) {
  if (!on_device) return !device_heap().covers(address);
  return device_heap().covers(address) && device_heap().has(address, bytes, ByteState::unwritten);
}

bool on_device(cudaMemcpyKind kind, bool target, const void* address) {
  if (kind == cudaMemcpyDefault) return device_heap().covers(address);
  return kind == cudaMemcpyDeviceToDevice || kind == (target ? cudaMemcpyHostToDevice : cudaMemcpyDeviceToHost);
}

bool is_pageable(const void* address) { return !device_heap().covers(address) && !pinned_heap().covers(address); }

cudaError_t refuse_copy(const char* what, std::size_t bytes, const void* address) {
  report("{} of {} bytes begins at {}, which does not hold so many or is on the other side", what, bytes,
         place_name(address));
  return cudaErrorInvalidValue;
}
}  // namespace

Machine& machine() {
  static Machine the_machine;
  return the_machine;
}

std::string thread_name(unsigned number) {
  return fmt::format("thread ({},{},{})", number % blockDim.x, number / blockDim.x % blockDim.y,
                     number / blockDim.x / blockDim.y);
}

std::string who_runs() {
  if (running_kernel() == nullptr) return "the host";
  return fmt::format("{}, block ({},{},{}), {}", readable_name(running_kernel()), blockIdx.x, blockIdx.y, blockIdx.z,
                     thread_name(running.thread));
}

cudaError_t queue_kernel(const cudaLaunchConfig_t& config, const KernelCall& call) {
  if (!possible(config)) return machine().pending = cudaErrorInvalidConfiguration;
  if (config.dynamicSmemBytes > static_cast<std::size_t>(dynamic_limit(call.kernel))) {
    report("{} asks for {} bytes of dynamic shared memory, {} are allowed", readable_name(call.kernel),
           config.dynamicSmemBytes, dynamic_limit(call.kernel));
    return machine().pending = cudaErrorInvalidValue;
  }
  Launch launch{config.gridDim, config.blockDim, config.dynamicSmemBytes, call.kernel, call.invoke, {}};
  const auto* const bytes = static_cast<const std::byte*>(call.arguments);
  launch.call.assign(bytes, bytes + call.bytes);
  return queue(config.stream, [launch = std::move(launch)] { run_kernel(launch); });
}

cudaError_t set_attribute(const void* kernel, cudaFuncAttribute attribute, int value) {
  if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize) return cudaSuccess;
  if (value < 0 || value > most_shared_bytes()) return machine().pending = cudaErrorInvalidValue;
  dynamic_limits()[kernel] = value;
  return cudaSuccess;
}

cudaError_t get_attributes(const void* kernel, cudaFuncAttributes* attributes) {
  attributes->binaryVersion = machine().compute_capability;
  attributes->maxDynamicSharedSizeBytes = dynamic_limit(kernel);
  attributes->maxThreadsPerBlock = 1024;
  return cudaSuccess;
}

cudaError_t resident_blocks(int* blocks, int threads, std::size_t dynamic_bytes) {
  if (threads <= 0 || threads > 1024) return cudaErrorInvalidValue;
  constexpr std::size_t reserved = 1024;  // per block, by CUDA itself
  const auto by_memory = static_cast<int>(static_cast<std::size_t>(most_shared_bytes()) / (dynamic_bytes + reserved));
  *blocks = std::min({32, 2048 / threads, by_memory});
  return cudaSuccess;
}
}  // namespace cuda_on_host

using namespace cuda_on_host;

const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaSuccess: return "no error";
    case cudaErrorMemoryAllocation: return "out of memory";
    case cudaErrorStreamCaptureUnsupported: return "operation not permitted when stream is capturing";
    case cudaErrorStreamCaptureInvalidated: return "operation failed due to a previous error during capture";
    case cudaErrorInvalidValue:
    case cudaErrorLaunchFailure: break;
    default: return "unknown error";
  }
  if (!machine().report.empty()) return machine().report.c_str();
  return error == cudaErrorInvalidValue ? "invalid argument" : "unspecified launch failure";
}

const char* cudaGetErrorName(cudaError_t error) { return cudaGetErrorString(error); }

cudaError_t cudaGetLastError() { return std::exchange(machine().pending, cudaSuccess); }

cudaError_t cudaPeekAtLastError() { return machine().pending; }

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

cudaError_t cudaGetDevice(int* device) {
  *device = 0;
  return cudaSuccess;
}

cudaError_t cudaSetDevice(int device) {
  return device >= 0 && device < machine().devices ? cudaSuccess : cudaErrorInvalidDevice;
}

cudaError_t cudaDeviceGetPCIBusId(char* id, int length, int /*device*/) {
  std::snprintf(id, static_cast<std::size_t>(length), "0000:01:00.0");
  return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  if (device < 0 || device >= machine().devices) return cudaErrorInvalidDevice;
  std::snprintf(properties->name, sizeof properties->name, "Host GPU %d", device);
  properties->totalGlobalMem = machine().memory;
  properties->sharedMemPerBlockOptin = static_cast<std::size_t>(most_shared_bytes());
  properties->major = machine().compute_capability / 10;
  properties->minor = machine().compute_capability % 10;
  cudaDeviceGetAttribute(&properties->multiProcessorCount, cudaDevAttrMultiProcessorCount, device);
  cudaDeviceGetAttribute(&properties->l2CacheSize, cudaDevAttrL2CacheSize, device);
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  if (device < 0 || device >= machine().devices) return cudaErrorInvalidDevice;
  switch (attribute) {
    case cudaDevAttrMaxThreadsPerBlock: *value = 1024; break;
    case cudaDevAttrMaxSharedMemoryPerBlock: *value = ordinary_shared_bytes; break;
    case cudaDevAttrWarpSize: *value = warpSize; break;
    case cudaDevAttrMultiProcessorCount: *value = 4; break;  // few, so that small tests have more blocks than these
    case cudaDevAttrL2CacheSize: *value = 4 << 20; break;
    case cudaDevAttrMaxThreadsPerMultiProcessor: *value = 2048; break;
    case cudaDevAttrComputeCapabilityMajor: *value = machine().compute_capability / 10; break;
    case cudaDevAttrComputeCapabilityMinor: *value = machine().compute_capability % 10; break;
    case cudaDevAttrMaxSharedMemoryPerMultiprocessor: *value = most_shared_bytes() + 1024; break;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin: *value = most_shared_bytes(); break;
    case cudaDevAttrMemoryPoolsSupported: *value = machine().has_memory_pools ? 1 : 0; break;
  }
  return cudaSuccess;
}

cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  *total = machine().memory;
  *free = machine().memory - machine().allocated;
  return cudaSuccess;
}

cudaError_t cudaMalloc(void** memory, std::size_t bytes) {
  if (recording()) return spoil_recording();
  if (bytes == 0) return cudaErrorInvalidValue;
  if (bytes > machine().memory - machine().allocated) return machine().pending = cudaErrorMemoryAllocation;
  *memory = device_heap().allocate(bytes);
  machine().allocated += bytes;
  return cudaSuccess;
}

cudaError_t cudaFree(void* memory) {
  if (memory == nullptr) return cudaSuccess;
  finish_all();
  const std::size_t bytes = device_heap().release(memory);
  machine().allocated -= bytes;
  return bytes == 0 ? cudaErrorInvalidValue : cudaSuccess;
}

cudaError_t cudaMallocAsync(void** memory, std::size_t bytes, cudaStream_t) { return cudaMalloc(memory, bytes); }

cudaError_t cudaFreeAsync(void* memory, cudaStream_t stream) {
  if (recording()) return spoil_recording();
  return queue(stream, [memory] {
    const std::size_t bytes = device_heap().release(memory);
    if (!keep_in_pool(memory, bytes)) machine().allocated -= bytes;
  });
}

cudaError_t cudaMallocHost(void** memory, std::size_t bytes) {
  if (recording()) return spoil_recording();
  if (bytes == 0) return cudaErrorInvalidValue;
  *memory = pinned_heap().allocate(bytes);
  pinned_heap().mark_written(*memory, bytes);  // the host's writes are not seen
  return cudaSuccess;
}

cudaError_t cudaHostAlloc(void** memory, std::size_t bytes, unsigned) { return cudaMallocHost(memory, bytes); }

cudaError_t cudaFreeHost(void* memory) {
  finish_all();
  return memory == nullptr || pinned_heap().release(memory) > 0 ? cudaSuccess : cudaErrorInvalidValue;
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  if (bytes == 0) return cudaSuccess;
  if (!is_place(to, bytes, on_device(kind, true, to))) return refuse_copy("the target of a copy", bytes, to);
  if (!is_place(from, bytes, on_device(kind, false, from))) return refuse_copy("the source of a copy", bytes, from);
  const auto copy = [](void* target, const void* source, std::size_t count) {
    const OpenHeap open(device_heap());
    std::memcpy(target, source, count);
    if (device_heap().covers(target)) device_heap().mark_written(target, count);
  };
  if (is_pageable(from)) {  // CUDA takes such bytes before it returns
    const auto* const begin = static_cast<const std::byte*>(from);
    return queue(stream,
                 [=, staged = std::vector<std::byte>(begin, begin + bytes)] { copy(to, staged.data(), bytes); });
  }
  const cudaError_t status = queue(stream, [=] { copy(to, from, bytes); });
  // And it fills them before it returns.
  return status == cudaSuccess && is_pageable(to) ? cudaStreamSynchronize(stream) : status;
}

cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  const cudaError_t status = cudaMemcpyAsync(to, from, bytes, kind, nullptr);  // waits for all streams
  return status == cudaSuccess ? cudaDeviceSynchronize() : status;
}

cudaError_t cudaMemsetAsync(void* memory, int value, std::size_t bytes, cudaStream_t stream) {
  if (bytes == 0) return cudaSuccess;
  if (!is_place(memory, bytes, true)) return refuse_copy("a fill", bytes, memory);
  return queue(stream, [=] {
    const OpenHeap open(device_heap());
    std::memset(memory, value, bytes);
    device_heap().mark_written(memory, bytes);
  });
}

cudaError_t cudaMemset(void* memory, int value, std::size_t bytes) {
  return cudaMemsetAsync(memory, value, bytes, nullptr);
}
