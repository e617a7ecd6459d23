// SPDX-License-Identifier: GPL-3.0-or-later
#if defined(__x86_64__)
#include "kernels/cpu/lanes_avx512.h"
#include "kernels/cpu/simd_attention_template.h"
#include "kernels/cpu/simd_linear_template.h"
#include "kernels/cpu/simd_pointwise_template.h"

namespace quantscope {
namespace {
constexpr SimdKernels make_kernels() {
  SimdKernels kernels;
  fill_float_kernels<Avx512Lanes, ComputeType::fp32>(kernels);
  fill_float_kernels<Avx512Lanes, ComputeType::fp16>(kernels);
  fill_float_kernels<Avx512Lanes, ComputeType::bf16>(kernels);
  fill_attention_kernels<Avx512Lanes>(kernels);
  fill_pointwise_kernels<Avx512Lanes>(kernels);
  kernels.integer = integer_kernel<Avx512Integers>();
  return kernels;
}
constexpr SimdKernels kernels = make_kernels();
}  // namespace

const SimdKernels& avx512_kernels() { return kernels; }

}  // namespace quantscope
#endif
