// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cuda/quantize_kernels.h"

#include "kernels/cuda/launch.h"
#include "kernels/formats/block_scale.h"
#include "kernels/formats/dynamic_map.h"
#include "kernels/formats/half.h"
#include "kernels/formats/int8.h"
#include "kernels/formats/levels.h"

namespace quantscope::cuda {
namespace {

/// One value per thread.
__global__ void dense_kernel(EncodeArguments a, CodeType type) {
  const std::int64_t i = thread_number();
  if (i >= a.count) return;
  if (type == CodeType::float32) {
    static_cast<float*>(a.codes)[a.first + i] = a.values[i];
  } else {
    static_cast<std::uint16_t*>(a.codes)[a.first + i] =
        type == CodeType::float16 ? fp32_to_fp16(a.values[i]) : fp32_to_bf16(a.values[i]);
  }
}

/// One block per thread.
__global__ void block_kernel(EncodeArguments a, Levels levels, std::int64_t block_size) {
  const std::int64_t begin = thread_number() * block_size;
  if (begin >= a.count) return;
  const std::int64_t end = begin + block_size < a.count ? begin + block_size : a.count;
  float absmax = 0.0F;
  for (std::int64_t i = begin; i < end; ++i) absmax = extend_absmax(absmax, a.values[i]);
  a.absmax[(a.first + begin) / block_size] = absmax;
  const float divisor = block_divisor(levels, absmax);
  auto* packed = static_cast<std::uint8_t*>(a.codes) + a.first / 2;
  for (std::int64_t i = begin; i < end; i += 2) {
    const float second = i + 1 < end ? a.values[i + 1] : 0.0F;
    const int codes = encode_4bit(levels, a.values[i], divisor) << 4 | encode_4bit(levels, second, divisor);
    packed[i / 2] = static_cast<std::uint8_t>(codes);
  }
}

/// One row per thread.
__global__ void int8_row_kernel(EncodeArguments a) {
  const std::int64_t begin = thread_number() * a.columns;
  if (begin >= a.count) return;
  float absmax = 0.0F;
  for (std::int64_t i = begin; i < begin + a.columns; ++i) {
    const float size = magnitude(int8_source(a.values[i]));
    absmax = size > absmax ? size : absmax;
  }
  a.absmax[(a.first + begin) / a.columns] = absmax;
  const float multiplier = int8_multiplier(absmax);
  auto* codes = static_cast<std::int8_t*>(a.codes) + a.first;
  for (std::int64_t i = begin; i < begin + a.columns; ++i) codes[i] = encode_int8(int8_source(a.values[i]), multiplier);
}

/// One block of scales per thread.
__global__ void nested_kernel(NestedArguments a) {
  const std::int64_t block = thread_number();
  const std::int64_t blocks = (a.count + nested_block_size - 1) / nested_block_size;
  if (block == 0) a.nested_absmax[blocks] = a.offset;
  if (block >= blocks) return;
  const std::int64_t begin = block * nested_block_size;
  const std::int64_t end = begin + nested_block_size < a.count ? begin + nested_block_size : a.count;
  float absmax = 0.0F;
  for (std::int64_t i = begin; i < end; ++i) absmax = extend_absmax(absmax, a.absmax[i] - a.offset);
  a.nested_absmax[block] = absmax;
  const float reciprocal = block_reciprocal(absmax);
  for (std::int64_t i = begin; i < end; ++i) {
    a.codes[i] = encode_dynamic(normalize(a.absmax[i] - a.offset, reciprocal), a.dynamic_thresholds);
  }
}
}  // namespace

cudaError_t encode_values(cudaStream_t stream, const WeightFormat& format, const EncodeArguments& arguments) {
  switch (format.scale_layout) {
    case ScaleLayout::none: return launch(stream, {arguments.count}, dense_kernel, arguments, format.code_type);
    case ScaleLayout::per_row: return launch(stream, {arguments.count / arguments.columns}, int8_row_kernel, arguments);
    case ScaleLayout::flat_blocks: {
      const std::int64_t blocks = (arguments.count + format.block_size - 1) / format.block_size;
      return launch(stream, {blocks}, block_kernel, arguments, format.levels, format.block_size);
    }
    case ScaleLayout::row_groups: break;
  }
  return cudaErrorInvalidValue;
}

cudaError_t encode_absmax(cudaStream_t stream, const NestedArguments& arguments) {
  return launch(stream, {(arguments.count + nested_block_size - 1) / nested_block_size}, nested_kernel, arguments);
}

}  // namespace quantscope::cuda
