// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/operation_checks.h"

#include <string>

namespace quantscope {
namespace {
std::string shape_text(const Weight& weight) {
  return "[" + std::to_string(weight.rows) + ", " + std::to_string(weight.columns) + "]";
}

std::string shape_text(const Buffer& buffer) {
  return "[" + std::to_string(buffer.row_capacity) + ", " + std::to_string(buffer.columns) + "]";
}
}  // namespace

Result<void> check_input(const Buffer& input, std::int64_t rows, const Weight& weight) {
  if (rows >= 0 && rows <= input.row_capacity && input.columns == weight.columns) return {};
  return fail(ErrorCode::invalid_argument, std::to_string(rows) + " rows of a buffer " + shape_text(input) +
                                               " cannot be multiplied with a weight of " +
                                               std::to_string(weight.columns) +
                                               " input features; check the shapes of the model.");
}

Result<void> check_output(const Buffer& output, std::int64_t rows, const Weight& weight) {
  if (rows <= output.row_capacity && output.columns == weight.rows) return {};
  return fail(ErrorCode::invalid_argument, std::to_string(rows) + " rows of " + std::to_string(weight.rows) +
                                               " results do not fit a buffer " + shape_text(output) +
                                               "; check the shapes of the model.");
}

Result<void> check_bias(const Linear& linear) {
  if (linear.bias == nullptr || (linear.bias->rows == 1 && linear.bias->columns == linear.weight->rows)) return {};
  return fail(ErrorCode::invalid_argument, "A bias of shape " + shape_text(*linear.bias) +
                                               " does not fit a weight of shape " + shape_text(*linear.weight) +
                                               "; it must have one row with a value per output.");
}

Result<void> check_pair(const Weight& gate, const Weight& up) {
  if (gate.rows == up.rows && gate.columns == up.columns) return {};
  return fail(ErrorCode::invalid_argument, "Weights of shapes " + shape_text(gate) + " and " + shape_text(up) +
                                               " cannot be multiplied together; a pair must have the same shape.");
}

Result<void> check_norm(const Norm& norm, const Buffer& input) {
  if (norm.weight->rows == 1 && norm.weight->columns == input.columns) return {};
  return fail(ErrorCode::invalid_argument, "A norm of " + std::to_string(norm.weight->columns) +
                                               " weights does not fit rows of " + std::to_string(input.columns) +
                                               " values; check the shapes of the model.");
}

Result<void> check_scale(const Buffer& buffer, std::int64_t rows) {
  if (rows >= 0 && rows <= buffer.row_capacity) return {};
  return fail(ErrorCode::invalid_argument,
              std::to_string(rows) + " rows cannot be scaled in a buffer " + shape_text(buffer) + "; make it larger.");
}

Result<void> check_span(std::size_t have, std::size_t want, const char* name) {
  if (have == want) return {};
  return fail(ErrorCode::invalid_argument, "There is room for " + std::to_string(have) + " " + name + " but " +
                                               std::to_string(want) + " are asked for; make the sizes agree.");
}

Result<void> check_ids(std::span<const std::int32_t> ids, std::int64_t end, const char* name) {
  for (const std::int32_t id : ids) {
    if (id < 0 || id >= end) {
      return fail(ErrorCode::invalid_argument, std::string(name) + " " + std::to_string(id) + " is not below " +
                                                   std::to_string(end) + "; check the tokenizer and the model.");
    }
  }
  return {};
}

Result<void> check_embed(const Weight& table, std::span<const std::int32_t> ids, const Buffer& hidden) {
  if (auto valid = check_ids(ids, table.rows, "Token id"); !valid) return valid;
  if (hidden.columns == table.columns && std::ssize(ids) <= hidden.row_capacity) return {};
  return fail(ErrorCode::invalid_argument, std::to_string(ids.size()) + " embeddings of " +
                                               std::to_string(table.columns) +
                                               " values do not fit the hidden buffer; make it larger.");
}

Result<void> check_head(const Buffer& hidden, std::span<const std::int32_t> picked, const Linear& head,
                        std::size_t results) {
  if (auto valid = check_ids(picked, hidden.row_capacity, "Row"); !valid) return valid;
  if (auto valid = check_input(hidden, 0, *head.weight); !valid) return valid;
  return check_span(results, picked.size(), "results");
}

Result<void> check_head_pair(const HeadRows& base, const HeadRows& other, std::span<const std::int32_t> targets,
                             std::size_t results) {
  if (auto valid = check_pair(*base.head.weight, *other.head.weight); !valid) return valid;
  if (auto valid = check_ids(targets, base.head.weight->rows, "Target id"); !valid) return valid;
  if (auto valid = check_span(targets.size(), results, "targets"); !valid) return valid;
  if (auto valid = check_head(*base.hidden, base.picked, base.head, results); !valid) return valid;
  return check_head(*other.hidden, other.picked, other.head, results);
}

Result<void> check_attention(const AttentionShape& shape, const KvShape& cache) {
  const bool fits = shape.layer >= 0 && shape.layer < cache.layers && shape.kv_heads == cache.kv_heads &&
                    shape.head_dim == cache.head_dim && shape.heads > 0 && shape.heads % shape.kv_heads == 0;
  if (fits) return {};
  return fail(ErrorCode::invalid_argument,
              "Attention with " + std::to_string(shape.heads) + " heads, " + std::to_string(shape.kv_heads) +
                  " key/value heads of " + std::to_string(shape.head_dim) + " in layer " + std::to_string(shape.layer) +
                  " does not fit the KV cache; create the cache for this model.");
}

Result<void> check_rope(const Buffer& q, const Buffer& k, const Buffer& v, const AttentionShape& shape,
                        std::span<const float> inverse_frequencies) {
  const std::int64_t kv_width = shape.kv_heads * shape.head_dim;
  const std::int64_t half = std::ssize(inverse_frequencies);
  const auto fits_head = [&shape](const Norm& norm) {
    return norm.weight == nullptr || (norm.weight->rows == 1 && norm.weight->columns == shape.head_dim);
  };
  if (q.columns == shape.heads * shape.head_dim && k.columns == kv_width && v.columns == kv_width &&
      (half == 0 || 2 * half == shape.head_dim) && fits_head(shape.query_norm) && fits_head(shape.key_norm)) {
    return {};
  }
  return fail(
      ErrorCode::invalid_argument,
      "Queries, keys, values, their norms and rotary frequencies do not have the attention's shape; check the model.");
}

Result<void> check_queries(const Buffer& q, const Buffer& output, const AttentionShape& shape) {
  if (q.columns == shape.heads * shape.head_dim && output.columns == q.columns) return {};
  return fail(ErrorCode::invalid_argument, "Queries and output do not have the attention's shape; check the model.");
}

Result<std::vector<RowPlace>> place_rows(std::span<const SequenceRows> sequences, const KvShape& shape,
                                         std::int64_t row_capacity) {
  std::vector<RowPlace> places;
  for (const SequenceRows& sequence : sequences) {
    const std::int64_t end = sequence.first_position + sequence.row_count;
    if (sequence.first_row < 0 || sequence.row_count < 0 || sequence.first_row + sequence.row_count > row_capacity ||
        sequence.first_position < 0 || end > std::ssize(sequence.pages) * shape.page_tokens) {
      return fail(ErrorCode::invalid_argument, "A sequence ends at position " + std::to_string(end) +
                                                   ", outside of its pages or of the batch; extend it first.");
    }
    for (const std::int32_t page : sequence.pages) {
      if (page < 0 || page >= shape.pages) {
        return fail(ErrorCode::invalid_argument, "Page " + std::to_string(page) + " is not one of the " +
                                                     std::to_string(shape.pages) +
                                                     " pages of the KV cache; use pages of the same cache.");
      }
    }
    for (std::int64_t i = 0; i < sequence.row_count; ++i) {
      places.push_back({sequence.first_row + i, sequence.first_position + i, sequence.pages});
    }
  }
  return places;
}

}  // namespace quantscope
