// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace quantscope::cuda {

inline constexpr unsigned threads_per_block = 128;

/// Shared memory that a block may have without asking for more.
inline constexpr std::size_t ordinary_shared_bytes = std::size_t{48} << 10;

/// A grid of blocks. y and z must be at most 65535.
struct Blocks {
  std::int64_t x = 1;
  std::int64_t y = 1;
  std::int64_t z = 1;
  unsigned threads = threads_per_block;  ///< per block
  std::size_t shared_bytes = 0;          ///< dynamic shared memory per block
  bool overlapped = false;               ///< the kernel calls ptx::wait_for_earlier_kernels() itself
};

/// Queues a kernel. Arguments are converted to the kernel's own parameter types here, where a wrong one does not
/// compile. An empty grid does nothing.
template <class... Parameters>
cudaError_t launch_blocks(cudaStream_t stream, const Blocks& blocks, void (*kernel)(Parameters...),
                          std::type_identity_t<Parameters>... arguments) {
  if (blocks.x <= 0 || blocks.y <= 0 || blocks.z <= 0) return cudaSuccess;
  if (blocks.overlapped) {
    // A multiprocessor divides its memory into L1 cache and shared memory only while it is idle: kernels of one step
    // that wanted different divisions would wait for each other.
    const cudaError_t status =
        cudaFuncSetAttribute(kernel, cudaFuncAttributePreferredSharedMemoryCarveout, cudaSharedmemCarveoutMaxShared);
    if (status != cudaSuccess) return status;
  }
  if (blocks.shared_bytes > ordinary_shared_bytes) {
    const cudaError_t status = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                                    static_cast<int>(blocks.shared_bytes));
    if (status != cudaSuccess) return status;
  }
  cudaLaunchConfig_t config{};
  config.gridDim.x = static_cast<unsigned>(blocks.x);
  config.gridDim.y = static_cast<unsigned>(blocks.y);
  config.gridDim.z = static_cast<unsigned>(blocks.z);
  config.blockDim.x = blocks.threads;
  config.blockDim.y = 1;
  config.blockDim.z = 1;
  config.dynamicSmemBytes = blocks.shared_bytes;
  config.stream = stream;
  cudaLaunchAttribute overlap{};
  if (blocks.overlapped) {
    overlap.id = cudaLaunchAttributeProgrammaticStreamSerialization;
    overlap.val.programmaticStreamSerializationAllowed = 1;
    config.attrs = &overlap;
    config.numAttrs = 1;
  }
  return cudaLaunchKernelEx(&config, kernel, arguments...);
}

/// Blocks along x that cover `threads` threads, times `layers` along y.
struct Grid {
  std::int64_t threads = 0;
  std::int64_t layers = 1;  ///< at most 65535
};

/// For kernels of one thread per element.
template <class... Parameters>
cudaError_t launch(cudaStream_t stream, const Grid& grid, void (*kernel)(Parameters...),
                   std::type_identity_t<Parameters>... arguments) {
  Blocks blocks;
  blocks.x = (grid.threads + threads_per_block - 1) / threads_per_block;
  blocks.y = grid.layers;
  return launch_blocks(stream, blocks, kernel, arguments...);
}

/// The number of the calling thread along x. Only in kernels.
__device__ inline std::int64_t thread_number() {
  return static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
}

}  // namespace quantscope::cuda
