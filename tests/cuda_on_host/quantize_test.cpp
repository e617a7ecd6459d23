// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/formats/fp4.h"
#include "kernels/formats/int4.h"
#include "kernels/formats/nf4.h"
#include "tests/cuda_on_host/gpu_test.h"

namespace quantscope::testing {
namespace {

class CudaQuantize : public GpuTest {
 protected:
  /// Expects that both devices make the same bytes out of the same values.
  void expect_same(const std::vector<float>& values, std::int64_t rows, std::int64_t columns,
                   const WeightFormat& format, const std::string& what) {
    const auto expected = cpu_->download(*create_weight(*cpu_, values, rows, columns, format));
    const auto actual = gpu_->download(*create_weight(*gpu_, values, rows, columns, format));
    ASSERT_TRUE(actual.has_value() && expected.has_value()) << what;
    expect_same_bytes(actual->codes, expected->codes, what + ", codes");
    expect_same_bytes(actual->scales, expected->scales, what + ", scales");
    expect_same_bytes(actual->nested_absmax, expected->nested_absmax, what + ", nested absmax");
  }

  static void expect_same_bytes(const TaggedBuffer& actual, const TaggedBuffer& expected, const std::string& what) {
    ASSERT_EQ(actual.size(), expected.size()) << what;
    const auto bytes = expected.as<std::byte>();
    EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), actual.data())) << what;
  }

  std::unique_ptr<Backend> cpu_ = create_cpu("scalar");
  std::unique_ptr<Backend> gpu_ = create_gpu();

  void TearDown() override { gpu_.reset(); }
};

std::vector<std::pair<std::string, WeightFormat>> all_formats() {
  std::vector<std::pair<std::string, WeightFormat>> formats = {{"fp32", dense_format(DataType::fp32)},
                                                               {"fp16", dense_format(DataType::fp16)},
                                                               {"bf16", dense_format(DataType::bf16)},
                                                               {"int8", int8_row_format()}};
  for (const DataType type : {DataType::nf4, DataType::fp4, DataType::int4}) {
    for (const std::int64_t block_size : {2, 8, 64, 96, 1024}) {
      for (const bool nested : {false, true}) {
        formats.emplace_back(
            std::string(data_type_info(type).name) + "/" + std::to_string(block_size) + (nested ? " double" : ""),
            block_format(type, block_size, nested));
      }
    }
  }
  return formats;
}

TEST_F(CudaQuantize, GivesTheBytesOfTheReferenceForEveryFormatAndOddShapes) {
  for (const auto& [name, format] : all_formats()) {
    for (const auto& [rows, columns] : {std::pair{1, 1}, std::pair{3, 31}, std::pair{50, 96}, std::pair{7, 129}}) {
      expect_same(random_values(rows * columns, 5, 0.02F), rows, columns, format,
                  name + " of [" + std::to_string(rows) + ", " + std::to_string(columns) + "]");
    }
  }
}

TEST_F(CudaQuantize, GivesTheBytesOfTheReferenceForHostileValues) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  auto values = random_values(8 * 64, 6);
  values[3] = std::numeric_limits<float>::quiet_NaN();
  values[70] = infinity;
  values[130] = -infinity;
  for (std::size_t i = 192; i < 256; ++i) values[i] = 0.0F;
  for (std::size_t i = 256; i < 320; ++i) values[i] *= 1e-39F;
  for (std::size_t i = 320; i < 384; ++i) values[i] = std::numeric_limits<float>::quiet_NaN();
  values[400] = 65520.0F;
  for (const auto& [name, format] : all_formats()) {
    // A NaN keeps no particular bits on its way through arithmetic, so the means that double quantization takes of
    // infinite scales are left out.
    if (!format.nested_scales) expect_same(values, 8, 64, format, name);
  }
}

TEST_F(CudaQuantize, WorksInTilesThatEndInsideBlocks) {
  // Tiles hold 4 MiB of values: 1048 rows, whose end is inside a block; there are more of them than the ring has
  // places.
  const auto values = random_values(1000 * 4300, 7);
  const WeightFormat format = block_format(DataType::nf4, 128, true);
  expect_same(values, 4300, 1000, format, "nf4/128");
  std::vector<float> expected(values.size());
  std::vector<float> actual(values.size());
  ASSERT_TRUE(cpu_->decode(*create_weight(*cpu_, values, 4300, 1000, format), 0, 4300, expected).has_value());
  ASSERT_TRUE(gpu_->decode(*create_weight(*gpu_, values, 4300, 1000, format), 0, 4300, actual).has_value());
  EXPECT_EQ(actual, expected);
}

/// A source of 16-bit values, and the same source decoded.
struct Rows16 {
  DataType type;
  std::vector<std::uint16_t> stored;
  std::int64_t columns;

