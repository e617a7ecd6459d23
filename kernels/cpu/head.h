// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/backend.h"
#include "kernels/cpu/cpu_context.h"
#include "kernels/cpu/linear.h"

/// What becomes of the logits of the vocabulary matrix, tile by tile. `input` is [rows, columns], normalized, of at
/// most head_rows_at_once rows.
namespace quantscope {

/// Partial results are kept per row and vocabulary tile; this bounds them to a few megabytes.
inline constexpr std::int64_t head_rows_at_once = 128;

/// Bytes of the partial results that the functions below keep for `rows` rows of a head or, for compare_heads(), of a
/// pair of heads.
std::int64_t head_part_bytes(const LinearShape& head, std::int64_t rows, int workers, bool pair);

Result<void> compute_logits(LinearRunner& runner, const float* input, std::int64_t rows, const Linear& head,
                            std::span<float> logits);

Result<void> find_top(CpuContext& context, LinearRunner& runner, const float* input, const Linear& head,
                      std::span<TopToken> top);

/// ln softmax(logits)[target] per row: sums of exponentials per tile in float64, tiles added in order.
Result<void> compute_log_probabilities(CpuContext& context, LinearRunner& runner, const float* input,
                                       const Linear& head, std::span<const std::int32_t> targets,
                                       std::span<double> log_probabilities);

/// Backend::head_pair over normalized rows of both models: partial sums per vocabulary tile, added in order.
Result<void> compare_heads(CpuContext& context, LinearRunner& runner, const float* base_input, const Linear& base,
                           const float* other_input, const Linear& other, std::span<const std::int32_t> targets,
                           std::span<HeadPair> pairs);

}  // namespace quantscope
