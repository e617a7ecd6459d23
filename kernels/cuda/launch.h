// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <type_traits>

namespace quantscope::cuda {

inline constexpr unsigned threads_per_block = 128;

/// Blocks along x that cover `threads` threads, times `layers` along y.
struct Grid {
  std::int64_t threads = 0;
  std::int64_t layers = 1;  ///< at most 65535
};

/// Queues a kernel. Arguments are converted to the kernel's own parameter types here, where a wrong one does not
/// compile. An empty grid does nothing.
template <class... Parameters>
cudaError_t launch(cudaStream_t stream, const Grid& grid, void (*kernel)(Parameters...),
                   std::type_identity_t<Parameters>... arguments) {
  if (grid.threads <= 0 || grid.layers <= 0) return cudaSuccess;
  cudaLaunchConfig_t config{};
  config.gridDim.x = static_cast<unsigned>((grid.threads + threads_per_block - 1) / threads_per_block);
  config.gridDim.y = static_cast<unsigned>(grid.layers);
  config.gridDim.z = 1;
  config.blockDim.x = threads_per_block;
  config.blockDim.y = 1;
  config.blockDim.z = 1;
  config.stream = stream;
  return cudaLaunchKernelEx(&config, kernel, arguments...);
}

/// The number of the calling thread along x. Only in kernels.
__device__ inline std::int64_t thread_number() {
  return static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
}

}  // namespace quantscope::cuda
