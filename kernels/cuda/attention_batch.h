// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

#include "kernels/formats/data_type.h"

/// Where the rows of an operation and the KV cache lie. All pointers are device memory.
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

/// Most rows of a PromptTile.
inline constexpr std::int64_t prompt_tile_rows = 64;

/// Rows of one sequence that follow each other.
struct PromptTile {
  RowLocation first;
  std::int64_t rows = 0;

  bool operator==(const PromptTile&) const = default;
};

/// The rows of one operation.
struct Batch {
  const RowLocation* locations = nullptr;
  std::int64_t count = 0;
  const std::int32_t* pages = nullptr;
  std::int64_t layer = 0;
  std::int64_t heads = 0;
};

}  // namespace quantscope::cuda
