// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/cuda_on_host/shim_kernels.h"

#include "kernels/cuda/launch.h"
#include "kernels/cuda/ptx.h"

namespace quantscope::testing {
namespace {
constexpr unsigned all_lanes = 0xFFFFFFFFU;

template <class... Parameters, class... Arguments>
cudaError_t run(unsigned blocks, unsigned threads, void (*kernel)(Parameters...), Arguments... arguments) {
  cudaLaunchConfig_t config{};
  config.gridDim = {blocks, 1, 1};
  config.blockDim = {threads, 1, 1};
  return cudaLaunchKernelEx(&config, kernel, arguments...);
}

/// Loads the fragments of one warp as the PTX manual's figures draw them.
template <class Sum>
__device__ void load_fragments(const std::uint32_t* a, const std::uint32_t* b_columns, const Sum* d,
                               std::uint32_t (&fragment_a)[4], std::uint32_t (&fragment_b)[2], Sum (&fragment_d)[4]) {
  constexpr unsigned words = 8;  // of a row of a, or of a column of b
  const unsigned group = threadIdx.x / 4;
  const unsigned in_group = threadIdx.x % 4;
  for (unsigned i = 0; i < 4; ++i) fragment_a[i] = a[(group + 8 * (i % 2)) * words + in_group + 4 * (i / 2)];
  for (unsigned i = 0; i < 2; ++i) fragment_b[i] = b_columns[group * words + in_group + 4 * i];
  for (unsigned i = 0; i < 4; ++i) fragment_d[i] = d[(group + 8 * (i / 2)) * 8 + 2 * in_group + i % 2];
}

template <class Sum>
__device__ void store_fragment(const Sum (&fragment_d)[4], Sum* d) {
  for (unsigned i = 0; i < 4; ++i)
    d[(threadIdx.x / 4 + 8 * (i / 2)) * 8 + 2 * (threadIdx.x % 4) + i % 2] = fragment_d[i];
}

/// b is passed as columns, which is how registers hold it.
__global__ void multiply_kernel(MatrixProduct product, const std::uint32_t* a, const std::uint32_t* b, float* d) {
  std::uint32_t fragment_a[4], fragment_b[2];
  float fragment_d[4];
  load_fragments(a, b, d, fragment_a, fragment_b, fragment_d);
  if (product == MatrixProduct::bf16) {
    cuda::ptx::mma_bf16(fragment_d, fragment_a, fragment_b);
  } else {
    cuda::ptx::mma_fp16(fragment_d, fragment_a, fragment_b);
  }
  store_fragment(fragment_d, d);
}

__global__ void multiply_int8_kernel(const std::uint32_t* a, const std::uint32_t* b, std::int32_t* d) {
  std::uint32_t fragment_a[4], fragment_b[2];
  std::int32_t fragment_d[4];
  load_fragments(a, b, d, fragment_a, fragment_b, fragment_d);
  cuda::ptx::mma_int8(fragment_d, fragment_a, fragment_b);
  store_fragment(fragment_d, d);
}

__global__ void sum_over_lanes_kernel(float* values, int width) {
  float sum = values[threadIdx.x];
  for (int delta = width / 2; delta > 0; delta /= 2) sum += __shfl_down_sync(all_lanes, sum, delta, width);
  values[threadIdx.x] = __shfl_sync(all_lanes, sum, 0, width);
}

__global__ void transpose_kernel(const std::uint16_t* rows, std::uint32_t* plain, std::uint32_t* transposed) {
  __shared__ __align__(16) std::uint16_t tile[32 * 8];
  cuda::ptx::copy_async(tile + 8 * threadIdx.x, rows + 8 * threadIdx.x);
  cuda::ptx::commit_copies();
  cuda::ptx::wait_for_copies<0>();
  __syncwarp();
  std::uint32_t registers[4];
  cuda::ptx::load_matrix(registers, tile + 8 * threadIdx.x);
  for (unsigned i = 0; i < 4; ++i) plain[32 * i + threadIdx.x] = registers[i];
  cuda::ptx::load_matrix_transposed(registers, tile + 8 * threadIdx.x);
  for (unsigned i = 0; i < 4; ++i) transposed[32 * i + threadIdx.x] = registers[i];
}

__global__ void sum_over_blocks_kernel(const float* inputs, float* values) {
  __shared__ float of_warps[8];
  float sum = inputs[blockIdx.x * blockDim.x + threadIdx.x];
  for (int lanes = 16; lanes > 0; lanes /= 2) sum += __shfl_xor_sync(all_lanes, sum, lanes);
  if (threadIdx.x % 32 == 0) of_warps[threadIdx.x / 32] = sum;
  __syncthreads();
  if (threadIdx.x >= 32) return;
  sum = threadIdx.x < 8 ? of_warps[threadIdx.x] : 0.0F;
  for (int lanes = 4; lanes > 0; lanes /= 2) sum += __shfl_xor_sync(all_lanes, sum, lanes);
  if (threadIdx.x == 0) values[blockIdx.x] = sum;
}

__global__ void count_bytes_kernel(const std::uint8_t* bytes, std::int64_t count, unsigned* histogram) {
  __shared__ unsigned counts[256];
  counts[threadIdx.x] = 0;
  __syncthreads();
  const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  for (std::int64_t i = cuda::thread_number(); i < count; i += stride) atomicAdd(&counts[bytes[i]], 1U);
  __syncthreads();
  atomicAdd(&histogram[threadIdx.x], counts[threadIdx.x]);
}

__global__ void increase_kernel(float* values, std::int64_t count, float increment) {
  const std::int64_t i = cuda::thread_number();
  if (i < count) values[i] += increment;
}
}  // namespace

cudaError_t multiply_matrices(MatrixProduct product, const void* a, const void* b, void* d) {
  const auto* const a_words = static_cast<const std::uint32_t*>(a);
  const auto* const b_words = static_cast<const std::uint32_t*>(b);
  if (product == MatrixProduct::int8)
    return run(1, 32, multiply_int8_kernel, a_words, b_words, static_cast<std::int32_t*>(d));
  return run(1, 32, multiply_kernel, product, a_words, b_words, static_cast<float*>(d));
}

cudaError_t sum_over_lanes(float* values, int width) { return run(1, 32, sum_over_lanes_kernel, values, width); }

cudaError_t transpose(const std::uint16_t* rows, std::uint16_t* plain, std::uint16_t* transposed) {
  return run(1, 32, transpose_kernel, rows, reinterpret_cast<std::uint32_t*>(plain),
             reinterpret_cast<std::uint32_t*>(transposed));
}

cudaError_t sum_over_blocks(const float* inputs, std::int64_t blocks, float* values) {
  return run(static_cast<unsigned>(blocks), 256, sum_over_blocks_kernel, inputs, values);
}

cudaError_t count_bytes(const std::uint8_t* bytes, std::int64_t count, unsigned* histogram) {
  return run(3, 256, count_bytes_kernel, bytes, count, histogram);
}

cudaError_t increase(cudaStream_t stream, float* values, std::int64_t count, float increment) {
  return cuda::launch(stream, {count}, increase_kernel, values, count, increment);
}

}  // namespace quantscope::testing
