// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/quantized_tensor.h"

#include <string>

namespace quantscope {
namespace {
// Keeps every byte count below 2^53: exact in JSON and far from the limits of int64.
constexpr std::int64_t largest_element_count = std::int64_t{1} << 50;

std::int64_t divide_up(std::int64_t count, std::int64_t size) { return (count + size - 1) / size; }

std::int64_t code_bytes(const WeightFormat& format, std::int64_t rows, std::int64_t columns) {
  switch (format.code_type) {
    case CodeType::float32: return 4 * rows * columns;
    case CodeType::float16:
    case CodeType::bfloat16: return 2 * rows * columns;
    case CodeType::signed8:
    case CodeType::float8_e4m3: return rows * columns;
    case CodeType::packed4: return divide_up(rows * columns, 2);
    case CodeType::unsigned_bits: return rows * bit_row_bytes(columns, format.code_bits);
    case CodeType::ggml_blocks: return ggml_bytes(format.ggml_type, rows * columns);
  }
  return 0;
}

std::int64_t zero_point_bytes(const WeightFormat& format, std::int64_t rows, std::int64_t columns) {
  if (format.zero_point == ZeroPoint::none) return 0;
  const std::int64_t groups = groups_per_row(format, columns);
  if (format.zero_point == ZeroPoint::integer) return rows * bit_row_bytes(groups, format.code_bits);
  return rows * groups * scale_bytes(format);
}

std::int64_t group_index_bytes(const WeightFormat& format, std::int64_t columns) {
  return format.group_index ? 4 * columns : 0;
}

std::int64_t nested_values(std::int64_t scales) { return divide_up(scales, nested_block_size) + 1; }

bool is_blocked(ScaleLayout layout) {
  return layout == ScaleLayout::flat_blocks || layout == ScaleLayout::row_groups || layout == ScaleLayout::tiles;
}

Result<void> check_affine(const WeightFormat& format) {
  const bool affine = format.levels == Levels::affine;
  if (affine != (format.code_type == CodeType::unsigned_bits) ||
      (affine && format.scale_layout != ScaleLayout::row_groups))
    return fail(ErrorCode::invalid_argument, "Affine levels need unsigned codes in groups along K; choose these.");
  if (affine && format.code_bits != 2 && format.code_bits != 3 && format.code_bits != 4 && format.code_bits != 8)
    return fail(ErrorCode::unsupported,
                "Codes of " + std::to_string(format.code_bits) + " bits are not known; choose 2, 3, 4 or 8.");
  if (!affine && (format.zero_point != ZeroPoint::none || format.group_index))
    return fail(ErrorCode::unsupported, "Zero points and a group index need affine levels.");
  return {};
}

Result<void> check(std::int64_t rows, std::int64_t columns, const WeightFormat& format) {
  const std::string shape = "[" + std::to_string(rows) + ", " + std::to_string(columns) + "]";
  if (rows <= 0 || columns <= 0 || rows > largest_element_count / columns)
    return fail(ErrorCode::invalid_argument, "A matrix of shape " + shape + " cannot be stored; check its dimensions.");
  if (is_blocked(format.scale_layout) && format.block_size <= 0)
    return fail(ErrorCode::invalid_argument,
                "Block size " + std::to_string(format.block_size) + " is not positive; choose 32 or more.");
  if (format.nested_scales && format.scale_layout != ScaleLayout::flat_blocks)
    return fail(ErrorCode::unsupported, "Double quantization needs a block format (NF4, FP4, INT4).");
  if (format.code_type == CodeType::ggml_blocks && columns % ggml_type_info(format.ggml_type).block_values != 0) {
    const GgmlTypeInfo& info = ggml_type_info(format.ggml_type);
    return fail(ErrorCode::unsupported, "A matrix of shape " + shape + " cannot be stored as " +
                                            std::string(info.name) + ", whose blocks hold " +
                                            std::to_string(info.block_values) +
                                            " values of a row; choose a type of smaller blocks.");
  }
  return check_affine(format);
}
}  // namespace

WeightFormat dense_format(DataType type) {
  WeightFormat format;
  if (type == DataType::fp16) format.code_type = CodeType::float16;
  if (type == DataType::bf16) format.code_type = CodeType::bfloat16;
  return format;
}

WeightFormat block_format(DataType type, std::int64_t block_size, bool double_quantization) {
  WeightFormat format;
  format.code_type = CodeType::packed4;
  format.levels = type == DataType::nf4 ? Levels::nf4 : type == DataType::fp4 ? Levels::fp4 : Levels::int4;
  format.scale_layout = ScaleLayout::flat_blocks;
  format.block_size = block_size;
  format.nested_scales = double_quantization;
  return format;
}

WeightFormat int8_row_format() {
  WeightFormat format;
  format.code_type = CodeType::signed8;
  format.levels = Levels::int8;
  format.scale_layout = ScaleLayout::per_row;
  return format;
}

WeightFormat ggml_format(GgmlType type) {
  WeightFormat format;
  format.code_type = CodeType::ggml_blocks;
  format.ggml_type = type;
  return format;
}

WeightFormat affine_format(int bits, std::int64_t group_size, ScaleType scale_type) {
  WeightFormat format;
  format.code_type = CodeType::unsigned_bits;
  format.levels = Levels::affine;
  format.scale_layout = ScaleLayout::row_groups;
  format.block_size = group_size;
  format.code_bits = bits;
  format.scale_type = scale_type;
  return format;
}

std::int64_t scale_bytes(const WeightFormat& format) {
  if (format.nested_scales) return 1;
  return format.scale_type == ScaleType::float32 ? 4 : 2;
}

std::int64_t scale_count(const WeightFormat& format, std::int64_t rows, std::int64_t columns) {
  switch (format.scale_layout) {
    case ScaleLayout::none: return 0;
    case ScaleLayout::flat_blocks: return divide_up(rows * columns, format.block_size);
    case ScaleLayout::per_row: return rows;
    case ScaleLayout::row_groups: return rows * groups_per_row(format, columns);
    case ScaleLayout::whole: return 1;
    case ScaleLayout::tiles: return divide_up(rows, format.block_size) * divide_up(columns, format.block_size);
  }
  return 0;
}

FormatBytes format_bytes(const WeightFormat& format, std::int64_t rows, std::int64_t columns) {
  const std::int64_t scales = scale_count(format, rows, columns);
  FormatBytes bytes;
  bytes.codes = code_bytes(format, rows, columns);
  bytes.scales = scale_bytes(format) * scales + (format.nested_scales ? 4 * nested_values(scales) : 0);
  bytes.scales += zero_point_bytes(format, rows, columns) + group_index_bytes(format, columns);
  return bytes;
}

Result<QuantizedTensor> QuantizedTensor::allocate(MemoryLedger& ledger, std::int64_t rows, std::int64_t columns,
                                                  const WeightFormat& format, MemoryTag codes_tag) {
  if (auto valid = check(rows, columns, format); !valid) return tl::unexpected(valid.error());
  const std::int64_t scales = scale_count(format, rows, columns);
  QuantizedTensor tensor;
  tensor.rows = rows;
  tensor.columns = columns;
  tensor.format = format;
  struct Part {
    TaggedBuffer* buffer;
    MemoryTag tag;
    std::int64_t bytes;
  };
  const Part parts[] = {
      {&tensor.codes, codes_tag, code_bytes(format, rows, columns)},
      {&tensor.scales, MemoryTag::scales, scale_bytes(format) * scales},
      {&tensor.nested_absmax, MemoryTag::scales, format.nested_scales ? 4 * nested_values(scales) : 0},
      {&tensor.zeros, MemoryTag::scales, zero_point_bytes(format, rows, columns)},
      {&tensor.group_index, MemoryTag::scales, group_index_bytes(format, columns)},
  };
  for (const Part& part : parts) {
    auto buffer = TaggedBuffer::allocate(ledger, part.tag, static_cast<std::size_t>(part.bytes));
    if (!buffer) return tl::unexpected(buffer.error());
    *part.buffer = std::move(*buffer);
  }
  return tensor;
}

}  // namespace quantscope
