// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

/// The instructions that have no spelling in C++, one function each; named and laid out as in the PTX manual.
/// Where the sources are compiled for the host, ptx_on_host.h defines the same functions.
#ifndef __CUDACC__
#include "ptx_on_host.h"
#else

namespace quantscope::cuda::ptx {

/// Four elements per register pair of a warp's matrices, as in the PTX manual, "Matrix fragments for mma.m16n8k16".
/// d[16, 8] += a[16, 16] b[16, 8], operands bfloat16, sums fp32. Needs sm_80; nothing happens below.
__device__ inline void mma_bf16(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]) {
#if __CUDA_ARCH__ >= 800
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#endif
}

/// The same with fp16 operands.
__device__ inline void mma_fp16(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]) {
#if __CUDA_ARCH__ >= 800
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#endif
}

/// d[16, 8] += a[16, 32] b[32, 8], operands signed bytes, sums int32. Needs sm_80; nothing happens below.
__device__ inline void mma_int8(std::int32_t (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]) {
#if __CUDA_ARCH__ >= 800
  asm volatile("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
               : "+r"(d[0]), "+r"(d[1]), "+r"(d[2]), "+r"(d[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#endif
}

/// Two floats rounded to nearest even and packed, `low` in the lower half.
__device__ inline std::uint32_t pack_bf16(float low, float high) {
#if __CUDA_ARCH__ >= 800
  std::uint32_t pair;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
  return pair;
#else
  return 0;
#endif
}
__device__ inline std::uint32_t pack_fp16(float low, float high) {
  std::uint32_t pair;
  asm("{.reg .f16 l, h; cvt.rn.f16.f32 l, %1; cvt.rn.f16.f32 h, %2; mov.b32 %0, {l, h};}"
      : "=r"(pair)
      : "f"(low), "f"(high));
  return pair;
}

/// 2^x to a relative error of 2^-22; results below 2^-126 are 0, of minus infinity too, and 2^0 is exactly 1.
__device__ inline float exp2_approximate(float x) {
  float result;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(x));
  return result;
}

/// 16 bytes that are read once: they pass by the L1 cache. Aligned to 16.
__device__ inline uint4 load_streaming(const void* address) {
  uint4 value;
  asm volatile("ld.global.nc.L1::no_allocate.v4.u32 {%0,%1,%2,%3}, [%4];"
               : "=r"(value.x), "=r"(value.y), "=r"(value.z), "=r"(value.w)
               : "l"(address));
  return value;
}

/// Fetches the line of device memory into the L2 cache.
__device__ inline void prefetch(const void* address) { asm volatile("prefetch.global.L2 [%0];" ::"l"(address)); }

/// The number by which instructions name a place in shared memory.
__device__ inline std::uint32_t shared_address(const void* shared) {
  return static_cast<std::uint32_t>(__cvta_generic_to_shared(shared));
}

/// 8 x 8 matrices of 16-bit elements from shared memory ("ldmatrix" in the PTX manual). Lane i gives the address of row
/// i % 8 of matrix i / 8, aligned to 16; it gets elements 2 (lane % 4) and the next one of row lane / 4 of every
/// matrix.
__device__ inline void load_matrix(std::uint32_t (&registers)[1], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%0}, [%1];"
               : "=r"(registers[0])
               : "r"(shared_address(row))
               : "memory");
}
__device__ inline void load_matrix(std::uint32_t (&registers)[2], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0,%1}, [%2];"
               : "=r"(registers[0]), "=r"(registers[1])
               : "r"(shared_address(row))
               : "memory");
}
__device__ inline void load_matrix(std::uint32_t (&registers)[4], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(registers[0]), "=r"(registers[1]), "=r"(registers[2]), "=r"(registers[3])
               : "r"(shared_address(row))
               : "memory");
}

/// The same of the transposed matrices.
__device__ inline void load_matrix_transposed(std::uint32_t (&registers)[1], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x1.trans.shared.b16 {%0}, [%1];"
               : "=r"(registers[0])
               : "r"(shared_address(row))
               : "memory");
}
__device__ inline void load_matrix_transposed(std::uint32_t (&registers)[2], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0,%1}, [%2];"
               : "=r"(registers[0]), "=r"(registers[1])
               : "r"(shared_address(row))
               : "memory");
}
__device__ inline void load_matrix_transposed(std::uint32_t (&registers)[4], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(registers[0]), "=r"(registers[1]), "=r"(registers[2]), "=r"(registers[3])
               : "r"(shared_address(row))
               : "memory");
}

/// Copies 16 bytes from device to shared memory, both aligned to 16, without waiting; bytes from `valid_bytes` on
/// become 0 and are not read. Nobody may touch the target until the calling thread has waited, and other threads only
/// after a barrier that follows. Below sm_80 the copy is done at once.
__device__ inline void copy_async(void* shared, const void* global, unsigned valid_bytes = 16) {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(shared)), "l"(global),
               "r"(valid_bytes)
               : "memory");
#else
  uint4 value{};
  if (valid_bytes == 16) {
    value = *static_cast<const uint4*>(global);
  } else {
    for (unsigned i = 0; i < valid_bytes; ++i) {
      reinterpret_cast<unsigned char*>(&value)[i] = static_cast<const unsigned char*>(global)[i];
    }
  }
  *static_cast<uint4*>(shared) = value;
#endif
}

/// The same for all of 4 bytes, aligned to 4.
__device__ inline void copy_async_word(void* shared, const void* global) {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4;" ::"r"(shared_address(shared)), "l"(global) : "memory");
#else
  *static_cast<std::uint32_t*>(shared) = *static_cast<const std::uint32_t*>(global);
#endif
}

/// Makes a group of the calling thread's copies since the last group.
__device__ inline void commit_copies() {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}

/// Waits until all but the latest `groups` groups of the calling thread have arrived.
template <unsigned groups>
__device__ inline void wait_for_copies() {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.wait_group %0;" ::"n"(groups) : "memory");
#endif
}

/// Waits until the kernels queued before have finished and their results can be read; the kernel must then have been
/// launched as overlapped (launch.h). Everything that an earlier kernel may write must be read, and everything that an
/// earlier kernel may read must be written, after this. Nothing happens below sm_90.
__device__ inline void wait_for_earlier_kernels() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

/// Lets the next kernel's blocks start as soon as there is room for them.
__device__ inline void let_next_kernel_start() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;");
#endif
}

/// The block's shared memory whose size the launch gives, aligned to 16.
__device__ inline void* dynamic_shared_memory() {
  extern __shared__ uint4 quantscope_dynamic_shared_memory[];
  return quantscope_dynamic_shared_memory;
}

}  // namespace quantscope::cuda::ptx

#endif
