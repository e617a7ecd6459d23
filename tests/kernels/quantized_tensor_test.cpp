// SPDX-License-Identifier: GPL-3.0-or-later
#include <gtest/gtest.h>

#include "kernels/quantized_tensor.h"

namespace quantscope {
namespace {
constexpr double mebibyte = 1024.0 * 1024.0;

struct Shape {
  std::int64_t rows, columns, count;
};
/// The linears of Llama-3.2-1B: 16 layers, hidden 2048, 8 of 32 heads for keys and values, intermediate 8192.
constexpr Shape llama_linears[] = {{2048, 2048, 2 * 16}, {512, 2048, 2 * 16}, {8192, 2048, 2 * 16}, {2048, 8192, 16}};
/// Its tied embedding and 33 norms, which stay at 16 bits.
constexpr double llama_other_bytes = 2.0 * (128256.0 * 2048 + 33 * 2048);

FormatBytes linear_bytes(const WeightFormat& format) {
  FormatBytes sum;
  for (const Shape& shape : llama_linears) {
    const FormatBytes one = format_bytes(format, shape.rows, shape.columns);
    sum.codes += shape.count * one.codes;
    sum.scales += shape.count * one.scales;
  }
  return sum;
}

double model_mib(const WeightFormat& format, bool with_scales = true) {
  const FormatBytes bytes = linear_bytes(format);
  return (static_cast<double>(bytes.codes + (with_scales ? bytes.scales : 0)) + llama_other_bytes) / mebibyte;
}

TEST(FormatBytes, GiveThePublishedSizesOfLlama1B) {
  EXPECT_NEAR(model_mib(dense_format(DataType::fp16)), 2357.13, 0.005);
  EXPECT_NEAR(model_mib(block_format(DataType::nf4, 64, false), false), 965.13, 0.005);
  EXPECT_NEAR(model_mib(block_format(DataType::nf4, 64, false)), 1023.13, 0.005);
  EXPECT_NEAR(model_mib(block_format(DataType::fp4, 64, true)), 979.86, 0.005);
  EXPECT_NEAR(model_mib(int8_row_format(), false), 1429.13, 0.005);
  EXPECT_NEAR(model_mib(int8_row_format()), 1430.57, 0.005);
}

TEST(FormatBytes, RoundUpForOddCountsAndPartialBlocks) {
  const FormatBytes plain = format_bytes(block_format(DataType::int4, 64, false), 5, 13);
  EXPECT_EQ(plain.codes, 33);
  EXPECT_EQ(plain.scales, 8);
  const FormatBytes nested = format_bytes(block_format(DataType::nf4, 32, true), 257, 32);
  EXPECT_EQ(nested.codes, 257 * 16);
  EXPECT_EQ(nested.scales, 257 + 2 * 4 + 4);
}

TEST(FormatBytes, CountWholeRowsOfCodesAndOfZeroPoints) {
  WeightFormat format = affine_format(3, 128, ScaleType::float16);
  EXPECT_EQ(scale_count(format, 10, 300), 30);
  EXPECT_EQ(format_bytes(format, 10, 300).codes, 10 * 113);  // 900 bits
  EXPECT_EQ(format_bytes(format, 10, 300).scales, 30 * 2);
  format.zero_point = ZeroPoint::integer;
  EXPECT_EQ(format_bytes(format, 10, 300).scales, 30 * 2 + 10 * 2);  // 9 bits
  format.group_index = true;
  EXPECT_EQ(format_bytes(format, 10, 300).scales, 30 * 2 + 10 * 2 + 300 * 4);
  format.group_index = false;
  format.zero_point = ZeroPoint::floating;
  EXPECT_EQ(format_bytes(format, 10, 300).scales, 30 * 4);
}

TEST(FormatBytes, CountTheScalesOfFp8) {
  WeightFormat format;
  format.code_type = CodeType::float8_e4m3;
  format.scale_layout = ScaleLayout::whole;
  EXPECT_EQ(format_bytes(format, 300, 200).codes, 300 * 200);
  EXPECT_EQ(format_bytes(format, 300, 200).scales, 4);
  format.scale_layout = ScaleLayout::per_row;
  EXPECT_EQ(format_bytes(format, 300, 200).scales, 4 * 300);
  format.scale_layout = ScaleLayout::tiles;
  format.block_size = 128;
  format.scale_type = ScaleType::bfloat16;
  EXPECT_EQ(format_bytes(format, 300, 200).scales, 2 * 3 * 2);
}

TEST(Allocate, EntersExactlyTheForecastBytesInTheLedger) {
  WeightFormat act_order = affine_format(4, 32, ScaleType::float16);
  act_order.zero_point = ZeroPoint::integer;
  act_order.group_index = true;
  for (const WeightFormat& format :
       {dense_format(DataType::bf16), int8_row_format(), block_format(DataType::nf4, 64, true), act_order}) {
    MemoryLedger ledger;
    const auto tensor = QuantizedTensor::allocate(ledger, 33, 71, format, MemoryTag::head);
    ASSERT_TRUE(tensor.has_value());
    const FormatBytes expected = format_bytes(format, 33, 71);
    EXPECT_EQ(ledger.current()[MemoryTag::head], expected.codes);
    EXPECT_EQ(ledger.current()[MemoryTag::scales], expected.scales);
    EXPECT_EQ(ledger.current().total(), expected.codes + expected.scales);
  }
}

TEST(Allocate, RefusesShapesAndFormatsThatCannotBe) {
  MemoryLedger ledger;
  const auto code = [&](std::int64_t rows, std::int64_t columns, const WeightFormat& format) {
    const auto tensor = QuantizedTensor::allocate(ledger, rows, columns, format, MemoryTag::codes);
    return tensor ? ErrorCode::internal : tensor.error().code;
  };
  const WeightFormat blocks = block_format(DataType::nf4, 64, false);
  EXPECT_EQ(code(0, 4, blocks), ErrorCode::invalid_argument);
  EXPECT_EQ(code(4, -1, blocks), ErrorCode::invalid_argument);
  EXPECT_EQ(code(std::int64_t{1} << 40, std::int64_t{1} << 40, blocks), ErrorCode::invalid_argument);
  EXPECT_EQ(code(4, 4, block_format(DataType::nf4, 0, false)), ErrorCode::invalid_argument);
  WeightFormat nested_rows = int8_row_format();
  nested_rows.nested_scales = true;
  EXPECT_EQ(code(4, 4, nested_rows), ErrorCode::unsupported);
  EXPECT_EQ(code(4, 4, affine_format(5, 2, ScaleType::float16)), ErrorCode::unsupported);
  EXPECT_EQ(code(4, 4, affine_format(4, 0, ScaleType::float16)), ErrorCode::invalid_argument);
  WeightFormat zeros = block_format(DataType::int4, 64, false);
  zeros.zero_point = ZeroPoint::integer;
  EXPECT_EQ(code(4, 4, zeros), ErrorCode::unsupported);
  EXPECT_EQ(ledger.peak().total(), 0);
}

}  // namespace
}  // namespace quantscope
