// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

#include "kernels/cuda/ptx.h"
#include "kernels/formats/half.h"
#include "kernels/quantized_tensor.h"

/// What a kernel needs to know of a 16-bit compute type; kernels take one of these as a template argument.
namespace quantscope::cuda {

struct Bfloat16Compute {
  static constexpr ComputeType type = ComputeType::bf16;
  static constexpr CodeType code_type = CodeType::bfloat16;
  static constexpr std::uint32_t pair_of_ones = 0x3F803F80U;
  __device__ static std::uint32_t pack(float low, float high) { return ptx::pack_bf16(low, high); }
  __device__ static void mma(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]) {
    ptx::mma_bf16(d, a, b);
  }
};

struct Float16Compute {
  static constexpr ComputeType type = ComputeType::fp16;
  static constexpr CodeType code_type = CodeType::float16;
  static constexpr std::uint32_t pair_of_ones = 0x3C003C00U;
  __device__ static std::uint32_t pack(float low, float high) { return ptx::pack_fp16(low, high); }
  __device__ static void mma(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]) {
    ptx::mma_fp16(d, a, b);
  }
};

}  // namespace quantscope::cuda
