// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

#include "vector_types.h"

/// The functions of kernels/cuda/ptx.h, which documents them, with the lane layout of the PTX manual. Sums of matrix
/// products are formed in double and rounded once; a GPU rounds more often, in an order that is not documented.
namespace quantscope::cuda::ptx {

void mma_bf16(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]);
void mma_fp16(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]);
void mma_int8(std::int32_t (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]);

void load_matrix(std::uint32_t (&registers)[1], const void* row);
void load_matrix(std::uint32_t (&registers)[2], const void* row);
void load_matrix(std::uint32_t (&registers)[4], const void* row);
void load_matrix_transposed(std::uint32_t (&registers)[1], const void* row);
void load_matrix_transposed(std::uint32_t (&registers)[2], const void* row);
void load_matrix_transposed(std::uint32_t (&registers)[4], const void* row);

/// The bytes hold a NaN pattern from here until the wait, and nobody may touch them.
void copy_async(void* shared, const void* global, unsigned valid_bytes = 16);
void copy_async_word(void* shared, const void* global);
void commit_copies();
void wait_for_copies_but(unsigned groups);
template <unsigned groups>
void wait_for_copies() {
  wait_for_copies_but(groups);
}

std::uint32_t pack_bf16(float low, float high);
std::uint32_t pack_fp16(float low, float high);
float exp2_approximate(float x);
uint4 load_streaming(const void* address);
inline void prefetch(const void*) {}

inline void wait_for_earlier_kernels() {}
inline void let_next_kernel_start() {}

void* dynamic_shared_memory();

}  // namespace quantscope::cuda::ptx

namespace cuda_on_host {
/// At the begin of a block: copies that ended threads left behind.
void forget_copies();
}  // namespace cuda_on_host
