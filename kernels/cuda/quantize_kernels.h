// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/formats/data_type.h"
#include "kernels/quantized_tensor.h"

/// Encoding, bit for bit as kernels/cpu/reference/encode.h. All pointers are device memory.
///
/// Reciprocals of absmax are correctly rounded here. bitsandbytes builds its kernels with --use_fast_math, which makes
/// them rcp.approx.ftz.f32, off by at most one unit in the last place. A code can then differ, by one step, only where
/// a normalized value lies within such a unit of a threshold; scales never differ.
namespace quantscope::cuda {

/// Values that kernels read and codes that they write at a time.
inline constexpr std::int64_t encode_step = 8;

/// Consecutive values of the flat matrix that begin at a block (or row; dense types at a multiple of encode_step) and
/// end at such a place or at the end of the matrix.
struct EncodeArguments {
  const void* values = nullptr;      ///< aligned to 16
  DataType source = DataType::fp32;  ///< of the values: fp32, fp16 or bf16
  std::int64_t first = 0;            ///< flat position of values[0]
  std::int64_t count = 0;
  std::int64_t columns = 0;
  void* codes = nullptr;    ///< of the whole matrix
  float* absmax = nullptr;  ///< of the whole matrix, not nested; null for dense types
};
/// Precondition: `format` is dense, 4-bit flat blocks of even size, or int8 per row (whose rows may begin anywhere).
cudaError_t encode_values(cudaStream_t stream, const WeightFormat& format, const EncodeArguments& arguments);

/// Double quantization of `count` absmax values around `offset`.
struct NestedArguments {
  const float* absmax = nullptr;
  std::int64_t count = 0;
  float offset = 0.0F;
  const float* dynamic_thresholds = nullptr;  ///< the device's copy
  std::uint8_t* codes = nullptr;
  float* nested_absmax = nullptr;  ///< one per 256 values, then the offset
};
cudaError_t encode_absmax(cudaStream_t stream, const NestedArguments& arguments);

}  // namespace quantscope::cuda
