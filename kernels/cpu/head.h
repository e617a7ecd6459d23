// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/backend.h"
#include "kernels/cpu/cpu_context.h"
#include "kernels/cpu/linear.h"

/// What becomes of the logits of the vocabulary matrix, tile by tile. `input` is [rows, columns], normalized.
namespace quantscope {

Result<void> compute_logits(LinearRunner& runner, const float* input, std::int64_t rows, const Linear& head,
                            std::span<float> logits);

Result<void> find_top(CpuContext& context, LinearRunner& runner, const float* input, std::int64_t rows,
                      const Linear& head, std::span<TopToken> top);

/// ln softmax(logits)[target] per row: sums of exponentials per tile in float64, tiles added in order.
Result<void> compute_log_probabilities(CpuContext& context, LinearRunner& runner, const float* input, std::int64_t rows,
                                       const Linear& head, std::span<const std::int32_t> targets,
                                       std::span<double> log_probabilities);

/// Backend::head_pair over normalized rows of both models: partial sums per vocabulary tile, added in order.
Result<void> compare_heads(CpuContext& context, LinearRunner& runner, const float* base_input, const Linear& base,
                           const float* other_input, const Linear& other, std::span<const std::int32_t> targets,
                           std::span<HeadPair> pairs);

}  // namespace quantscope
