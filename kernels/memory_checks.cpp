// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/memory_checks.h"

#include <algorithm>
#include <string>

namespace quantscope {
namespace {
std::string rows_text(std::int64_t first, std::int64_t count) {
  return "Rows " + std::to_string(first) + " to " + std::to_string(first + count);
}

bool is_group_index_valid(const QuantizedTensor& tensor) {
  const auto index = tensor.group_index.as<std::int32_t>();
  if (!tensor.format.group_index) return index.empty();
  const std::int64_t groups = groups_per_row(tensor.format, tensor.columns);
  return std::ssize(index) == tensor.columns &&
         std::ranges::all_of(index, [&](std::int32_t group) { return group >= 0 && group < groups; });
}
}  // namespace

Result<std::int64_t> buffer_bytes(std::int64_t row_capacity, std::int64_t columns) {
  std::int64_t bytes = 0;
  if (row_capacity > 0 && columns > 0 && !__builtin_mul_overflow(row_capacity, columns, &bytes) &&
      !__builtin_mul_overflow(bytes, std::int64_t{4}, &bytes)) {
    return bytes;
  }
  return fail(ErrorCode::invalid_argument, "A buffer of " + std::to_string(row_capacity) + " rows of " +
                                               std::to_string(columns) +
                                               " values is impossible; choose positive sizes.");
}

Result<void> check_copy(const Buffer& buffer, std::int64_t rows, std::size_t values) {
  if (rows >= 0 && rows <= buffer.row_capacity && static_cast<std::int64_t>(values) == rows * buffer.columns) return {};
  return fail(ErrorCode::invalid_argument, rows_text(0, rows) + " with " + std::to_string(values) +
                                               " values do not fit a buffer of " + std::to_string(buffer.row_capacity) +
                                               " rows of " + std::to_string(buffer.columns) + "; make it larger.");
}

Result<void> check_parts(const QuantizedTensor& tensor) {
  const WeightFormat& format = tensor.format;
  const bool blocks = format.code_type == CodeType::ggml_blocks;
  const std::int64_t unit = blocks ? ggml_type_info(format.ggml_type).block_values : 1;
  if (tensor.rows > 0 && tensor.columns > 0 && tensor.columns % unit == 0) {
    const FormatBytes bytes = format_bytes(format, tensor.rows, tensor.columns);
    const std::int64_t first_level = scale_bytes(format) * scale_count(format, tensor.rows, tensor.columns);
    const std::size_t rest = tensor.nested_absmax.size() + tensor.zeros.size() + tensor.group_index.size();
    if (static_cast<std::int64_t>(tensor.codes.size()) == bytes.codes &&
        static_cast<std::int64_t>(tensor.scales.size()) == first_level &&
        static_cast<std::int64_t>(rest) == bytes.scales - first_level && is_group_index_valid(tensor)) {
      return {};
    }
  }
  return fail(ErrorCode::invalid_argument,
              "A tensor of shape [" + std::to_string(tensor.rows) + ", " + std::to_string(tensor.columns) + "] with " +
                  std::to_string(tensor.codes.size()) + " bytes of codes does not have the size of its format.");
}

Result<void> check_decode(const Weight& weight, std::int64_t first_row, std::int64_t row_count, std::size_t values) {
  if (first_row >= 0 && row_count >= 0 && first_row <= weight.rows - row_count &&
      static_cast<std::int64_t>(values) == row_count * weight.columns) {
    return {};
  }
  return fail(ErrorCode::invalid_argument, rows_text(first_row, row_count) + " of a weight with " +
                                               std::to_string(weight.rows) + " rows cannot be decoded into " +
                                               std::to_string(values) + " values; ask for existing rows.");
}

Result<void> check_kv_shape(const KvShape& shape) {
  if (!is_dense(shape.type)) {
    return fail(ErrorCode::unsupported, "A KV cache cannot be stored as " +
                                            std::string(data_type_info(shape.type).label) +
                                            "; choose FP32, FP16 or BF16.");
  }
  std::int64_t bytes = 8;
  for (const std::int64_t size : {shape.layers, shape.kv_heads, shape.head_dim, shape.page_tokens, shape.pages}) {
    if (size <= 0 || __builtin_mul_overflow(bytes, size, &bytes)) {
      return fail(ErrorCode::invalid_argument,
                  "A KV cache of this shape is impossible; choose a positive context that fits in memory.");
    }
  }
  return {};
}

Result<void> check_page_copy(const KvShape& shape, std::int32_t from, std::int32_t to) {
  if (std::min(from, to) >= 0 && std::max(from, to) < shape.pages) return {};
  return fail(ErrorCode::invalid_argument, "Page " + std::to_string(from) + " cannot be copied to page " +
                                               std::to_string(to) + " of a KV cache with " +
                                               std::to_string(shape.pages) + " pages; use existing pages.");
}

}  // namespace quantscope
