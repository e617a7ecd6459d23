// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

#include "kernels/cuda/head_kernels.h"

/// How the head is cut into pieces that fit into memory.
namespace quantscope::cuda {

/// Vocabulary ids whose logits are there at a time.
inline constexpr std::int64_t head_tile_outputs = 32 * logits_per_part;
/// Rows that are asked about at a time, which bounds the logits of a tile to 16 MiB.
inline constexpr std::int64_t head_rows_at_once = 512;
/// Up to so many rows the best token is kept while products are formed.
inline constexpr std::int64_t head_rows_without_logits = 8;

/// Partial results of a row.
inline std::int64_t head_parts_per_row(std::int64_t vocabulary) {
  return (vocabulary + logits_per_part - 1) / logits_per_part;
}

}  // namespace quantscope::cuda
