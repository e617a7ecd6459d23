// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

/// Kernels that use one part of the shim each, for tests that compare the result with what CUDA's manuals say.
namespace quantscope::testing {

/// Which product of PTX's mma.sync.
enum class MatrixProduct { bf16, fp16, int8 };

/// d[16, 8] += a[16, K] b[K, 8] by one warp; a and d row by row, b column by column. K is 16 for 16-bit elements and 32
/// for bytes. d is fp32, or int32 for bytes.
cudaError_t multiply_matrices(MatrixProduct product, const void* a, const void* b, void* d);

/// values[32] of one warp: for each lane the sum over its group of `width` lanes by shuffles.
cudaError_t sum_over_lanes(float* values, int width);

/// Four matrices [8, 8] of 16-bit elements as ldmatrix gives them to the lanes, and transposed: all are read and
/// written row by row.
cudaError_t transpose(const std::uint16_t* rows, std::uint16_t* plain, std::uint16_t* transposed);

/// values[blocks] by `blocks` blocks of 256 threads: sums of inputs[blocks, 256] through shared memory and warps.
cudaError_t sum_over_blocks(const float* inputs, std::int64_t blocks, float* values);

/// histogram[256] of `count` bytes, by atomics in shared and in device memory.
cudaError_t count_bytes(const std::uint8_t* bytes, std::int64_t count, unsigned* histogram);

/// values[i] += increment, for tests of graphs.
cudaError_t increase(cudaStream_t stream, float* values, std::int64_t count, float increment);

}  // namespace quantscope::testing
