// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <utility>

/// The part of the CUDA runtime that kernels/cuda uses, on the host: found instead of NVIDIA's header, it lets the same
/// sources run without a GPU. A launch calls the kernel once per thread of the grid, one after the other, so kernels
/// that wait for each other are not supported. Device memory can only be touched inside kernels and copies: a host
/// access, or one beyond the end, is a segmentation fault.

#define __global__
#define __device__
#define __host__

struct dim3 {
  unsigned x = 1, y = 1, z = 1;
};
inline dim3 threadIdx, blockIdx, blockDim, gridDim;

enum cudaError_t {
  cudaSuccess = 0,
  cudaErrorInvalidValue = 1,
  cudaErrorMemoryAllocation = 2,
  cudaErrorInsufficientDriver = 35,
  cudaErrorNoDevice = 100,
  cudaErrorInvalidDevice = 101,
  cudaErrorNoKernelImageForDevice = 209,
  cudaErrorLaunchFailure = 719,
};
enum cudaMemcpyKind { cudaMemcpyHostToDevice = 1, cudaMemcpyDeviceToHost = 2, cudaMemcpyDeviceToDevice = 3 };
enum cudaDeviceAttr { cudaDevAttrComputeCapabilityMajor = 75, cudaDevAttrComputeCapabilityMinor = 76 };
using cudaStream_t = struct CudaHostStream*;
struct cudaDeviceProp {
  char name[256];
  std::size_t totalGlobalMem;
  int major;
  int minor;
};
struct cudaLaunchConfig_t {
  dim3 gridDim, blockDim;
  std::size_t dynamicSmemBytes = 0;
  cudaStream_t stream = nullptr;
};
struct cudaFuncAttributes {
  int binaryVersion;
};

const char* cudaGetErrorString(cudaError_t error);
cudaError_t cudaDriverGetVersion(int* version);
cudaError_t cudaGetDeviceCount(int* count);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total);
cudaError_t cudaGetLastError();
cudaError_t cudaMalloc(void** memory, std::size_t bytes);
cudaError_t cudaFree(void* memory);
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t stream);
cudaError_t cudaMemsetAsync(void* memory, int value, std::size_t bytes, cudaStream_t stream);
cudaError_t cudaStreamCreate(cudaStream_t* stream);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);

/// What tests set and read.
namespace cuda_on_host {
struct Machine {
  int devices = 1;
  int driver_version = 13000;
  int compute_capability = 90;
  std::size_t memory = std::size_t{1} << 30;  ///< bytes of one device
  std::size_t allocated = 0;
  int launches_until_failure = -1;  ///< the launch after so many fails; negative for never
  cudaError_t pending = cudaSuccess;
};
Machine& machine();

/// Device memory is accessible while one of these lives.
class Access {
 public:
  Access();
  Access(const Access&) = delete;
  Access& operator=(const Access&) = delete;
  ~Access();
};
cudaError_t begin_launch(const cudaLaunchConfig_t& config);

template <class Function>
void for_each_index(const dim3& size, dim3& index, const Function& function) {
  for (index.z = 0; index.z < size.z; ++index.z) {
    for (index.y = 0; index.y < size.y; ++index.y) {
      for (index.x = 0; index.x < size.x; ++index.x) function();
    }
  }
}
}  // namespace cuda_on_host

template <class Function>
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, Function*) {
  attributes->binaryVersion = cuda_on_host::machine().compute_capability;
  return cudaSuccess;
}

template <class... Parameters, class... Arguments>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* config, void (*kernel)(Parameters...),
                               Arguments&&... arguments) {
  if (const cudaError_t refused = cuda_on_host::begin_launch(*config); refused != cudaSuccess) return refused;
  const cuda_on_host::Access access;
  gridDim = config->gridDim;
  blockDim = config->blockDim;
  const auto run = [kernel](Parameters... values) {
    cuda_on_host::for_each_index(
        gridDim, blockIdx, [&] { cuda_on_host::for_each_index(blockDim, threadIdx, [&] { kernel(values...); }); });
  };
  run(std::forward<Arguments>(arguments)...);
  return cudaSuccess;
}
