// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/cuda_on_host/broken_kernels.h"

#include <memory>

#include "kernels/cuda/launch.h"
#include "kernels/cuda/ptx.h"

namespace quantscope::testing {
namespace {
constexpr unsigned threads = 64;  // two warps

/// One block of `threads` threads on a buffer of so many floats, all written.
cudaError_t run_block(void (*kernel)(float*, bool), bool right, std::size_t shared_bytes = 0) {
  float* values = nullptr;
  if (const cudaError_t status = cudaMalloc(&values, threads * sizeof(float)); status != cudaSuccess) return status;
  cudaMemset(values, 0, threads * sizeof(float));
  cudaLaunchConfig_t config{};
  config.gridDim = {1, 1, 1};
  config.blockDim = {threads, 1, 1};
  config.dynamicSmemBytes = shared_bytes;
  cudaError_t status = cudaLaunchKernelEx(&config, kernel, values, right);
  if (status == cudaSuccess) status = cudaDeviceSynchronize();
  cudaFree(values);
  return status;
}

template <void (*kernel)(float*, bool), std::size_t shared_bytes = 0>
cudaError_t run(bool right) {
  return run_block(kernel, right, shared_bytes);
}

__global__ void reads_a_neighbour(float* values, bool right) {
  __shared__ float tile[threads];
  tile[threadIdx.x] = 1.0F;
  if (right) __syncthreads();
  values[threadIdx.x] = tile[threadIdx.x - threadIdx.x % 2];
}

__global__ void reads_ahead(float* values, bool right) {
  __shared__ float tile[threads];
  tile[threadIdx.x] = 1.0F;
  if (right) __syncthreads();
  values[threadIdx.x] = tile[(threadIdx.x + 1) % threads];
}

__global__ void overwrites_what_others_read(float* values, bool right) {
  __shared__ float tile[threads];
  tile[threadIdx.x] = 1.0F;
  __syncthreads();
  values[threadIdx.x] = tile[(threadIdx.x + 1) % threads];
  if (right) __syncthreads();
  tile[threadIdx.x] = 2.0F;
}

__global__ void all_write_one_place(float* values, bool right) {
  __shared__ unsigned count;
  if (threadIdx.x == 0) count = 0;
  __syncthreads();
  if (right) {
    atomicAdd(&count, 1U);
  } else {
    count = count + 1;
  }
  __syncthreads();
  values[threadIdx.x] = static_cast<float>(count);
}

__global__ void reads_a_counter_at_once(float* values, bool right) {
  __shared__ unsigned count;
  if (threadIdx.x == 0) count = 0;
  __syncthreads();
  atomicAdd(&count, 1U);
  if (right) __syncthreads();
  values[threadIdx.x] = static_cast<float>(count);
}

__global__ void reads_a_lane(float* values, bool right) {
  __shared__ float tile[threads];
  tile[threadIdx.x] = 1.0F;
  if (right) __syncwarp();
  values[threadIdx.x] = tile[threadIdx.x - threadIdx.x % 2];
}

__global__ void takes_a_shuffle_for_a_barrier(float* values, bool right) {
  __shared__ float tile[threads];
  tile[threadIdx.x] = 1.0F;
  const float other = __shfl_xor_sync(0xFFFFFFFFU, 1.0F, 1);
  if (right) __syncwarp();
  values[threadIdx.x] = tile[threadIdx.x ^ 1U] + other;
}

__global__ void synchronises_one_warp_of_two(float* values, bool right) {
  __shared__ float tile[threads];
  tile[threadIdx.x] = 1.0F;
  if (right) {
    __syncthreads();
  } else {
    __syncwarp();
  }
  values[threadIdx.x] = tile[threadIdx.x % 32];
}

__global__ void synchronises_half_a_warp(float* values, bool right) {
  __shared__ float tile[threads];
  const unsigned half = threadIdx.x % 32 < 16 ? 0x0000FFFFU : 0xFFFF0000U;
  tile[threadIdx.x] = 1.0F;
  __syncwarp(half);
  values[threadIdx.x] = tile[threadIdx.x % (right ? 64 : 16)];
}

__global__ void has_a_barrier_for_some(float* values, bool right) {
  if (right || threadIdx.x < 40) __syncthreads();
  values[threadIdx.x] = 1.0F;
}

__global__ void ends_before_the_barrier(float* values, bool right) {
  if (!right && threadIdx.x == 63) return;
  __syncthreads();
  values[threadIdx.x] = 1.0F;
}

__global__ void has_two_barriers_at_a_time(float* values, bool right) {
  if (right || threadIdx.x < 32) {
    values[threadIdx.x] = static_cast<float>(__syncthreads_count(1));
  } else {
    __syncthreads();
  }
}

__global__ void shuffles_without_all_lanes(float* values, bool right) {
  const unsigned mask = right ? 0x0000FFFFU : 0xFFFFFFFFU;
  if (threadIdx.x % 32 < 16) values[threadIdx.x] = __shfl_xor_sync(mask, 1.0F, 8);
}

__global__ void shuffles_from_outside_the_mask(float* values, bool right) {
  if (threadIdx.x % 32 < 16) values[threadIdx.x] = __shfl_xor_sync(0x0000FFFFU, 1.0F, right ? 8 : 16);
}

__global__ void votes_under_another_mask(float* values, bool right) {
  if (threadIdx.x % 32 < 16) values[threadIdx.x] = static_cast<float>(__ballot_sync(right ? 0xFFFFU : 0xFFFF0000U, 1));
}

__global__ void reads_behind_the_end(float* values, bool right) {
  if (threadIdx.x == 0) values[0] = values[right ? threads - 1 : threads];
}

__global__ void writes_before_the_begin(float* values, bool right) {
  if (threadIdx.x == 0) values[right ? 0 : -1] = 1.0F;
}

__global__ void reads_half_beyond_the_end(float* values, bool right) {
  const float4* const vectors = reinterpret_cast<const float4*>(values) + (right ? threads / 4 - 1 : threads / 4);
  if (threadIdx.x == 0) values[0] = vectors->x + vectors->w;
}

__global__ void leaves_dynamic_shared_memory(float* values, bool right) {
  auto* const tile = static_cast<float*>(cuda::ptx::dynamic_shared_memory());
  if (right || threadIdx.x < 63) tile[threadIdx.x + (right ? 0 : 1)] = 1.0F;
  if (!right && threadIdx.x == 63) tile[threads] = 1.0F;
  values[threadIdx.x] = 1.0F;
}

__global__ void leaves_a_shared_array(float* values, bool right) {
  __shared__ float tile[threads];
  const unsigned index = right ? threadIdx.x : threadIdx.x + 1;
  tile[index] = 1.0F;
  values[threadIdx.x] = tile[index];
}

__global__ void loads_a_misaligned_vector(float* values, bool right) {
  const uint4* const vector = reinterpret_cast<const uint4*>(values + (right ? 4 : 1));
  if (threadIdx.x == 0) values[0] = static_cast<float>(vector->y);
}

__global__ void streams_a_misaligned_vector(float* values, bool right) {
  if (threadIdx.x == 0) values[0] = static_cast<float>(cuda::ptx::load_streaming(values + (right ? 4 : 2)).x);
}

__global__ void reads_unwritten_shared_memory(float* values, bool right) {
  __shared__ float tile[threads];
  if (right || threadIdx.x != 5) tile[threadIdx.x] = 1.0F;
  __syncthreads();
  values[threadIdx.x] = tile[threadIdx.x];
}

__global__ void reads_a_copy_in_flight(float* values, bool right) {
  __shared__ __align__(16) float tile[threads];
  if (threadIdx.x < threads / 4) cuda::ptx::copy_async(tile + 4 * threadIdx.x, values + 4 * threadIdx.x);
  cuda::ptx::commit_copies();
  if (right) cuda::ptx::wait_for_copies<0>();
  __syncthreads();
  values[threadIdx.x] = tile[threadIdx.x];
}

__global__ void reads_the_youngest_copy(float* values, bool right) {
  __shared__ __align__(16) float tiles[2][4];
  if (threadIdx.x == 0) {
    cuda::ptx::copy_async(tiles[0], values);
    cuda::ptx::commit_copies();
    cuda::ptx::copy_async(tiles[1], values + 4);
    cuda::ptx::commit_copies();
    cuda::ptx::wait_for_copies<1>();
    values[0] = tiles[right ? 0 : 1][3];
  }
}

__global__ void reads_anothers_copy_without_a_barrier(float* values, bool right) {
  __shared__ __align__(16) float tile[threads];
  if (threadIdx.x < threads / 4) cuda::ptx::copy_async(tile + 4 * threadIdx.x, values + 4 * threadIdx.x);
  cuda::ptx::commit_copies();
  cuda::ptx::wait_for_copies<0>();
  if (right) __syncthreads();
  if (threadIdx.x == 40) values[0] = tile[0];
}

__global__ void asks_for_shared_memory(float* values, bool) { values[threadIdx.x] = 1.0F; }

cudaError_t run_with_much_shared_memory(bool right) {
  constexpr int ordinary = 48 << 10;
  constexpr int bytes = 100 << 10;
  const cudaError_t status = cudaFuncSetAttribute(asks_for_shared_memory, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                                  right ? bytes : ordinary);
  if (status != cudaSuccess) return status;
  return run_block(asks_for_shared_memory, right, bytes);
}

__global__ void reads_through(const float* from, float* to) { to[threadIdx.x] = from[threadIdx.x]; }

cudaError_t run_on_host_memory(bool right) {
  constexpr std::size_t bytes = cuda::threads_per_block * sizeof(float);
  const auto pageable = std::make_unique<float[]>(cuda::threads_per_block);
  float* pinned = nullptr;
  if (const cudaError_t status = cudaMallocHost(&pinned, bytes); status != cudaSuccess) return status;
  float* to = nullptr;
  cudaError_t status = cudaMalloc(&to, bytes);
  if (status == cudaSuccess) status = cuda::launch(nullptr, {1}, reads_through, right ? pinned : pageable.get(), to);
  if (status == cudaSuccess) status = cudaDeviceSynchronize();
  cudaFree(to);
  cudaFreeHost(pinned);
  return status;
}

cudaError_t run_on_unwritten_memory(bool right) {
  constexpr std::size_t bytes = cuda::threads_per_block * sizeof(float);
  float *from = nullptr, *to = nullptr;
  if (const cudaError_t status = cudaMalloc(&from, bytes); status != cudaSuccess) return status;
  cudaError_t status = cudaMalloc(&to, bytes);
  cudaMemset(from, 0, right ? bytes : bytes - 4);
  if (status == cudaSuccess) status = cuda::launch(nullptr, {1}, reads_through, from, to);
  if (status == cudaSuccess) status = cudaDeviceSynchronize();
  cudaFree(from);
  cudaFree(to);
  return status;
}

cudaError_t run_on_freed_memory(bool right) {
  constexpr std::size_t bytes = cuda::threads_per_block * sizeof(float);
  float *from = nullptr, *to = nullptr;
  if (const cudaError_t status = cudaMalloc(&from, bytes); status != cudaSuccess) return status;
  cudaError_t status = cudaMalloc(&to, bytes);
  cudaMemset(from, 0, bytes);
  if (!right) cudaFree(from);
  if (status == cudaSuccess) status = cuda::launch(nullptr, {1}, reads_through, from, to);
  if (status == cudaSuccess) status = cudaDeviceSynchronize();
  if (right) cudaFree(from);
  cudaFree(to);
  return status;
}

constexpr std::size_t tile_bytes = threads * sizeof(float);

constexpr BrokenKernel kernels[] = {
    {"ReadsANeighbour", run<reads_a_neighbour>, "race in shared memory"},
    {"ReadsAhead", run<reads_ahead>, "which this block has not written"},
    {"OverwritesWhatOthersRead", run<overwrites_what_others_read>, "race in shared memory"},
    {"AllWriteOnePlace", run<all_write_one_place>, "race in shared memory"},
    {"ReadsACounterAtOnce", run<reads_a_counter_at_once>, "race in shared memory"},
    {"ReadsALane", run<reads_a_lane>, "race in shared memory"},
    {"TakesAShuffleForABarrier", run<takes_a_shuffle_for_a_barrier>, "race in shared memory"},
    {"SynchronisesOneWarpOfTwo", run<synchronises_one_warp_of_two>, "race in shared memory"},
    {"SynchronisesHalfAWarp", run<synchronises_half_a_warp>, "race in shared memory"},
    {"HasABarrierForSome", run<has_a_barrier_for_some>, "waits in __syncthreads for ever: thread (40,0,0) has ended"},
    {"EndsBeforeTheBarrier", run<ends_before_the_barrier>, "waits in __syncthreads for ever: thread (63,0,0)"},
    {"HasTwoBarriersAtATime", run<has_two_barriers_at_a_time>, "while others wait in __syncthreads_count"},
    {"ShufflesWithoutAllLanes", run<shuffles_without_all_lanes>, "waits in __shfl_xor_sync for ever"},
    {"ShufflesFromOutsideTheMask", run<shuffles_from_outside_the_mask>, "from lane 16, which the mask"},
    {"VotesUnderAnotherMask", run<votes_under_another_mask>, "does not name the lane that calls it"},
    {"ReadsBehindTheEnd", run<reads_behind_the_end>, "reads 4 bytes at 256 from the begin of a device buffer of 256"},
    {"WritesBeforeTheBegin", run<writes_before_the_begin>, "writes 4 bytes"},
    {"ReadsHalfBeyondTheEnd", run<reads_half_beyond_the_end>, "a device buffer of 256 bytes"},
    {"LeavesDynamicSharedMemory", run<leaves_dynamic_shared_memory, tile_bytes>, "dynamic shared memory + 256"},
    {"LeavesASharedArray", run<leaves_a_shared_array>, "element 64 of an array"},
    {"LoadsAMisalignedVector", run<loads_a_misaligned_vector>, "not aligned to 16 bytes"},
    {"StreamsAMisalignedVector", run<streams_a_misaligned_vector>, "not aligned to 16 bytes"},
    {"ReadsUnwrittenSharedMemory", run<reads_unwritten_shared_memory>, "which this block has not written"},
    {"ReadsACopyInFlight", run<reads_a_copy_in_flight>, "has not been waited for"},
    {"ReadsTheYoungestCopy", run<reads_the_youngest_copy>, "has not been waited for"},
    {"ReadsAnothersCopyWithoutABarrier", run<reads_anothers_copy_without_a_barrier>, "race in shared memory"},
    {"AsksForSharedMemory", run_with_much_shared_memory, "asks for 102400 bytes of dynamic shared memory"},
    {"ReadsHostMemory", run_on_host_memory, "memory of the host"},
    {"ReadsUnwrittenMemory", run_on_unwritten_memory, "that nobody has written"},
    {"ReadsFreedMemory", run_on_freed_memory, "reads 4 bytes"},
};
}  // namespace

std::span<const BrokenKernel> broken_kernels() { return kernels; }

}  // namespace quantscope::testing
