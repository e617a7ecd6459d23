// SPDX-License-Identifier: GPL-3.0-or-later
// Encoding and decoding against bitsandbytes' own results and real checkpoints.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <set>

#include "kernels/cpu/reference/decode.h"
#include "kernels/cpu/reference/encode.h"
#include "kernels/formats/block_scale.h"
#include "kernels/formats/dynamic_map.h"
#include "kernels/formats/half.h"
#include "kernels/formats/levels.h"
#include "tests/support/reference_data.h"

namespace quantscope {
namespace {
using testing::OracleFile;
using testing::OracleTensor;

std::vector<float> as_floats(const OracleTensor& tensor) {
  if (tensor.dtype == "F32") return tensor.as<float>();
  std::vector<float> values;
  for (const std::uint16_t bits : tensor.as<std::uint16_t>())
    values.push_back(tensor.dtype == "F16" ? fp16_to_fp32(bits) : bf16_to_fp32(bits));
  return values;
}

OracleFile read_reference(const std::string& name) {
  return testing::read_oracle(testing::shared_folder() / "reference" / name);
}

/// A tensor and the ledger that it counts in.
struct Matrix {
  MemoryLedger ledger;
  QuantizedTensor tensor;

  Matrix(std::int64_t rows, std::int64_t columns, const WeightFormat& format)
      : tensor(QuantizedTensor::allocate(ledger, rows, columns, format, MemoryTag::codes).value()) {}

