// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/backend.h"

/// What every device checks before a fused operation, so that all refuse the same arguments with the same sentences.
/// Each fails with invalid_argument and names the sizes that do not agree.
namespace quantscope {

/// `rows` rows of the input can be multiplied with the weight.
Result<void> check_input(const Buffer& input, std::int64_t rows, const Weight& weight);
/// `rows` rows of products with the weight fit the output.
Result<void> check_output(const Buffer& output, std::int64_t rows, const Weight& weight);
/// The bias has one row with a value per output.
Result<void> check_bias(const Linear& linear);
/// Two weights whose products are combined have the same shape.
Result<void> check_pair(const Weight& gate, const Weight& up);
/// The norm has one weight per column of its input.
Result<void> check_norm(const Norm& norm, const Buffer& input);
/// The buffer has that many rows.
Result<void> check_scale(const Buffer& buffer, std::int64_t rows);
/// A span has the size that the operation needs; `name` is a plural.
Result<void> check_span(std::size_t have, std::size_t want, const char* name);
/// 0 <= id < end for all; `name` is what one of them is.
Result<void> check_ids(std::span<const std::int32_t> ids, std::int64_t end, const char* name);
/// All ids are rows of the table and fit the hidden buffer.
Result<void> check_embed(const Weight& table, std::span<const std::int32_t> ids, const Buffer& hidden);
/// The picked rows exist, the head fits them, and there is a result for each.
Result<void> check_head(const Buffer& hidden, std::span<const std::int32_t> picked, const Linear& head,
                        std::size_t results);
/// Both heads fit their rows and have one vocabulary, and there is a target in it and a result for each row.
Result<void> check_head_pair(const HeadRows& base, const HeadRows& other, std::span<const std::int32_t> targets,
                             std::size_t results);

/// The operation's shape is that of the cache.
Result<void> check_attention(const AttentionShape& shape, const KvShape& cache);
/// Queries, keys, values, head norms and frequencies have the attention's shape.
Result<void> check_rope(const Buffer& q, const Buffer& k, const Buffer& v, const AttentionShape& shape,
                        std::span<const float> inverse_frequencies);
/// Queries and output have the attention's shape.
Result<void> check_queries(const Buffer& q, const Buffer& output, const AttentionShape& shape);

/// Where one activation row stands.
struct RowPlace {
  std::int64_t row = 0;
  std::int64_t position = 0;
  std::span<const std::int32_t> pages;
};

/// One entry per row of all sequences, unless a row or a page is out of range.
Result<std::vector<RowPlace>> place_rows(std::span<const SequenceRows> sequences, const KvShape& shape,
                                         std::int64_t row_capacity);

}  // namespace quantscope
