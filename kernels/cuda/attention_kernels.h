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

struct AttentionArguments {
  Batch batch;
  const float* q = nullptr;
  KvView cache;
  float scale = 1.0F;
  std::int64_t window = 0;
  float soft_cap = 0.0F;
  std::int64_t score_stride = 0;  ///< at least the positions that any row sees
  float* scores = nullptr;        ///< scratch [count, heads, score_stride]
  float* sums = nullptr;          ///< scratch [count, heads]
  float* output = nullptr;        ///< [rows, heads * head_dim]
};
cudaError_t attend(cudaStream_t stream, const AttentionArguments& arguments);

}  // namespace quantscope::cuda