  void encode(std::span<const float> values) {
    if (!tensor.format.nested_scales) return reference::encode_values(values, 0, tensor, tensor.scales.as<float>());
    std::vector<float> absmax(tensor.scales.size());
    reference::encode_values(values, 0, tensor, absmax);
    reference::encode_absmax(absmax, tensor);
  }
  std::vector<float> decoded() const {
    std::vector<float> values(static_cast<std::size_t>(tensor.rows * tensor.columns));
    reference::decode_rows(tensor, 0, tensor.rows, values);
    return values;
  }
  void store(TaggedBuffer& buffer, const std::vector<unsigned char>& bytes) {
    ASSERT_EQ(buffer.size(), bytes.size());
    std::memcpy(buffer.data(), bytes.data(), bytes.size());
  }
};

std::vector<unsigned char> bytes_of(const TaggedBuffer& buffer) {
  const auto bytes = buffer.as<unsigned char>();
  return {bytes.begin(), bytes.end()};
}

float round_like(const std::string& dtype, float value) {
  if (dtype == "F16") return round_to(ComputeType::fp16, value);
  return dtype == "BF16" ? round_to(ComputeType::bf16, value) : value;
}

/// One "<input>.<type>.b<block>" of a fourbit file.
struct FourBitCase {
  std::string name;
  DataType type;
  std::int64_t block_size;
  std::string input;
};

std::vector<FourBitCase> fourbit_cases(const OracleFile& file) {
  std::vector<FourBitCase> cases;
  for (const auto& [name, tensor] : file) {
    if (!name.ends_with(".cuda_packed")) continue;
    FourBitCase found;
    found.name = name.substr(0, name.size() - std::string(".cuda_packed").size());
    const std::size_t block = found.name.rfind(".b"), type = found.name.rfind('.', block - 1);
    found.block_size = std::stol(found.name.substr(block + 2));
    found.type = parse_data_type(found.name.substr(type + 1, block - type - 1)).value();
    found.input = found.name.substr(0, type) + ".input";
    cases.push_back(found);
  }
  return cases;
}

void expect_same_absmax(const OracleFile& file, const FourBitCase& test, std::span<const float> absmax) {
  const auto corrected = file.find(test.name + ".cuda_absmax");
  const auto expected =
      corrected != file.end() ? corrected->second.as<float>() : file.at(test.name + ".absmax").as<float>();
  ASSERT_EQ(absmax.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_EQ(absmax[i], flush_subnormal(expected[i])) << test.name << " block " << i;
}

void expect_same_decoded(const OracleFile& file, const FourBitCase& test, Matrix& matrix) {
  matrix.store(matrix.tensor.codes, file.at(test.name + ".packed").bytes);
  matrix.store(matrix.tensor.scales, file.at(test.name + ".absmax").bytes);
  const OracleTensor& stored = file.at(test.name + ".dequantized");
  const auto expected = as_floats(stored);
  const auto decoded = matrix.decoded();
  ASSERT_EQ(decoded.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const float rounded = round_like(stored.dtype, decoded[i]);
    if (std::abs(rounded) < 1.2e-38F && expected[i] == 0.0F) continue;
    EXPECT_EQ(rounded, expected[i]) << test.name << " element " << i;
  }
}

class FourBitVectors : public ::testing::TestWithParam<std::string> {};

TEST_P(FourBitVectors, CodesAbsmaxAndDecodedValuesAreThoseOfTheLibrary) {
  QUANTSCOPE_REQUIRE_SHARED();
  const OracleFile file = read_reference("bitsandbytes/fourbit_" + GetParam() + ".safetensors");
  const auto cases = fourbit_cases(file);
  ASSERT_FALSE(cases.empty());
  for (const FourBitCase& test : cases) {
    const auto input = as_floats(file.at(test.input));
    Matrix matrix(1, static_cast<std::int64_t>(input.size()), block_format(test.type, test.block_size, false));
    matrix.encode(input);
    EXPECT_EQ(bytes_of(matrix.tensor.codes), file.at(test.name + ".cuda_packed").bytes) << test.name;
    expect_same_absmax(file, test, matrix.tensor.scales.as<float>());
    expect_same_decoded(file, test, matrix);
  }
}

INSTANTIATE_TEST_SUITE_P(Bitsandbytes, FourBitVectors,
                         ::testing::Values("fp32", "fp16", "bf16", "edge_fp32", "edge_fp16", "edge_bf16"));

void expect_double_quantization(const OracleFile& file, const std::string& name) {
  const auto absmax = file.at(name + ".absmax_fp32").as<float>();
  Matrix matrix(1, static_cast<std::int64_t>(absmax.size()) * 64, block_format(DataType::nf4, 64, true));
  reference::encode_absmax(absmax, matrix.tensor);
  const float offset = file.at(name + ".offset").as<float>().at(0);
  EXPECT_NEAR(matrix.tensor.nested_offset(), offset, 1e-6 * std::abs(offset)) << name;
  const auto nested = file.at(name + ".nested_absmax").as<float>();
  for (std::size_t i = 0; i < nested.size(); ++i)
    EXPECT_NEAR(matrix.tensor.nested_absmax.as<float>()[i], nested[i], 1e-6 * (nested[i] + offset)) << name;
  EXPECT_EQ(bytes_of(matrix.tensor.scales), file.at(name + ".cuda_codes").bytes) << name;

  // The library's own offset and codes must give its decoded absmax bit for bit.
  std::ranges::copy(nested, matrix.tensor.nested_absmax.as<float>().begin());
  matrix.tensor.nested_absmax.as<float>().back() = offset;
  matrix.store(matrix.tensor.scales, file.at(name + ".codes").bytes);
  const auto decoded = file.at(name + ".absmax_decoded").as<float>();
  for (std::size_t i = 0; i < decoded.size(); ++i)
    EXPECT_EQ(reference::decoded_absmax(matrix.tensor, static_cast<std::int64_t>(i)), decoded[i]) << name << i;
}

TEST(DoubleQuantization, CodesAndDecodedAbsmaxAreThoseOfTheLibrary) {
  QUANTSCOPE_REQUIRE_SHARED();
  const OracleFile file = read_reference("bitsandbytes/double_quant.safetensors");
  int cases = 0;
  for (const auto& [name, tensor] : file) {
    const std::size_t end = name.find(".cuda_codes");
    if (end == std::string::npos) continue;
    expect_double_quantization(file, name.substr(0, end));
    ++cases;
  }
  EXPECT_EQ(cases, 4);
}

void expect_within_one_ulp(const std::vector<float>& values, const std::vector<float>& expected,
                           const std::string& name) {
  ASSERT_EQ(values.size(), expected.size());
  for (std::size_t i = 0; i < values.size(); ++i)
    EXPECT_LE(std::abs(values[i] - expected[i]), 1.2e-7F * std::abs(expected[i])) << name << " element " << i;
}

TEST(LlmInt8, CodesRowAbsmaxAndDecodedWeightsAreThoseOfTheLibrary) {
  QUANTSCOPE_REQUIRE_SHARED();
  const OracleFile file = read_reference("bitsandbytes/llm_int8.safetensors");
  for (const std::string name : {"case0", "case1", "case2"}) {
    const OracleTensor& weight = file.at(name + ".weight");
    Matrix matrix(weight.shape.at(0), weight.shape.at(1), int8_row_format());
    matrix.encode(as_floats(weight));
    const auto codes = matrix.tensor.codes.as<std::int8_t>();
    const auto expected = file.at(name + ".cuda_codes").as<std::int8_t>();
    EXPECT_TRUE(std::ranges::equal(codes, expected)) << name;
    EXPECT_TRUE(std::ranges::equal(matrix.tensor.scales.as<float>(), file.at(name + ".SCB").as<float>())) << name;
    matrix.store(matrix.tensor.codes, file.at(name + ".codes").bytes);
    // The library multiplies by float32(1 / 127) here, which is not always the rounded quotient.
    expect_within_one_ulp(matrix.decoded(), file.at(name + ".dequantized_weight_fp32").as<float>(), name);
  }
}

WeightFormat variant_format(const std::string& variant) {
  if (variant == "fp16") return dense_format(DataType::fp16);
  if (variant == "bf16") return dense_format(DataType::bf16);
  if (variant == "int8") return int8_row_format();
  if (variant == "int4_b64") return block_format(DataType::int4, 64, false);
  if (variant == "fp4_b64") return block_format(DataType::fp4, 64, false);
  if (variant == "nf4_b4096") return block_format(DataType::nf4, 4096, false);
  return block_format(DataType::nf4, 64, variant == "nf4_b64_double");
}

/// The reference was made on a CPU, where the library rounds 127 / absmax twice: an exact half may then fall on the
/// other side. Everything else is equal.
void expect_same_int8(const Matrix& matrix, const std::vector<float>& source, const std::vector<float>& expected) {
  const auto decoded = matrix.decoded();
  const auto absmax = matrix.tensor.scales.as<float>();
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (decoded[i] == expected[i]) continue;
    const double row_absmax = absmax[i / static_cast<std::size_t>(matrix.tensor.columns)];
    const double steps = 127.0 * static_cast<double>(round_to(ComputeType::fp16, source[i])) / row_absmax;
    EXPECT_NEAR(std::abs(steps - std::trunc(steps)), 0.5, 1e-5) << "element " << i << " is no tie";
    EXPECT_NEAR(decoded[i], expected[i], row_absmax / 127 * 1.001) << "element " << i;
  }
}

class QuantizedModel : public ::testing::TestWithParam<std::string> {};

TEST_P(QuantizedModel, DecodedWeightsAreThoseOfTheReference) {
  QUANTSCOPE_REQUIRE_SHARED();
  const OracleFile model = read_reference("models/" + GetParam() + "/model.safetensors");
  const OracleFile decoded = read_reference("quantized_models/" + GetParam() + ".safetensors");
  std::set<std::string> variants;
  for (const auto& [name, expected] : decoded) {
    const std::size_t split = name.find(".weight.");
    if (split == std::string::npos) continue;
    const std::string variant = name.substr(0, split);
    variants.insert(variant);
    Matrix matrix(expected.shape.at(0), expected.shape.at(1), variant_format(variant));
    const auto source = as_floats(model.at(name.substr(split + 8) + ".weight"));
    matrix.encode(source);
    if (variant == "int8") {
      expect_same_int8(matrix, source, expected.as<float>());
    } else {
      EXPECT_EQ(matrix.decoded(), expected.as<float>()) << name;
    }
  }
  EXPECT_EQ(variants.size(), 8U);
}

INSTANTIATE_TEST_SUITE_P(References, QuantizedModel, ::testing::Values("stories260K", "llama3_rope_gqa_tied"));

}  // namespace
}  // namespace quantscope
