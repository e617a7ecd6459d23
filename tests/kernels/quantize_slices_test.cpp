// SPDX-License-Identifier: GPL-3.0-or-later
// Slices of published bitsandbytes checkpoints and what the library decodes from them on CUDA.
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>

#include "kernels/cpu/reference/decode.h"
#include "kernels/cpu/reference/encode.h"
#include "kernels/formats/dynamic_map.h"
#include "kernels/formats/half.h"
#include "kernels/formats/levels.h"
#include "tests/support/reference_data.h"

namespace quantscope {
namespace {

/// Reads the fields of a slice one after the other.
class SliceReader {
 public:
  explicit SliceReader(const std::string& name)
      : file_(testing::shared_folder() / "data/quantized" / name, std::ios::binary) {}

  template <class T>
  std::vector<T> values(std::size_t bytes) {
    std::vector<T> read(bytes / sizeof(T));
    file_.read(reinterpret_cast<char*>(read.data()), static_cast<std::streamsize>(bytes));
    EXPECT_TRUE(file_.good());
    return read;
  }
  std::uint32_t number() { return values<std::uint32_t>(4).at(0); }

 private:
  std::ifstream file_;
};

template <class T>
void store(const std::vector<T>& values, TaggedBuffer& buffer, std::size_t missing_values = 0) {
  ASSERT_EQ(buffer.size(), (values.size() + missing_values) * sizeof(T));
  std::memcpy(buffer.data(), values.data(), values.size() * sizeof(T));
}

void expect_decoded(const QuantizedTensor& tensor, const std::vector<std::uint16_t>& expected) {
  std::vector<float> decoded(static_cast<std::size_t>(tensor.rows * tensor.columns));
  reference::decode_rows(tensor, 0, tensor.rows, decoded);
  ASSERT_EQ(decoded.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(fp32_to_bf16(decoded[i]), expected[i]) << i;
}

struct Slice {
  std::string file;
  DataType type;
  bool nested;
};

class FourBitSlices : public ::testing::TestWithParam<Slice> {};

TEST_P(FourBitSlices, DecodeToTheBitsOfTheLibrary) {
  QUANTSCOPE_REQUIRE_SHARED();
  SliceReader slice(GetParam().file);
  const std::uint32_t format_id = slice.number(), elements = slice.number(), block_size = slice.number();
  EXPECT_EQ(format_id, GetParam().nested ? 2U : 0U);
  std::uint32_t bytes[6];
  for (std::uint32_t& length : bytes) length = slice.number();
  const float offset = slice.values<float>(4).at(0);
  MemoryLedger ledger;
  const WeightFormat format = block_format(GetParam().type, block_size, GetParam().nested);
  auto tensor = QuantizedTensor::allocate(ledger, 2, elements / 2, format, MemoryTag::codes).value();
  store(slice.values<std::uint8_t>(bytes[0]), tensor.codes);
  store(slice.values<std::uint8_t>(bytes[1]), tensor.scales);
  const auto map = slice.values<float>(bytes[2]);
  for (std::size_t i = 0; i < 16; ++i) EXPECT_EQ(levels_table(format.levels).values[i], map.at(i));
  if (GetParam().nested) {
    store(slice.values<float>(bytes[3]), tensor.nested_absmax, 1);
    tensor.nested_absmax.as<float>().back() = offset;
    const auto nested_map = slice.values<float>(bytes[4]);
    EXPECT_EQ(std::memcmp(nested_map.data(), dynamic_map.values, sizeof dynamic_map.values), 0);
  }
  expect_decoded(tensor, slice.values<std::uint16_t>(bytes[5]));
}

INSTANTIATE_TEST_SUITE_P(Checkpoints, FourBitSlices,
                         ::testing::Values(Slice{"llama_1b_nf4.bin", DataType::nf4, false},
                                           Slice{"llama_1b_nf4_double_quant.bin", DataType::nf4, true},
                                           Slice{"llama_1b_fp4.bin", DataType::fp4, false}));

TEST(Int8Slice, DecodesToTheBitsOfTheLibrary) {
  QUANTSCOPE_REQUIRE_SHARED();
  SliceReader slice("llama_1b_int8.bin");
  std::uint32_t header[6];
  for (std::uint32_t& field : header) field = slice.number();
  MemoryLedger ledger;
  auto tensor = QuantizedTensor::allocate(ledger, header[1], header[2], int8_row_format(), MemoryTag::codes).value();
  store(slice.values<std::uint8_t>(header[3]), tensor.codes);
  store(slice.values<float>(header[4]), tensor.scales);
  expect_decoded(tensor, slice.values<std::uint16_t>(header[5]));
}

TEST(Requantize, ValuesOnTheLevelsSurviveUnchanged) {
  MemoryLedger ledger;
  auto tensor =
      QuantizedTensor::allocate(ledger, 8, 64, block_format(DataType::nf4, 64, false), MemoryTag::codes).value();
  std::vector<float> values(8 * 64), decoded(8 * 64);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = nf4_levels[(i * 7) % 16] * 0.03F;
  reference::encode_values(values, 0, tensor, tensor.scales.as<float>());
  reference::decode_rows(tensor, 0, 8, decoded);
  EXPECT_EQ(decoded, values);
}

}  // namespace
}  // namespace quantscope
