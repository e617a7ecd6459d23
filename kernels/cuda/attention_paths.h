// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

#include "kernels/backend.h"
#include "kernels/cuda/linear_paths.h"
#include "kernels/cuda/prompt_attention.h"

/// Which kernel forms attention: the one place that decides, for each sequence of a batch by itself. What a row gets
/// depends on the path, on its query and on the keys and values that it sees; neither on the other sequences of the
/// batch nor on how many rows of its own are computed together, as long as the path is the same.
namespace quantscope::cuda {

enum class AttentionPath : std::uint8_t {
  rows,     ///< fp32 arithmetic, positions shared among blocks: attention_kernels.h
  prompts,  ///< tensor cores, queries and weights rounded to the type of the cache: prompt_attention.h
};

/// Rows of one sequence from which on tensor cores are used. An assumption, not yet from a benchmark.
inline constexpr std::int64_t smallest_prompt_rows = 16;

inline AttentionPath choose_attention_path(const KvShape& cache, std::int64_t rows, int capability) {
  const bool fits = cache.type != DataType::fp32 && prompt_attention_fits(cache.head_dim);
  return fits && rows >= smallest_prompt_rows && capability >= tensor_core_capability ? AttentionPath::prompts
                                                                                      : AttentionPath::rows;
}

}  // namespace quantscope::cuda
