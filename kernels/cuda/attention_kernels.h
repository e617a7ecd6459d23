// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/cuda/attention_batch.h"

/// Attention in fp32, row by row: of generation, of fp32 caches and of GPUs whose tensor cores do not take 16-bit
/// types. prompt_attention.h is the other path. All pointers are device memory.
namespace quantscope::cuda {

/// Positions whose softmax is formed together. A row's result depends on the positions it sees, cut at multiples of
/// this, and on nothing else: it does not matter which rows are beside it or whether the chunks are computed side by
/// side.
inline constexpr std::int64_t attention_chunk = 128;

struct AttentionArguments {
  Batch batch;
  const float* q = nullptr;
  KvView cache;
  float scale = 1.0F;
  std::int64_t window = 0;
  float soft_cap = 0.0F;
  float* output = nullptr;          ///< [rows, heads * head_dim]
  bool one_sequence = false;        ///< all rows of the batch follow each other in one sequence
  std::int64_t rows_per_block = 1;  ///< set by attend()
  /// Blocks along the positions that work side by side, and what they leave for the others,
  /// [count, heads, chunks, head_dim + 2]; 1 and null when one block goes through all of a row's positions.
  std::int64_t chunks = 1;
  float* partials = nullptr;
  unsigned* arrivals = nullptr;  ///< with partials: [count, attention_head_groups()], 0 before and after
};
/// Groups of heads that share keys and a block.
std::int64_t attention_head_groups(std::int64_t heads, std::int64_t kv_heads);
/// The most arrivals of up to `rows` rows.
std::int64_t largest_attention_arrivals(std::int64_t rows, std::int64_t heads, std::int64_t kv_heads);
/// Chunks to work on side by side for so many rows that see up to `positions`.
std::int64_t attention_chunks(std::int64_t rows, std::int64_t positions);
/// The largest rows * chunks of up to `rows` rows that see up to `positions` where there are several chunks.
std::int64_t largest_attention_parts(std::int64_t rows, std::int64_t positions);
/// Precondition: head_dim is at most largest_head_dim.
cudaError_t attend(cudaStream_t stream, const AttentionArguments& arguments);

inline constexpr std::int64_t largest_head_dim = 256;

}  // namespace quantscope::cuda
