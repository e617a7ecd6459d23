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
  // Dense weights are limited by memory, which likes long consecutive pieces of a row; packed ones by arithmetic.
  const bool packed = weight.code_type == CodeType::packed4 || weight.code_type == CodeType::signed8;
  while (packed && shape.warp_shift > 1 && shape.tiles << (shape.warp_shift - 1) >= wanted_warps) --shape.warp_shift;
  if (weight.code_type == CodeType::packed4) {
    shape.block_shift = shift_of(weight.values_per_scale);
    shape.levels = levels_table(weight.levels);
  }
  return shape;
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
    case CodeType::float8_e4m3:
    case CodeType::ggml_blocks: break;
  }
  return false;
}

std::int64_t few_rows_blocks(const FewRowsArguments& arguments, int multiprocessors) {
  const FewRowsShape shape = shape_of(arguments);
  const std::int64_t needed = (shape.tiles + (1 << shape.tile_count_shift()) - 1) >> shape.tile_count_shift();
  return std::min<std::int64_t>(needed, blocks_per_multiprocessor * multiprocessors);
}

cudaError_t multiply_few_rows(cudaStream_t stream, const FewRowsArguments& arguments, int multiprocessors) {
  const FewRowsShape shape = shape_of(arguments);
  const std::int64_t blocks = few_rows_blocks(arguments, multiprocessors);
  switch (arguments.parts[0].weight.code_type) {
    case CodeType::packed4: return run_few_rows<Packed4Codec>(stream, arguments, shape, blocks);
    case CodeType::signed8: return run_few_rows<Int8Codec>(stream, arguments, shape, blocks);
    case CodeType::float32: return run_few_rows<Dense32Codec>(stream, arguments, shape, blocks);
    case CodeType::float16: return run_few_rows<Dense16Codec<CodeType::float16>>(stream, arguments, shape, blocks);
    case CodeType::bfloat16: return run_few_rows<Dense16Codec<CodeType::bfloat16>>(stream, arguments, shape, blocks);
    case CodeType::unsigned_bits:
    case CodeType::float8_e4m3:
    case CodeType::ggml_blocks: break;
  }
  return cudaErrorInvalidValue;
}

}  // namespace quantscope::cuda
