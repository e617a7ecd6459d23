// SPDX-License-Identifier: GPL-3.0-or-later
#if defined(__x86_64__)
#include "kernels/cpu/lanes_avx2.h"
#include "kernels/cpu/simd_attention_template.h"
#include "kernels/cpu/simd_linear_template.h"
#include "kernels/cpu/simd_pointwise_template.h"

namespace quantscope {
namespace {
constexpr SimdKernels make_kernels() {
  SimdKernels kernels;
  fill_float_kernels<Avx2Lanes, ComputeType::fp32>(kernels);
  fill_float_kernels<Avx2Lanes, ComputeType::fp16>(kernels);
  fill_float_kernels<Avx2Lanes, ComputeType::bf16>(kernels);
  fill_attention_kernels<Avx2Lanes>(kernels);
  fill_pointwise_kernels<Avx2Lanes>(kernels);
  kernels.integer = integer_kernel<Avx2Integers>();
  return kernels;
}
constexpr SimdKernels kernels = make_kernels();
}  // namespace

const SimdKernels& avx2_kernels() { return kernels; }

}  // namespace quantscope
#endif
