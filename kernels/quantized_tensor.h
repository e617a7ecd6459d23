// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

#include "kernels/formats/data_type.h"
#include "kernels/formats/ggml_type.h"
#include "kernels/memory_ledger.h"

namespace quantscope {

/// How one value is coded.
enum class CodeType : std::uint8_t {
  float32,
  float16,
  bfloat16,
  signed8,        ///< one signed byte per value
  packed4,        ///< two codes per byte; element 2j of the flat row-major matrix is in the HIGH nibble of byte j
  unsigned_bits,  ///< code_bits (2, 3, 4 or 8) per code; rows of codes one after another along K, least significant bit
                  ///< first, each row padded to whole bytes
  float8_e4m3,    ///< one byte per value: kernels/formats/fp8.h
  ggml_blocks,    ///< blocks of a GGUF file (WeightFormat::ggml_type), row by row, with their scales inside
};

/// What a code stands for before it is multiplied by its scale.
enum class Levels : std::uint8_t {
  identity,  ///< the code is the value (dense types; FP8, whose value is then multiplied by its scale)
  nf4,       ///< kernels/formats/nf4.h
  fp4,       ///< kernels/formats/fp4.h
  int4,      ///< code - 8 in -7..7, scale = float32(absmax / 7): kernels/formats/int4.h
  int8,      ///< code in -127..127, value = code * absmax / 127: kernels/formats/int8.h
  affine,    ///< value = (code - zero point) * scale: kernels/formats/affine.h
};

/// Which values share one scale.
enum class ScaleLayout : std::uint8_t {
  none,         ///< dense types
  flat_blocks,  ///< block_size consecutive values of the flat row-major matrix; a block may span rows
  per_row,      ///< one scale per output row
  row_groups,   ///< block_size consecutive values along K within a row (GPTQ, AWQ)
  whole,        ///< one scale for the matrix
  tiles,        ///< one scale for each square of block_size rows and block_size columns, row-major (FP8)
};

/// How first-level scales are kept.
enum class ScaleType : std::uint8_t { float32, float16, bfloat16 };

/// What affine codes are counted from.
enum class ZeroPoint : std::uint8_t {
  none,      ///< 2^(code_bits - 1)
  integer,   ///< one code per group, packed as the codes are: rows of groups
  floating,  ///< one value of the scale type per group (HQQ)
};

/// How values are stored and decoded. How the codes were found (the method) is not part of it.
struct WeightFormat {
  CodeType code_type = CodeType::float32;
  Levels levels = Levels::identity;
  ScaleLayout scale_layout = ScaleLayout::none;
  std::int64_t block_size = 0;  ///< for flat_blocks, row_groups and tiles
  bool nested_scales = false;   ///< double quantization: absmax - offset in the signed 8-bit dynamic map, blocks of 256
  ZeroPoint zero_point = ZeroPoint::none;
  GgmlType ggml_type = GgmlType::f32;         ///< for ggml_blocks
  int code_bits = 0;                          ///< unsigned_bits only
  ScaleType scale_type = ScaleType::float32;  ///< float32 but for row_groups, whole and tiles
  bool group_index = false;  ///< row_groups: column k belongs to group_index[k], not to k / block_size (act-order)

  bool operator==(const WeightFormat&) const = default;
};

inline constexpr std::int64_t nested_block_size = 256;

/// The dense format that stores values as the given type. Precondition: is_dense(type).
WeightFormat dense_format(DataType type);
/// NF4, FP4 or INT4 in flat blocks. Precondition: a 4-bit type.
WeightFormat block_format(DataType type, std::int64_t block_size, bool double_quantization);
/// The weight side of LLM.int8(): signed bytes with one fp32 absmax per output row.
WeightFormat int8_row_format();
/// Blocks of a GGUF file as they are. Their scales lie among the codes and are counted as such.
WeightFormat ggml_format(GgmlType type);
/// Unsigned codes of `bits` in groups of `group_size` along K with symmetric levels; zero points, act-order and another
/// scale type are set by the caller.
WeightFormat affine_format(int bits, std::int64_t group_size, ScaleType scale_type);

/// Bytes that a [rows, columns] matrix takes in a format. The only place that computes them: forecast and
/// allocation both ask here.
struct FormatBytes {
  std::int64_t codes = 0;  ///< for ggml_blocks: whole blocks, scales included
  std::int64_t scales =
      0;  ///< all of: absmax (or its codes), nested absmax, the 4-byte offset, zero points, group index
};
FormatBytes format_bytes(const WeightFormat& format, std::int64_t rows, std::int64_t columns);

/// Number of first-level scales of a [rows, columns] matrix.
std::int64_t scale_count(const WeightFormat& format, std::int64_t rows, std::int64_t columns);

/// Bytes of one first-level scale: 1 where it is a code of the dynamic map.
std::int64_t scale_bytes(const WeightFormat& format);

/// Bytes of one row of unsigned_bits codes.
constexpr std::int64_t bit_row_bytes(std::int64_t codes, int bits) { return (codes * bits + 7) / 8; }

/// Groups in one row of row_groups.
constexpr std::int64_t groups_per_row(const WeightFormat& format, std::int64_t columns) {
  return (columns + format.block_size - 1) / format.block_size;
}

/// A weight matrix W [rows = output features, columns = input features] in any format, in host memory.
struct QuantizedTensor {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  WeightFormat format;
  TaggedBuffer codes;
  TaggedBuffer scales;         ///< absmax or scale per block, row or group in scale_type; when nested, uint8 codes of
                               ///< the dynamic map
  TaggedBuffer nested_absmax;  ///< float, one per 256 scales, then the offset (mean of absmax) as last element;
                               ///< empty unless nested
  TaggedBuffer zeros;          ///< empty unless format.zero_point != none
  TaggedBuffer group_index;    ///< int32 [columns], each below groups_per_row(); empty unless format.group_index
  TaggedBuffer input_scale;    ///< float [columns], AWQ not folded; empty otherwise

  /// The offset of double quantization; 0 when not nested.
  float nested_offset() const { return nested_absmax.size() == 0 ? 0.0F : nested_absmax.as<float>().back(); }
  /// Allocates codes and scales (zeroed) for the format; codes under `codes_tag`, the rest under `scales`.
  static Result<QuantizedTensor> allocate(MemoryLedger& ledger, std::int64_t rows, std::int64_t columns,
                                          const WeightFormat& format, MemoryTag codes_tag);
};

}  // namespace quantscope
