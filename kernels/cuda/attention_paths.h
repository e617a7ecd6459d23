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

/// Queries of a warp on the path of prompts, where `group` heads share a key head. With 32 of them a fragment of keys
/// or values that was read from shared memory feeds two tensor core instructions for each that it feeds with 16.
///
/// An assumption, not measured on a GPU. On sm_90 a multiprocessor reads 128 bytes of shared memory a clock, so in four
/// clocks the 512 bytes of two fragments. With 16 queries these feed two m16n8k16, half of what its tensor cores can do
/// (by the datasheet 2,048 multiplications a clock, one m16n8k16); with 32, four. On sm_80, whose tensor cores do half
/// as many, 16 would just do. Two blocks of 255 registers a thread hold 256 queries, three of 167 hold 192; on sm_86,
/// 89 and 120 shared memory has room for two blocks in either form. Where the heads of a tile of 64 rows leave warps of
/// a block of 128 queries empty, it is 16.
constexpr int prompt_warp_queries(std::int64_t head_dim, std::int64_t group) {
  constexpr std::int64_t block_queries = std::int64_t{2} * smallest_warp_queries * prompt_block_warps;
  const bool fills_blocks = prompt_tile_rows * group % block_queries == 0;
  return head_dim <= largest_doubled_head_dim && fills_blocks ? 2 * smallest_warp_queries : smallest_warp_queries;
}

}  // namespace quantscope::cuda
