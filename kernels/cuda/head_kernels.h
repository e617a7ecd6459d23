// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/cuda/head_parts.h"

namespace quantscope::cuda {

/// Logits that one thread looks at. The sums of a row depend on it, not on how the vocabulary is tiled.
inline constexpr std::int64_t logits_per_part = 256;

/// Logits [rows, outputs] of vocabulary ids first_id ..., a multiple of logits_per_part; all pointers are device
/// memory.
struct LogitTile {
  const float* logits = nullptr;
  std::int64_t rows = 0;
  std::int64_t outputs = 0;
  std::int64_t first_id = 0;
  std::int64_t parts_per_row = 0;  ///< of the whole vocabulary; parts are [rows, parts_per_row]
};
cudaError_t find_best(cudaStream_t stream, const LogitTile& tile, BestTwo* parts);
cudaError_t sum_exponentials(cudaStream_t stream, const LogitTile& tile, const std::int32_t* targets,
                             PartialSum* parts);
/// result[r] = the best of parts [rows, parts_per_row].
cudaError_t combine_best(cudaStream_t stream, const BestTwo* parts, std::int64_t rows, std::int64_t parts_per_row,
                         BestTwo* result);
/// result[r] = ln softmax(logits of row r)[its target].
cudaError_t combine_sums(cudaStream_t stream, const PartialSum* parts, std::int64_t rows, std::int64_t parts_per_row,
                         double* result);

/// Parts of the comparison of two heads; both tiles hold the same ids and rows.
cudaError_t compare_logits(cudaStream_t stream, const LogitTile& base, const LogitTile& other,
                           const std::int32_t* targets, PairPart* parts);
cudaError_t combine_pairs(cudaStream_t stream, const PairPart* parts, std::int64_t rows, std::int64_t parts_per_row,
                          PairResult* result);

}  // namespace quantscope::cuda
