// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/benchmarks/gpu/roofline.h"

#include <cublas_v2.h>
#include <cuda_runtime.h>

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "kernels/cuda/launch.h"
#include "kernels/cuda/ptx.h"

namespace quantscope::benchmarks {
namespace {
constexpr std::size_t copied_bytes = std::size_t{2} << 30;
constexpr int matrix_size = 8192;
constexpr int nodes = 200;

void must(cudaError_t status) {
  if (status != cudaSuccess) throw std::runtime_error(cudaGetErrorString(status));
}

void must(cublasStatus_t status) {
  if (status != CUBLAS_STATUS_SUCCESS) throw std::runtime_error(cublasGetStatusString(status));
}

__global__ void random_kernel(std::uint16_t* values, std::size_t count) {
  const std::size_t stride = static_cast<std::size_t>(gridDim.x) * blockDim.x;
  for (std::size_t i = static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += stride) {
    std::uint32_t x = static_cast<std::uint32_t>(i) * 2654435761U + 12345U;
    x ^= x >> 15;
    x *= 2246822519U;
    x ^= x >> 13;
    // Sign and mantissa are random, the exponent is one of 8 around 1.
    values[i] = static_cast<std::uint16_t>((x & 0x807FU) | ((120U + (x >> 24 & 7U)) << 7));
  }
}

__global__ void read_kernel(const uint4* values, std::size_t count, std::uint32_t* result) {
  std::uint32_t sum = 0;
  const std::size_t stride = static_cast<std::size_t>(gridDim.x) * blockDim.x;
  for (std::size_t i = static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += 4 * stride) {
    uint4 v[4] = {};
    for (int j = 0; j < 4; ++j) {
      if (i + j * stride < count) v[j] = quantscope::cuda::ptx::load_streaming(values + i + j * stride);
    }
    for (int j = 0; j < 4; ++j) sum ^= v[j].x ^ v[j].y ^ v[j].z ^ v[j].w;
  }
  if (sum == 0x12345678U) *result = sum;
}

__global__ void empty_kernel() {
  quantscope::cuda::ptx::let_next_kernel_start();
  quantscope::cuda::ptx::wait_for_earlier_kernels();
}

/// Median seconds of one call of `work`, timed on the device.
template <class Work>
double seconds(cudaStream_t stream, int repetitions, const Work& work) {
  cudaEvent_t begin, end;
  must(cudaEventCreate(&begin));
  must(cudaEventCreate(&end));
  std::vector<float> times;
  for (int i = 0; i < repetitions + 2; ++i) {
    must(cudaEventRecord(begin, stream));
    work();
    must(cudaEventRecord(end, stream));
    must(cudaEventSynchronize(end));
    float milliseconds = 0;
    must(cudaEventElapsedTime(&milliseconds, begin, end));
    if (i >= 2) times.push_back(milliseconds);
  }
  cudaEventDestroy(begin);
  cudaEventDestroy(end);
  std::sort(times.begin(), times.end());
  return 1e-3 * static_cast<double>(times[times.size() / 2]);
}

double gemm_rate(cudaStream_t stream, const void* a, const void* b, void* c) {
  cublasHandle_t handle;
  must(cublasCreate(&handle));
  must(cublasSetStream(handle, stream));
  const float one = 1.0F, zero = 0.0F;
  const double time = seconds(stream, 10, [&] {
    must(cublasGemmEx(handle, CUBLAS_OP_T, CUBLAS_OP_N, matrix_size, matrix_size, matrix_size, &one, a, CUDA_R_16BF,
                      matrix_size, b, CUDA_R_16BF, matrix_size, &zero, c, CUDA_R_16BF, matrix_size, CUBLAS_COMPUTE_32F,
                      CUBLAS_GEMM_DEFAULT));
  });
  cublasDestroy(handle);
  return 2.0 * matrix_size * matrix_size * matrix_size / time;
}

void launch_empty(cudaStream_t stream, bool overlapped) {
  quantscope::cuda::Blocks blocks;
  blocks.overlapped = overlapped;
  must(quantscope::cuda::launch_blocks(stream, blocks, empty_kernel));
}

double node_seconds(cudaStream_t stream, bool overlapped) {
  cudaGraph_t graph;
  cudaGraphExec_t executable;
  must(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
  for (int i = 0; i < nodes; ++i) launch_empty(stream, overlapped);
  must(cudaStreamEndCapture(stream, &graph));
  must(cudaGraphInstantiate(&executable, graph, 0));
  const double time = seconds(stream, 20, [&] { must(cudaGraphLaunch(executable, stream)); });
  cudaGraphExecDestroy(executable);
  cudaGraphDestroy(graph);
  return time / nodes;
}
}  // namespace

Roofline measure_roofline() {
  Roofline result;
  cudaDeviceProp properties{};
  must(cudaGetDeviceProperties(&properties, 0));
  result.device = properties.name;
  cudaStream_t stream;
  must(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  void *from, *to, *host;
  must(cudaMalloc(&from, copied_bytes));
  must(cudaMalloc(&to, copied_bytes));
  must(cudaMallocHost(&host, copied_bytes / 4));
  const unsigned blocks = static_cast<unsigned>(properties.multiProcessorCount) * 8;
  for (void* const memory : {from, to}) {
    random_kernel<<<blocks, 256, 0, stream>>>(static_cast<std::uint16_t*>(memory), copied_bytes / 2);
  }
  result.copy_bytes_per_second = 2.0 * copied_bytes / seconds(stream, 10, [&] {
                                   must(cudaMemcpyAsync(to, from, copied_bytes, cudaMemcpyDeviceToDevice, stream));
                                 });
  result.read_bytes_per_second =
      copied_bytes / seconds(stream, 10, [&] {
        read_kernel<<<blocks, 256, 0, stream>>>(static_cast<const uint4*>(from), copied_bytes / 16,
                                                static_cast<std::uint32_t*>(to));
      });
  result.upload_bytes_per_second = copied_bytes / 4.0 / seconds(stream, 3, [&] {
                                     must(cudaMemcpyAsync(to, host, copied_bytes / 4, cudaMemcpyHostToDevice, stream));
                                   });
  random_kernel<<<blocks, 256, 0, stream>>>(static_cast<std::uint16_t*>(to), copied_bytes / 2);
  result.bf16_flops_per_second = gemm_rate(stream, from, static_cast<std::byte*>(from) + copied_bytes / 2, to);
  result.launch_seconds = seconds(stream, 5,
                                  [&] {
                                    for (int i = 0; i < nodes; ++i) launch_empty(stream, false);
                                  }) /
                          nodes;
  result.graph_node_seconds = node_seconds(stream, false);
  result.overlapped_node_seconds = node_seconds(stream, true);
  must(cudaGetLastError());
  cudaFreeHost(host);
  cudaFree(from);
  cudaFree(to);
  cudaStreamDestroy(stream);
  return result;
}

}  // namespace quantscope::benchmarks
