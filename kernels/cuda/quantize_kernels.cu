// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cuda/quantize_kernels.h"

#include <algorithm>

#include "kernels/cuda/code_search.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/source_values.h"
#include "kernels/formats/block_scale.h"
#include "kernels/formats/dynamic_map.h"
#include "kernels/formats/half.h"
#include "kernels/formats/int8.h"
#include "kernels/formats/levels.h"

namespace quantscope::cuda {
namespace {
constexpr std::int64_t lanes_per_warp = 32;
// Enough blocks of threads for every GPU to be full several times; each then builds its table of codes once.
constexpr std::int64_t most_groups_of_threads = 4096;

/// Two 16-bit values in a word, in memory order.
__device__ std::uint32_t pack_16(CodeType type, float low, float high) {
  const bool half = type == CodeType::float16;
  const std::uint32_t first = half ? fp32_to_fp16(low) : fp32_to_bf16(low);
  const std::uint32_t second = half ? fp32_to_fp16(high) : fp32_to_bf16(high);
  return second << 16 | first;
}

/// Eight values per thread.
template <class Source>
__global__ void dense_kernel(EncodeArguments a, CodeType type) {
  const std::int64_t i = thread_number() * values_per_load;
  if (i >= a.count) return;
  const EightValues values = load_eight<Source>(a.values, i, a.count, true);
  const bool full = i + values_per_load <= a.count;
  if (type == CodeType::float32) {
    float* const to = static_cast<float*>(a.codes) + a.first + i;
    if (full) {
      reinterpret_cast<float4*>(to)[0] = {values.at[0], values.at[1], values.at[2], values.at[3]};
      reinterpret_cast<float4*>(to)[1] = {values.at[4], values.at[5], values.at[6], values.at[7]};
    }
    for (int n = 0; n < values_per_load; ++n) {
      if (!full && i + n < a.count) to[n] = values.at[n];
    }
    return;
  }
  std::uint16_t* const to = static_cast<std::uint16_t*>(a.codes) + a.first + i;
  std::uint32_t words[4];
  for (int w = 0; w < 4; ++w) words[w] = pack_16(type, values.at[2 * w], values.at[2 * w + 1]);
  if (full) *reinterpret_cast<uint4*>(to) = {words[0], words[1], words[2], words[3]};
  for (int n = 0; n < values_per_load; ++n) {  // a fixed count keeps `words` in registers
    if (!full && i + n < a.count) to[n] = static_cast<std::uint16_t>(words[n / 2] >> 16 * (n % 2));
  }
}

__device__ float extend_absmax(float absmax, const EightValues& values) {
  for (const float value : values.at) absmax = quantscope::extend_absmax(absmax, value);
  return absmax;
}

/// Writes the packed codes of eight values at flat position `at`; from a.count on there are none.
__device__ void store_codes(const EncodeArguments& a, std::int64_t i, std::uint32_t word) {
  std::uint8_t* const to = static_cast<std::uint8_t*>(a.codes) + (a.first + i) / 2;
  if (i + values_per_load <= a.count) {
    *reinterpret_cast<std::uint32_t*>(to) = word;
    return;
  }
  for (std::int64_t n = 0; i + 2 * n < a.count; ++n) to[n] = static_cast<std::uint8_t>(word >> 8 * n);
}

/// Blocks of 8 to 256 values by 1 to 32 lanes, which keep them in registers; larger blocks by 32 lanes, which read them
/// twice. `block_size` is a power of two, at least 8.
template <class Source>
__global__ void block_kernel(EncodeArguments a, Levels levels, std::int64_t block_size, int lanes) {
  __shared__ SearchBin table[search_bin_count];
  if (levels != Levels::int4 && threadIdx.x < search_bin_count)
    table[threadIdx.x] = make_search_bin(levels, threadIdx.x);
  __syncthreads();
  const std::int64_t step = lanes * values_per_load;
  const std::int64_t threads = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  const std::int64_t blocks = (a.count + block_size - 1) / block_size;
  // All lanes of a warp stay together, as they exchange their maxima; those behind the end find nothing to do.
  for (std::int64_t warp = thread_number() / lanes_per_warp; warp * lanes_per_warp / lanes < blocks;
       warp += threads / lanes_per_warp) {
    const std::int64_t block = (warp * lanes_per_warp + threadIdx.x % lanes_per_warp) / lanes;
    const std::int64_t end = block * block_size + block_size < a.count ? block * block_size + block_size : a.count;
    const std::int64_t mine = block * block_size + threadIdx.x % lanes * values_per_load;
    EightValues values = load_eight<Source>(a.values, mine, end, true);
    float absmax = extend_absmax(0.0F, values);
    for (std::int64_t i = mine + step; i < end; i += step) {
      absmax = extend_absmax(absmax, load_eight<Source>(a.values, i, end, true));
    }
    absmax = largest_of_lanes(absmax, lanes);
    if (mine == block * block_size && mine < end) a.absmax[a.first / block_size + block] = absmax;
    const float divisor = block_divisor(levels, absmax);
    for (std::int64_t i = mine; i < end; i += step) {
      if (i != mine) values = load_eight<Source>(a.values, i, end, true);
      std::uint32_t word = 0;
      for (int n = 0; n < values_per_load; ++n) {
        word |= search_code(levels, table, values.at[n], divisor) << (8 * (n / 2) + (n % 2 == 0 ? 4 : 0));
      }
      store_codes(a, i, word);
    }
  }
}

/// One block per thread, for block sizes that do not fit lanes of a warp.
template <class Source>
__global__ void odd_block_kernel(EncodeArguments a, Levels levels, std::int64_t block_size) {
  const std::int64_t begin = thread_number() * block_size;
  if (begin >= a.count) return;
  const auto* const values = static_cast<const typename Source::Stored*>(a.values);
  const std::int64_t end = begin + block_size < a.count ? begin + block_size : a.count;
  float absmax = 0.0F;
  for (std::int64_t i = begin; i < end; ++i) absmax = quantscope::extend_absmax(absmax, Source::value(values[i]));
  a.absmax[(a.first + begin) / block_size] = absmax;
  const float divisor = block_divisor(levels, absmax);
  auto* const packed = static_cast<std::uint8_t*>(a.codes) + a.first / 2;
  for (std::int64_t i = begin; i < end; i += 2) {
    const float second = i + 1 < end ? Source::value(values[i + 1]) : 0.0F;
    const int codes =
        encode_4bit(levels, Source::value(values[i]), divisor) << 4 | encode_4bit(levels, second, divisor);
    packed[i / 2] = static_cast<std::uint8_t>(codes);
  }
}

/// One row per warp. Rows whose length is a multiple of 8 are read and written in vectors.
template <class Source>
__global__ void int8_row_kernel(EncodeArguments a) {
  const std::int64_t row = thread_number() / lanes_per_warp;
  if (row >= a.count / a.columns) return;  // whole warps
  const std::int64_t begin = row * a.columns;
  const std::int64_t end = begin + a.columns;
  const std::int64_t mine = begin + threadIdx.x % lanes_per_warp * values_per_load;
  const std::int64_t step = lanes_per_warp * values_per_load;
  const bool aligned = a.columns % values_per_load == 0;
  float absmax = 0.0F;
  for (std::int64_t i = mine; i < end; i += step) {
    const EightValues values = load_eight<Source>(a.values, i, end, aligned);
    for (const float value : values.at) {
      const float size = magnitude(int8_source(value));
      absmax = size > absmax ? size : absmax;
    }
  }
  absmax = largest_of_lanes(absmax, lanes_per_warp);
  if (threadIdx.x % lanes_per_warp == 0) a.absmax[a.first / a.columns + row] = absmax;
  const float multiplier = int8_multiplier(absmax);
  auto* const codes = static_cast<std::int8_t*>(a.codes) + a.first;
  for (std::int64_t i = mine; i < end; i += step) {
    const EightValues values = load_eight<Source>(a.values, i, end, aligned);
    std::uint32_t words[2] = {};
    for (int n = 0; n < values_per_load; ++n) {
      const auto code = static_cast<std::uint8_t>(encode_int8(int8_source(values.at[n]), multiplier));
      words[n / 4] |= static_cast<std::uint32_t>(code) << 8 * (n % 4);
    }
    if (aligned) *reinterpret_cast<uint2*>(codes + i) = {words[0], words[1]};
    for (int n = 0; n < values_per_load; ++n) {
      if (!aligned && i + n < end) codes[i + n] = static_cast<std::int8_t>(words[n / 4] >> 8 * (n % 4));
    }
  }
}

/// 256 scales per warp, eight per lane.
__global__ void nested_kernel(NestedArguments a) {
  static_assert(nested_block_size == lanes_per_warp * values_per_load);
  const std::int64_t block = thread_number() / lanes_per_warp;
  const std::int64_t blocks = (a.count + nested_block_size - 1) / nested_block_size;
  if (block >= blocks) return;  // whole warps
  const std::int64_t mine = block * nested_block_size + threadIdx.x % lanes_per_warp * values_per_load;
  EightValues values = load_eight<Fp32Source>(a.absmax, mine, a.count, true);
  float absmax = 0.0F;
  for (int n = 0; n < values_per_load; ++n) {
    values.at[n] -= a.offset;
    if (mine + n < a.count) absmax = quantscope::extend_absmax(absmax, values.at[n]);
  }
  absmax = largest_of_lanes(absmax, lanes_per_warp);
  if (threadIdx.x % lanes_per_warp == 0) a.nested_absmax[block] = absmax;
  if (block == 0 && threadIdx.x == 0) a.nested_absmax[blocks] = a.offset;
  const float reciprocal = block_reciprocal(absmax);
  for (int n = 0; n < values_per_load && mine + n < a.count; ++n) {
    a.codes[mine + n] = encode_dynamic(normalize(values.at[n], reciprocal), a.dynamic_thresholds);
  }
}

template <class Source>
cudaError_t encode_blocks(cudaStream_t stream, const WeightFormat& format, const EncodeArguments& arguments) {
  const std::int64_t blocks = (arguments.count + format.block_size - 1) / format.block_size;
  const bool power_of_two = (format.block_size & (format.block_size - 1)) == 0;
  if (!power_of_two || format.block_size < values_per_load) {
    return launch(stream, {blocks}, odd_block_kernel<Source>, arguments, format.levels, format.block_size);
  }
  const std::int64_t lanes = std::min(lanes_per_warp, format.block_size / values_per_load);
  const std::int64_t threads = std::min(blocks * lanes, most_groups_of_threads * threads_per_block);
  return launch(stream, {threads}, block_kernel<Source>, arguments, format.levels, format.block_size,
                static_cast<int>(lanes));
}

template <class Source>
cudaError_t encode(cudaStream_t stream, const WeightFormat& format, const EncodeArguments& arguments) {
  switch (format.scale_layout) {
    case ScaleLayout::none: {
      const std::int64_t threads = (arguments.count + values_per_load - 1) / values_per_load;
      return launch(stream, {threads}, dense_kernel<Source>, arguments, format.code_type);
    }
    case ScaleLayout::per_row: {
      const std::int64_t rows = arguments.count / arguments.columns;
      return launch(stream, {rows * lanes_per_warp}, int8_row_kernel<Source>, arguments);
    }
    case ScaleLayout::flat_blocks: return encode_blocks<Source>(stream, format, arguments);
    case ScaleLayout::row_groups:
    case ScaleLayout::whole:
    case ScaleLayout::tiles: break;
  }
  return cudaErrorInvalidValue;
}
}  // namespace

cudaError_t encode_values(cudaStream_t stream, const WeightFormat& format, const EncodeArguments& arguments) {
  switch (arguments.source) {
    case DataType::fp32: return encode<Fp32Source>(stream, format, arguments);
    case DataType::fp16: return encode<Fp16Source>(stream, format, arguments);
    case DataType::bf16: return encode<Bf16Source>(stream, format, arguments);
    default: return cudaErrorInvalidValue;
  }
}

cudaError_t encode_absmax(cudaStream_t stream, const NestedArguments& arguments) {
  const std::int64_t blocks = (arguments.count + nested_block_size - 1) / nested_block_size;
  return launch(stream, {blocks * lanes_per_warp}, nested_kernel, arguments);
}

}  // namespace quantscope::cuda
