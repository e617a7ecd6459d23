// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/backend.h"
#include "kernels/cpu/cpu_context.h"
#include "kernels/cpu/kv_storage.h"

namespace quantscope {

/// Where one activation row stands.
struct RowPlace {
  std::int64_t row = 0;
  std::int64_t position = 0;
  std::span<const std::int32_t> pages;
};

/// One entry per row of all sequences. Fails with invalid_argument when a row or page is out of range.
Result<std::vector<RowPlace>> place_rows(std::span<const SequenceRows> sequences, const KvShape& shape,
                                         std::int64_t row_capacity);

/// Fails with invalid_argument unless the operation's shape is that of the cache.
Result<void> check_attention(const AttentionShape& shape, const KvShape& cache);

/// output[row] = softmax(cap(q . K * scale)) V of every row, see Backend::attention. q and output are
/// [rows, heads * head_dim].
Result<void> attend(CpuContext& context, const float* q, const AttentionShape& shape, std::span<const RowPlace> places,
                    const CpuKvStorage& storage, float* output);

}  // namespace quantscope
