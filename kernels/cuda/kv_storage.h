// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

#include "kernels/cuda/attention_batch.h"
#include "kernels/formats/half.h"

/// How kernels address and read the KV cache.
namespace quantscope::cuda {

/// Element index in the cache of a head's key at a position; its value lies value_offset() further.
__device__ inline std::int64_t key_index(const KvView& cache, const Batch& batch, const RowLocation& location,
                                         std::int64_t position, std::int64_t kv_head) {
  const auto tokens = static_cast<std::int32_t>(cache.page_tokens);
  const auto place = static_cast<std::int32_t>(position);
  const std::int64_t page = batch.pages[location.first_page + place / tokens];
  const std::int64_t head_page = (batch.layer * cache.pages + page) * cache.kv_heads + kv_head;
  return (2 * head_page * tokens + place % tokens) * cache.head_dim;
}

__device__ inline std::int64_t value_offset(const KvView& cache) { return cache.page_tokens * cache.head_dim; }

__device__ inline void store(const KvView& cache, std::int64_t index, float value) {
  if (cache.type == DataType::fp32) {
    static_cast<float*>(cache.data)[index] = value;
  } else {
    static_cast<std::uint16_t*>(cache.data)[index] =
        cache.type == DataType::fp16 ? fp32_to_fp16(value) : fp32_to_bf16(value);
  }
}

/// The types of the cache, for kernels that take one as a template argument. load_eight() needs an address aligned to
/// 16, load_two() one aligned to both values when `aligned`; without a `second` value that is 0.
struct Fp32Storage {
  using Type = float;
  __device__ static float load(const float* at) { return *at; }
  __device__ static float2 load_two(const float* at, bool aligned, bool second) {
    if (aligned) return *reinterpret_cast<const float2*>(at);
    return {at[0], second ? at[1] : 0.0F};
  }
  __device__ static void load_eight(const float* at, float (&values)[8]) {
    const float4 low = reinterpret_cast<const float4*>(at)[0];
    const float4 high = reinterpret_cast<const float4*>(at)[1];
    values[0] = low.x, values[1] = low.y, values[2] = low.z, values[3] = low.w;
    values[4] = high.x, values[5] = high.y, values[6] = high.z, values[7] = high.w;
  }
};

struct Fp16Storage {
  using Type = std::uint16_t;
  __device__ static float load(const std::uint16_t* at) { return fp16_to_fp32(*at); }
  __device__ static float2 load_two(const std::uint16_t* at, bool aligned, bool second) {
    if (!aligned) return {load(at), second ? load(at + 1) : 0.0F};
    const std::uint32_t pair = *reinterpret_cast<const std::uint32_t*>(at);
    return {fp16_to_fp32(static_cast<std::uint16_t>(pair)), fp16_to_fp32(static_cast<std::uint16_t>(pair >> 16))};
  }
  __device__ static void load_eight(const std::uint16_t* at, float (&values)[8]) {
    const uint4 pairs = *reinterpret_cast<const uint4*>(at);
    const std::uint32_t words[4] = {pairs.x, pairs.y, pairs.z, pairs.w};
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      values[2 * i] = fp16_to_fp32(static_cast<std::uint16_t>(words[i]));
      values[2 * i + 1] = fp16_to_fp32(static_cast<std::uint16_t>(words[i] >> 16));
    }
  }
};

struct Bf16Storage {
  using Type = std::uint16_t;
  __device__ static float load(const std::uint16_t* at) { return bf16_to_fp32(*at); }
  __device__ static float2 load_two(const std::uint16_t* at, bool aligned, bool second) {
    if (!aligned) return {load(at), second ? load(at + 1) : 0.0F};
    const std::uint32_t pair = *reinterpret_cast<const std::uint32_t*>(at);
    return {float_from_bits(pair << 16), float_from_bits(pair & 0xFFFF0000U)};
  }
  __device__ static void load_eight(const std::uint16_t* at, float (&values)[8]) {
    const uint4 pairs = *reinterpret_cast<const uint4*>(at);
    const std::uint32_t words[4] = {pairs.x, pairs.y, pairs.z, pairs.w};
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      values[2 * i] = float_from_bits(words[i] << 16);
      values[2 * i + 1] = float_from_bits(words[i] & 0xFFFF0000U);
    }
  }
};

}  // namespace quantscope::cuda
