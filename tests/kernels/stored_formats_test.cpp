// SPDX-License-Identifier: GPL-3.0-or-later
// The formats that only checkpoints bring along: affine codes of 2, 3, 4 and 8 bits, and FP8.
#include <cmath>
#include <cstring>
#include <fstream>

#include "kernels/cpu/reference/decode.h"
#include "kernels/cpu/reference/operations.h"
#include "kernels/formats/affine.h"
#include "kernels/formats/fp8.h"
#include "kernels/row_decoder.h"
#include "tests/kernels/cpu_device.h"
#include "tests/kernels/stored_formats.h"
#include "tests/support/reference_data.h"

namespace quantscope::testing {
namespace {

TEST(Fp8, DecodesAllCodesAsMlDtypesDoes) {
  std::ifstream table(source_folder() / "tests/data/fp8_e4m3fn.txt");
  ASSERT_TRUE(table) << "tests/data/fp8_e4m3fn.txt is missing";
  std::string bits;
  for (int code = 0; code < 256; ++code) {
    ASSERT_TRUE(table >> bits) << code;
    const float expected = float_from_bits(static_cast<std::uint32_t>(std::stoul(bits, nullptr, 16)));
    const float decoded = decode_fp8_e4m3(static_cast<std::uint8_t>(code));
    if (std::isnan(expected))
      EXPECT_TRUE(std::isnan(decoded)) << code;
    else
      EXPECT_EQ(float_bits(decoded), float_bits(expected)) << code;
  }
}

TEST(BitCodes, AreReadWhereTheyWereStoredWhateverTheirWidth) {
  for (const int bits : {2, 3, 4, 8}) {
    std::vector<std::uint8_t> row(static_cast<std::size_t>(bit_row_bytes(37, bits)));
    for (int i = 0; i < 37; ++i) put_bit_code(row.data(), i, bits, (7 * i + 3) & ((1 << bits) - 1));
    for (int i = 0; i < 37; ++i) EXPECT_EQ(bit_code(row.data(), i, bits), (7 * i + 3) & ((1 << bits) - 1)) << i;
  }
}

// 0..7 in order are the word 0x76543210 in GPTQ's layout; 3-bit codes run on across bytes.
TEST(BitCodes, BeginWithTheLowestBits) {
  std::uint8_t word[4] = {}, three[3] = {};
  for (int i = 0; i < 8; ++i) put_bit_code(word, i, 4, i);
  for (int i = 0; i < 8; ++i) put_bit_code(three, i, 3, i);
  EXPECT_EQ(word[0] | word[1] << 8 | word[2] << 16 | word[3] << 24, 0x76543210);
  EXPECT_EQ(three[0] | three[1] << 8 | three[2] << 16, 0b111'110'101'100'011'010'001'000);
}

TEST(RowDecoder, GivesTheBitsOfTheReference) {
  for (const NamedFormat& format : stored_formats())
    for (const std::int64_t columns : {1, 7, 64, 129, 2100}) {
      MemoryLedger ledger;
      const QuantizedTensor tensor = random_tensor(ledger, 19, columns, format.format);
      std::vector<float> expected(static_cast<std::size_t>(17 * columns)), decoded(expected.size());
      reference::decode_rows(tensor, 2, 17, expected);
      ASSERT_TRUE(has_row_decoder(format.format));
      decode_rows(tensor, 2, 17, decoded);
      EXPECT_EQ(std::memcmp(decoded.data(), expected.data(), expected.size() * sizeof(float)), 0)
          << format.name << ", K " << columns;
    }
}

class StoredFormats : public ::testing::TestWithParam<std::string> {};

TEST_P(StoredFormats, AreUploadedDecodedEmbeddedAndMultipliedAsTheReferenceDoes) {
  const auto backend = create_cpu(GetParam(), 2);
  constexpr std::int64_t outputs = 50, rows = 3, columns = 200;
  const auto x = random_values(rows * columns, 2);
  for (const NamedFormat& format : stored_formats()) {
    MemoryLedger ledger;
    const QuantizedTensor tensor = random_tensor(ledger, outputs, columns, format.format);
    const auto weight = backend->upload(random_tensor(backend->ledger(), outputs, columns, format.format));
    ASSERT_TRUE(weight.has_value()) << format.name << ": " << weight.error().message;
    const auto copy = backend->download(**weight);
    ASSERT_TRUE(copy.has_value());
    EXPECT_EQ(std::memcmp(copy->codes.data(), tensor.codes.data(), tensor.codes.size()), 0) << format.name;
    std::vector<float> expected(outputs * columns), decoded(outputs * columns);
    reference::decode_rows(tensor, 0, outputs, expected);
    ASSERT_TRUE(backend->decode(**weight, 0, outputs, decoded).has_value());
    EXPECT_EQ(decoded, expected) << format.name;
    const std::vector<std::int32_t> ids = {outputs - 1, 3};
    const auto hidden = create_filled(*backend, std::vector<float>(2 * columns), 2);
    ASSERT_TRUE(backend->embed(**weight, ids, ComputeType::fp32, *hidden).has_value());
    EXPECT_EQ(values_of(*backend, *hidden, 1), std::vector<float>(expected.end() - columns, expected.end()))
        << format.name;
    for (const ComputeType compute : {ComputeType::fp32, ComputeType::bf16}) {
      Linear linear;
      linear.weight = weight->get();
      linear.compute = compute;
      const double largest = std::abs(*std::ranges::max_element(expected, {}, [](float v) { return std::abs(v); }));
      expect_near(multiply(*backend, linear, x, rows), reference::linear(x, rows, tensor, compute),
                  1e-5 + 1e-6 * largest * columns, format.name);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, StoredFormats, ::testing::ValuesIn(levels()));

TEST(Upload, RefusesAGroupIndexOutsideTheGroups) {
  const auto backend = create_cpu();
  WeightFormat format = affine_format(4, 32, ScaleType::float16);
  format.group_index = true;
  for (const std::int32_t group : {-1, 4}) {
    QuantizedTensor tensor = random_tensor(backend->ledger(), 2, 128, format);
    tensor.group_index.as<std::int32_t>()[100] = group;
    const auto weight = backend->upload(std::move(tensor));
    ASSERT_FALSE(weight.has_value());
    EXPECT_EQ(weight.error().code, ErrorCode::invalid_argument);
  }
}

}  // namespace
}  // namespace quantscope::testing
