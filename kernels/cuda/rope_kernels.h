// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cuda_runtime.h>

#include "kernels/cuda/attention_batch.h"

/// Rotary embedding. All pointers are device memory.
namespace quantscope::cuda {

struct RopeArguments {
  Batch batch;
  float* q = nullptr;        ///< [rows, heads * head_dim], rotated in place
  const float* k = nullptr;  ///< [rows, kv_heads * head_dim]
  const float* v = nullptr;
  const float* inverse_frequencies = nullptr;  ///< [head_dim / 2]; null for no rotation
  KvView cache;
};
/// Rotates queries in place and writes rotated keys, and values, to the cache.
cudaError_t rotate_and_append(cudaStream_t stream, const RopeArguments& arguments);

}  // namespace quantscope::cuda
