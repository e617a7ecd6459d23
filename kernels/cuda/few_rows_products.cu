// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cuda/few_rows_products.h"

#include <algorithm>

#include "kernels/cuda/few_rows_kernel.h"

namespace quantscope::cuda {
namespace {
// Enough to hide the latency of memory with what the kernel needs of registers and shared memory.
constexpr int blocks_per_multiprocessor = 2;

bool is_power_of_two(std::int64_t value) { return value > 0 && (value & (value - 1)) == 0; }

int shift_of(std::int64_t power_of_two) {
  int shift = 0;
  while (std::int64_t{1} << shift < power_of_two) ++shift;
  return shift;
}

// As many warps share a tile as it takes to have so many at work: few outputs must not mean few loads in flight.
constexpr int wanted_warps = 2048;

int tiles_of(const FewRowsArguments& arguments, int part) {
  const int rows = arguments.parts[part].outputs;
  const int outputs = arguments.result == FewRowsResult::gate ? tile_outputs / 2 : tile_outputs;
  return (rows + outputs - 1) / outputs;
}

std::int64_t row_bytes_of(const WeightView& weight) {
  switch (weight.code_type) {
    case CodeType::float32: return 4 * weight.columns;
    case CodeType::float16:
    case CodeType::bfloat16: return 2 * weight.columns;
    case CodeType::signed8:
    case CodeType::float8_e4m3: return weight.columns;
    case CodeType::packed4: return weight.columns / 2;
    case CodeType::unsigned_bits: return weight.code_row_bytes;
    case CodeType::ggml_blocks: return ggml_bytes(weight.ggml_type, weight.columns);
  }
  return 0;
}

bool is_dense(CodeType type) { return type <= CodeType::bfloat16; }

/// Depends on the weights alone, as the order of the sums does.
FewRowsShape shape_of(const FewRowsArguments& arguments) {
  FewRowsShape shape;
  const WeightView& weight = arguments.parts[0].weight;
  const int parts = arguments.result == FewRowsResult::gate ? 1 : arguments.part_count;
  for (int part = 0; part < parts; ++part) {
    shape.first_tiles[part] = shape.tiles;
    shape.tiles += tiles_of(arguments, part);
  }
  shape.columns = static_cast<int>(weight.columns);
  shape.row_bytes = row_bytes_of(weight);
  // Dense weights are limited by memory, which likes long consecutive pieces of a row; packed ones by arithmetic.
  const bool packed = !is_dense(weight.code_type);
  while (packed && shape.warp_shift > 1 && shape.tiles << (shape.warp_shift - 1) >= wanted_warps) --shape.warp_shift;
  if (weight.code_type == CodeType::packed4) {
    shape.block_shift = shift_of(weight.values_per_scale);
    shape.levels = levels_table(weight.levels);
  }
  return shape;
}

/// Calls `run` with the codec of a weight, or returns `otherwise`.
template <class Run, class Value>
Value with_block_codec(GgmlType type, Value otherwise, const Run& run) {
  if (type == GgmlType::q8_0) return run(Q80Codec{});
  if (type == GgmlType::q4_0) return run(Q40Codec{});
  if (type == GgmlType::q4_k) return run(Q4KCodec{});
  if (type == GgmlType::q5_k) return run(Q5KCodec{});
  if (type == GgmlType::q6_k) return run(Q6KCodec{});
  return otherwise;
}

template <class Run, class Value>
Value with_codec(const WeightView& weight, Value otherwise, const Run& run) {
  switch (weight.code_type) {
    case CodeType::packed4: return run(Packed4Codec{});
    case CodeType::signed8: return run(Int8Codec{});
    case CodeType::float32: return run(Dense32Codec{});
    case CodeType::float16: return run(Dense16Codec<CodeType::float16>{});
    case CodeType::bfloat16: return run(Dense16Codec<CodeType::bfloat16>{});
    case CodeType::unsigned_bits: return run(Affine4Codec{});
    case CodeType::ggml_blocks: return with_block_codec(weight.ggml_type, otherwise, run);
    case CodeType::float8_e4m3: break;
  }
  return otherwise;
}
}  // namespace

bool few_rows_fits(const WeightView& weight) {
  // Rows, columns and their products with a few rows are counted in 32 bits.
  if (weight.rows >= 1 << 27 || weight.columns >= 1 << 24) return false;
  switch (weight.code_type) {
    case CodeType::packed4:
      return weight.columns % 32 == 0 && weight.values_per_scale >= 32 && is_power_of_two(weight.values_per_scale);
    case CodeType::signed8: return weight.columns % 16 == 0;
    case CodeType::float32: return weight.columns % 8 == 0;
    case CodeType::float16:
    case CodeType::bfloat16: return weight.columns % 8 == 0;
    case CodeType::unsigned_bits:
      return weight.code_bits == 4 && weight.columns_in_order && weight.columns % 32 == 0 &&
             weight.scale_columns % 32 == 0 && weight.scale_columns < 1 << 24;
    case CodeType::ggml_blocks:
      return weight.ggml_type == GgmlType::q8_0 || weight.ggml_type == GgmlType::q4_0 ||
             weight.ggml_type == GgmlType::q4_k || weight.ggml_type == GgmlType::q5_k ||
             weight.ggml_type == GgmlType::q6_k;
    case CodeType::float8_e4m3: break;
  }
  return false;
}

std::int64_t few_rows_blocks(const FewRowsArguments& arguments, int multiprocessors) {
  const FewRowsShape shape = shape_of(arguments);
  const std::int64_t needed = (shape.tiles + (1 << shape.tile_count_shift()) - 1) >> shape.tile_count_shift();
  return std::min<std::int64_t>(needed, blocks_per_multiprocessor * multiprocessors);
}

bool few_rows_prepares(const WeightView& weight, std::int64_t rows) {
  return rows == 1 &&
         with_codec(weight, false, [&]<class Codec>(const Codec&) { return weight.columns <= Codec::own_columns; });
}

cudaError_t multiply_few_rows(cudaStream_t stream, const FewRowsArguments& arguments, int multiprocessors) {
  const FewRowsShape shape = shape_of(arguments);
  const std::int64_t blocks = few_rows_blocks(arguments, multiprocessors);
  return with_codec(arguments.parts[0].weight, cudaErrorInvalidValue,
                    [&]<class Codec>(const Codec&) { return run_few_rows<Codec>(stream, arguments, shape, blocks); });
}

}  // namespace quantscope::cuda
