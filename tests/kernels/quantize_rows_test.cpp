// SPDX-License-Identifier: GPL-3.0-or-later
// The threaded, vectorised quantizer against the plain loops.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <thread>

#include "kernels/cpu/quantize_rows.h"
#include "kernels/cpu/reference/decode.h"
#include "kernels/cpu/reference/encode.h"

namespace quantscope {
namespace {

const ParallelFor in_order = [](std::int64_t count, const std::function<void(std::int64_t)>& body) {
  for (std::int64_t i = 0; i < count; ++i) body(i);
};

/// Every index in its own thread, so that a race detector sees them meet.
const ParallelFor in_threads = [](std::int64_t count, const std::function<void(std::int64_t)>& body) {
  std::vector<std::jthread> threads;
  for (std::int64_t i = 0; i < count; ++i) threads.emplace_back([&body, i] { body(i); });
};

std::vector<EncodeLevel> levels_here() {
  std::vector<EncodeLevel> levels = {EncodeLevel::scalar};
  for (const EncodeLevel level : {EncodeLevel::avx2, EncodeLevel::avx512})
    if (level <= best_encode_level()) levels.push_back(level);
  return levels;
}

std::vector<WeightFormat> all_formats() {
  std::vector<WeightFormat> formats = {dense_format(DataType::fp32), dense_format(DataType::fp16),
                                       dense_format(DataType::bf16), int8_row_format()};
  for (const DataType type : {DataType::nf4, DataType::fp4, DataType::int4})
    for (const std::int64_t size : {32, 64, 128, 256, 512, 1024, 2048, 4096})
      for (const bool nested : {false, true}) formats.push_back(block_format(type, size, nested));
  return formats;
}

std::vector<float> gaussian(std::size_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0.0F, 0.05F);
  std::vector<float> values(count);
  for (float& value : values) value = normal(generator);
  return values;
}

RowReader reader(const std::vector<float>& values, std::int64_t columns) {
  return [&values, columns](std::int64_t first_row, std::int64_t rows, std::span<float> target) -> Result<void> {
    std::memcpy(target.data(), values.data() + first_row * columns, static_cast<std::size_t>(4 * rows * columns));
    return {};
  };
}

QuantizedTensor plain_loops(const std::vector<float>& values, const QuantizeRequest& request, MemoryLedger& ledger) {
  auto tensor =
      QuantizedTensor::allocate(ledger, request.rows, request.columns, request.format, MemoryTag::codes).value();
  if (!request.format.nested_scales) {
    reference::encode_values(values, 0, tensor, tensor.scales.as<float>());
    return tensor;
  }
  std::vector<float> absmax(tensor.scales.size());
  reference::encode_values(values, 0, tensor, absmax);
  reference::encode_absmax(absmax, tensor);
  return tensor;
}

bool same_bytes(const TaggedBuffer& a, const TaggedBuffer& b) {
  return a.size() == b.size() && (a.size() == 0 || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

void expect_same(const QuantizedTensor& fast, const QuantizedTensor& plain, const std::string& what) {
  EXPECT_TRUE(same_bytes(fast.codes, plain.codes)) << what;
  EXPECT_TRUE(same_bytes(fast.scales, plain.scales)) << what;
  EXPECT_TRUE(same_bytes(fast.nested_absmax, plain.nested_absmax)) << what;
}

void expect_same_at_every_level(const std::vector<float>& values, QuantizeRequest request,
                                const ParallelFor& parallel_for = in_order) {
  MemoryLedger ledger;
  const QuantizedTensor plain = plain_loops(values, request, ledger);
  for (const EncodeLevel level : levels_here()) {
    request.level = level;
    const auto fast = quantize_matrix(reader(values, request.columns), request, ledger, parallel_for, {});
    ASSERT_TRUE(fast.has_value()) << fast.error().message;
    const WeightFormat& format = request.format;
    expect_same(*fast, plain,
                "level " + std::to_string(static_cast<int>(level)) + " code type " +
                    std::to_string(static_cast<int>(format.code_type)) + " levels " +
                    std::to_string(static_cast<int>(format.levels)) + " block " + std::to_string(format.block_size) +
                    " shape " + std::to_string(request.rows) + "x" + std::to_string(request.columns));
  }
}

TEST(QuantizeRows, EqualsThePlainLoopsForAllFormatsAndOddShapes) {
  constexpr std::pair<std::int64_t, std::int64_t> shapes[] = {{1, 1}, {1, 31}, {3, 33}, {7, 61}, {96, 160}, {41, 257}};
  for (const auto& [rows, columns] : shapes) {
    const auto values = gaussian(static_cast<std::size_t>(rows * columns), static_cast<unsigned>(columns));
    for (const WeightFormat& format : all_formats()) expect_same_at_every_level(values, {rows, columns, format});
  }
}

TEST(QuantizeRows, EqualsThePlainLoopsForExtremeValues) {
  const float extremes[] = {0.0F,
                            -0.0F,
                            1e-45F,
                            -1e-40F,
                            0x1p-126F,
                            -0x1p-126F,
                            1e-30F,
                            -3e-20F,
                            65504.0F,
                            65520.0F,
                            -1e30F,
                            std::numeric_limits<float>::max(),
                            std::numeric_limits<float>::infinity(),
                            -std::numeric_limits<float>::infinity(),
                            std::numeric_limits<float>::quiet_NaN()};
  std::mt19937 generator(1);
  auto values = gaussian(64 * 96, 2);
  // Beside values this small, a subnormal would count unless it is taken as zero.
  for (std::size_t i = 45 * 64; i < 60 * 64; ++i) values[i] *= 1e-12F;
  // One kind of extreme per block of 64, and whole blocks of each.
  for (std::size_t block = 0; block < 96; ++block)
    for (std::size_t i = 0; i < 64; ++i)
      if (block >= 64 || generator() % 8 == 0) values[block * 64 + i] = extremes[block % std::size(extremes)];
  for (const WeightFormat& format : all_formats()) expect_same_at_every_level(values, {96, 64, format});
}

TEST(QuantizeRows, EqualsThePlainLoopsOnThresholdsAndTheirNeighbours) {
  std::vector<float> values;
  for (const float absmax : {1.0F, 0.75F, 3.0F, 12.0F}) {
    for (int step = -1792; step <= 1792; ++step) values.push_back(absmax * static_cast<float>(step) / 1792.0F);
    values.resize((values.size() + 63) / 64 * 64, absmax);
  }
  for (std::size_t i = 0; i < values.size(); i += 64) values[i] = values[i + 63] > 4 ? 12.0F : 3.0F;
  const auto count = static_cast<std::int64_t>(values.size());
  for (const WeightFormat& format : all_formats()) expect_same_at_every_level(values, {1, count, format});
}

TEST(QuantizeRows, BlocksMaySpanRowsTilesAndThreads) {
  constexpr std::int64_t rows = 1301, columns = 1000;  // more than one tile; tiles end inside blocks
  const auto values = gaussian(static_cast<std::size_t>(rows * columns), 3);
  for (const WeightFormat& format : {block_format(DataType::nf4, 4096, true), block_format(DataType::fp4, 64, false),
                                     int8_row_format(), dense_format(DataType::bf16)}) {
    expect_same_at_every_level(values, {rows, columns, format}, in_threads);
  }
}

TEST(QuantizeRows, CountsItsWorkspaceAndGivesItBack) {
  constexpr std::int64_t rows = 3000, columns = 2000;
  const auto values = gaussian(static_cast<std::size_t>(rows * columns), 4);
  MemoryLedger ledger;
  const QuantizeRequest request{rows, columns, block_format(DataType::nf4, 64, false), MemoryTag::embedding,
                                best_encode_level()};
  const auto tensor = quantize_matrix(reader(values, columns), request, ledger, in_order, {});
  ASSERT_TRUE(tensor.has_value());
  EXPECT_GT(ledger.peak()[MemoryTag::workspace], 0);
  EXPECT_LE(ledger.peak()[MemoryTag::workspace], std::int64_t{16} << 20);
  EXPECT_EQ(ledger.current()[MemoryTag::workspace], 0);
  const FormatBytes expected = format_bytes(request.format, rows, columns);
  EXPECT_EQ(ledger.current()[MemoryTag::embedding], expected.codes);
  EXPECT_EQ(ledger.current()[MemoryTag::scales], expected.scales);
}

TEST(QuantizeRows, StopsBetweenTilesAndPassesOnTheReadersError) {
  MemoryLedger ledger;
  const QuantizeRequest request{4000, 1000, dense_format(DataType::fp16), MemoryTag::codes, EncodeLevel::scalar};
  std::stop_source stop;
  int calls = 0;
  const RowReader stopping = [&](std::int64_t, std::int64_t, std::span<float>) -> Result<void> {
    ++calls;
    stop.request_stop();
    return {};
  };
  const auto stopped = quantize_matrix(stopping, request, ledger, in_order, stop.get_token());
  ASSERT_FALSE(stopped.has_value());
  EXPECT_EQ(stopped.error().code, ErrorCode::cancelled);
  EXPECT_EQ(calls, 1);
  const RowReader failing = [](std::int64_t, std::int64_t, std::span<float>) -> Result<void> {
    return fail(ErrorCode::corrupt_file, "The file was cut.", "model.gguf");
  };
  const auto failed = quantize_matrix(failing, request, ledger, in_order, {});
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(failed.error().where, "model.gguf");
  EXPECT_EQ(ledger.current().total(), 0);
}

TEST(QuantizeRows, RefusesFormatsItDoesNotKnow) {
  MemoryLedger ledger;
  const std::vector<float> values(64);
  QuantizeRequest request{1, 64, block_format(DataType::nf4, 33, false)};
  EXPECT_EQ(quantize_matrix(reader(values, 64), request, ledger, in_order, {}).error().code, ErrorCode::unsupported);
  request.format = block_format(DataType::int4, 32, false);
  request.format.scale_layout = ScaleLayout::row_groups;
  EXPECT_EQ(quantize_matrix(reader(values, 64), request, ledger, in_order, {}).error().code, ErrorCode::unsupported);
}

}  // namespace
}  // namespace quantscope
