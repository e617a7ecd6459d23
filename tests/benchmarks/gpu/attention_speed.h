// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/backend.h"

namespace quantscope::benchmarks {

/// Attention of one layer of a prompt from its first position on.
struct PromptShape {
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t rows = 0;
  DataType type = DataType::bf16;  ///< of the KV cache
};

/// Operations per second of attention alone, median of several runs: of the products with keys and values that rows
/// see, 4 * heads * head_dim per row and position. Random values.
Result<double> attention_flops_per_second(Backend& backend, const PromptShape& shape);

}  // namespace quantscope::benchmarks
