// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/cuda/attention_batch.h"

/// Attention of many rows of a sequence on tensor cores, as in FlashAttention-2 (Dao, arXiv:2307.08691): tiles of keys
/// and values go through shared memory once, the softmax is carried along and scores never leave the registers.
///
/// Queries are rounded to the type of the cache (bf16 or fp16) before the first product, and the exponentials of the
/// softmax, which lie in 0..1, before the second; sums, maxima and the softmax itself are fp32. The exponentials are
/// added up after they were rounded, so that a row's weights add up to 1. A query above 65504 becomes infinite in fp16,
/// as a key does when it is stored.
///
/// A row's result depends on its query and on the keys and values that it sees, which are cut at fixed positions; not
/// on the rows computed with it. There is one exception: a value in the cache that is not finite makes NaN of the rows
/// before it in the same tile too.
namespace quantscope::cuda {

/// Queries that a warp works on together at least, and warps of a block.
inline constexpr int smallest_warp_queries = 16;
inline constexpr int prompt_block_warps = 4;
/// Largest heads of which a warp can hold twice as many queries: of 128 values, sums alone would take 128 registers of
/// a thread's 255.
inline constexpr int largest_doubled_head_dim = 64;

struct PromptAttentionArguments {
  Batch batch;  ///< its locations are not read
  const PromptTile* tiles = nullptr;
  std::int64_t tile_count = 0;
  const float* q = nullptr;  ///< [rows, heads * head_dim]
  KvView cache;
  float scale = 1.0F;
  std::int64_t window = 0;  ///< positions seen, 0 = all before and including its own
  float soft_cap = 0.0F;
  float* output = nullptr;  ///< [rows, heads * head_dim]
  /// 16 or, up to largest_doubled_head_dim, 32: see attention_paths.h. Results are the same to the bit.
  int warp_queries = smallest_warp_queries;
};

inline constexpr std::int64_t largest_prompt_head_dim = 256;

/// Whether the kernel takes heads of this size: rows of the cache must be aligned to 16 bytes.
constexpr bool prompt_attention_fits(std::int64_t head_dim) {
  return head_dim % 8 == 0 && head_dim <= largest_prompt_head_dim;
}

/// Preconditions: a bf16 or fp16 cache, prompt_attention_fits() and a GPU of compute capability 8.0 or newer.
cudaError_t attend_prompts(cudaStream_t stream, const PromptAttentionArguments& arguments);

}  // namespace quantscope::cuda