  Rows16(DataType data_type, const std::vector<float>& values, std::int64_t row_length)
      : type(data_type), columns(row_length) {
    for (const float value : values) {
      stored.push_back(type == DataType::fp16 ? fp32_to_fp16(value) : fp32_to_bf16(value));
    }
  }
  std::vector<float> values() const {
    std::vector<float> decoded;
    for (const std::uint16_t bits : stored) {
      decoded.push_back(type == DataType::fp16 ? fp16_to_fp32(bits) : bf16_to_fp32(bits));
    }
    return decoded;
  }
  RowReader reader() const {
    const auto never = [](std::int64_t, std::int64_t, std::span<float>) -> Result<void> {
      return fail(ErrorCode::io, "rows are to be read as they are stored");
    };
    return {never, type, [this](std::int64_t first, std::int64_t count, std::span<std::byte> bytes) -> Result<void> {
              const auto* const from = reinterpret_cast<const std::byte*>(stored.data() + first * columns);
              EXPECT_EQ(bytes.size(), static_cast<std::size_t>(count * columns) * 2);
              std::copy_n(from, bytes.size(), bytes.data());
              return {};
            }};
  }
};

TEST_F(CudaQuantize, GivesTheSameBytesFromRowsIn16Bits) {
  for (const DataType type : {DataType::fp16, DataType::bf16}) {
    for (const auto& [rows, columns] : {std::pair{1, 1}, std::pair{3, 31}, std::pair{50, 96}, std::pair{9000, 257}}) {
      const Rows16 source(type, random_values(rows * columns, 8, 0.02F), columns);
      for (const auto& [name, format] : all_formats()) {
        const bool for_tiles = format == int8_row_format() || format == block_format(DataType::nf4, 64, true);
        if (rows > 1000 && !for_tiles) continue;
        const auto weight = gpu_->quantize(source.reader(), rows, columns, format, MemoryTag::codes);
        ASSERT_TRUE(weight.has_value()) << name;
        const auto actual = gpu_->download(**weight);
        const auto expected = cpu_->download(*create_weight(*cpu_, source.values(), rows, columns, format));
        expect_same_bytes(actual->codes, expected->codes, name + ", codes");
        expect_same_bytes(actual->scales, expected->scales, name + ", scales");
        expect_same_bytes(actual->nested_absmax, expected->nested_absmax, name + ", nested absmax");
      }
    }
  }
}

TEST_F(CudaQuantize, DecidesAtEveryThresholdAsTheReference) {
  std::vector<float> values;
  const auto add_neighbours = [&](float value) {
    for (const float sign : {1.0F, -1.0F}) {
      values.push_back(sign * value);
      values.push_back(sign * std::nextafter(value, 2.0F));
      values.push_back(sign * std::nextafter(value, -2.0F));
    }
  };
  for (const float threshold : nf4_thresholds) add_neighbours(threshold);
  for (const float threshold : fp4_magnitude_thresholds) add_neighbours(threshold);
  for (const float threshold : int4_thresholds) add_neighbours(threshold / 7.0F);
  for (int bin = -16; bin <= 16; ++bin) add_neighbours(static_cast<float>(bin) / 16.0F);
  values.insert(values.end(), {0.0F, -0.0F, 1.0F, -1.0F});
  const auto columns = static_cast<std::int64_t>((values.size() + 1023) / 1024 * 1024);
  values.resize(static_cast<std::size_t>(columns));
  for (const DataType type : {DataType::nf4, DataType::fp4, DataType::int4}) {
    expect_same(values, 1, columns, block_format(type, 1024, false), std::string(data_type_info(type).name));
  }
}

TEST_F(CudaQuantize, HandsOnTheReadersErrorAndRefusesOtherFormats) {
  const RowReader broken = [](std::int64_t, std::int64_t, std::span<float>) -> Result<void> {
    return fail(ErrorCode::io, "The disk is gone.");
  };
  const auto failed = gpu_->quantize(broken, 4, 4, dense_format(DataType::fp16), MemoryTag::codes);
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(failed.error().code, ErrorCode::io);
  WeightFormat groups = block_format(DataType::int4, 32, false);
  groups.scale_layout = ScaleLayout::row_groups;
  EXPECT_FALSE(gpu_->quantize(broken, 4, 64, groups, MemoryTag::codes).has_value());
  EXPECT_FALSE(gpu_->quantize(broken, 0, 64, dense_format(DataType::fp16), MemoryTag::codes).has_value());
  EXPECT_FALSE(gpu_->quantize(broken, std::int64_t{1} << 40, 1 << 20, dense_format(DataType::fp16), MemoryTag::codes)
                   .has_value());
}

}  // namespace
}  // namespace quantscope::testing
