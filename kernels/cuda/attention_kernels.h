// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/formats/data_type.h"

/// Rotary embedding, the KV cache and attention. All pointers are device memory.
namespace quantscope::cuda {

/// The cache: [layer, page, kv head] of a key page [page_tokens, head_dim] followed by a value page of the same shape.
struct KvView {
  void* data = nullptr;
  std::int64_t pages = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t page_tokens = 0;
  DataType type = DataType::fp32;
};

/// Where one activation row stands; its pages are pages[first_page ...].
struct RowLocation {
  std::int64_t row = 0;
  std::int64_t position = 0;
  std::int64_t first_page = 0;

  bool operator==(const RowLocation&) const = default;
};

/// The rows of one operation.
struct Batch {
  const RowLocation* locations = nullptr;
  std::int64_t count = 0;
  const std::int32_t* pages = nullptr;
  std::int64_t layer = 0;
  std::int64_t heads = 0;
};

struct RopeArguments {
  Batch batch;
  float* q = nullptr;        ///< [rows, heads * head_dim], rotated in place
  const float* k = nullptr;  ///< [rows, kv_heads * head_dim]
  const float* v = nullptr;
  const float* inverse_frequencies = nullptr;  ///< [head_dim / 2]; null for no rotation
  KvView cache;
};
cudaError_t rotate_and_append(cudaStream_t stream, const RopeArguments& arguments);

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
};
/// Chunks to work on side by side for so many rows that see up to `positions`.
std::int64_t attention_chunks(std::int64_t rows, std::int64_t positions);
/// Precondition: head_dim is at most largest_head_dim.
cudaError_t attend(cudaStream_t stream, const AttentionArguments& arguments);

inline constexpr std::int64_t largest_head_dim = 256;

}  // namespace quantscope::cuda
