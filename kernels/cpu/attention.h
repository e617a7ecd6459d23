// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <span>

#include "kernels/backend.h"
#include "kernels/cpu/cpu_context.h"
#include "kernels/cpu/kv_storage.h"
#include "kernels/operation_checks.h"

namespace quantscope {

/// Scores between one head and the next when the longest row sees `longest` positions: kernels write whole vectors, and
/// a window may begin inside a page.
constexpr std::int64_t score_stride_of(std::int64_t longest, std::int64_t page_tokens) {
  return longest + 2 * page_tokens;
}
/// Bytes of the scores of one worker.
constexpr std::int64_t score_bytes(std::int64_t longest, std::int64_t page_tokens) {
  return max_query_heads * score_stride_of(longest, page_tokens) * static_cast<std::int64_t>(sizeof(float));
}

/// output[row] = softmax(cap(q . K * scale)) V of every row, see Backend::attention. q and output are
/// [rows, heads * head_dim].
Result<void> attend(CpuContext& context, const float* q, const AttentionShape& shape, std::span<const RowPlace> places,
                    const CpuKvStorage& storage, float* output);

}  // namespace quantscope
