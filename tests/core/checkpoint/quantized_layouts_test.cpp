// SPDX-License-Identifier: GPL-3.0-or-later
// Each layout of quantized weights against what the library that defines it decodes from the same bytes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>

#include "kernels/formats/half.h"
#include "tests/core/checkpoint/small_checkpoints.h"
#include "tests/core/checkpoint/stored_layers.h"
#include "tests/support/reference_data.h"

namespace quantscope::testing {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

/// The metadata's quantization_config of a file of tests/data/layouts.
json config_of(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::uint64_t length = 0;
  stream.read(reinterpret_cast<char*>(&length), sizeof length);
  std::string text(length, ' ');
  stream.read(text.data(), static_cast<std::streamsize>(length));
  return json::parse(json::parse(text).at("__metadata__").at("quantization_config").get<std::string>());
}

std::vector<float> values_of(const OracleTensor& tensor) { return tensor.as<float>(); }

/// The one weight of a file, decoded whole, by single rows, by odd pieces and as stored; all must agree.
std::vector<float> decode_every_way(const StoredLayers& layers) {
  EXPECT_TRUE(layers.found) << layers.found.error().message;
  if (!layers.found) return {};
  EXPECT_EQ(layers.found->weights.size(), 1);
  const QuantizedWeights::Weight& weight = layers.found->weights.at(0);
  const std::vector<float> values = decoded(weight);
  EXPECT_EQ(decoded(weight, 1), values);
  EXPECT_EQ(decoded(weight, 7), values);
  EXPECT_EQ(decoded_as_stored(weight), values);
  return values;
}

class LayoutVectors : public ::testing::TestWithParam<const char*> {};

TEST_P(LayoutVectors, DecodeToTheLibrarysValues) {
  const fs::path file = source_folder() / "tests/data/layouts" / (std::string(GetParam()) + ".safetensors");
  const OracleFile oracle = read_oracle(file);
  const StoredLayers layers = read_layers(file, config_of(file));
  EXPECT_EQ(decode_every_way(layers), values_of(oracle.at("expected")));
  const QuantizedWeights::Weight& weight = layers.found->weights.at(0);
  EXPECT_EQ(weight.info.name, "layer.weight");
  EXPECT_EQ(weight.info.shape, oracle.at("expected").shape);
  std::uint64_t bytes = 0;
  for (const auto& [name, tensor] : oracle) bytes += name == "expected" ? 0 : tensor.bytes.size();
  EXPECT_EQ(weight.info.bytes, bytes) << "all tensors of the weight count";
}

INSTANTIATE_TEST_SUITE_P(Files, LayoutVectors,
                         ::testing::Values("gptq_2bit_v1", "gptq_3bit_v1", "gptq_3bit_v2_act_order",
                                           "gptq_4bit_v1_bf16", "gptq_8bit_v1", "gptq_8bit_v2", "awq_gemv_g64",
                                           "awq_gemv_g128", "compressed_int4_group", "compressed_int4_group_zeros",
                                           "compressed_int8_row", "compressed_fp8_row", "compressed_fp8_matrix",
                                           "fp8_tiles_f32", "fp8_tiles_bf16"),
                         [](const auto& case_info) { return std::string(case_info.param); });

/// A packed file of the reference folder.
struct Packed {
  const char* name;
  const char* file;
  json config;
};
void PrintTo(const Packed& packed, std::ostream* out) { *out << packed.name; }

class PackedReference : public ::testing::TestWithParam<Packed> {};

TEST_P(PackedReference, HoldsTheCodesAndValuesOfTheManifest) {
  QUANTSCOPE_REQUIRE_SHARED();
  const fs::path file = shared_folder() / "reference" / GetParam().file;
  EXPECT_EQ(decode_every_way(read_layers(file, GetParam().config)),
            values_of(read_oracle(file).at("expected.dequantized")));
}

json gptq_config(int group, bool act_order, const char* version) {
  return {{"quant_method", "gptq"},
          {"bits", 4},
          {"group_size", group},
          {"desc_act", act_order},
          {"checkpoint_format", version}};
}
json awq_config(int group) {
  return {{"quant_method", "awq"}, {"bits", 4}, {"group_size", group}, {"zero_point", true}, {"version", "gemm"}};
}

INSTANTIATE_TEST_SUITE_P(
    Files, PackedReference,
    ::testing::Values(
        Packed{"gptq_sym_v1", "gptq/packed_sym_v1.safetensors", gptq_config(64, false, "gptq")},
        Packed{"gptq_sym_v1_act_order", "gptq/packed_sym_v1_act_order.safetensors", gptq_config(64, true, "gptq")},
        Packed{"gptq_asym_v2", "gptq/packed_asym_v2.safetensors", gptq_config(64, false, "gptq_v2")},
        Packed{"gptq_one_group", "gptq/packed_sym_v1_one_group.safetensors", gptq_config(-1, false, "gptq")},
        Packed{"awq_gemm", "awq/packed_gemm.safetensors", awq_config(64)}),
    [](const auto& case_info) { return std::string(case_info.param.name); });

/// Reads the fields of a slice of a published checkpoint one after the other.
class SliceReader {
 public:
  explicit SliceReader(const std::string& name) : file_(shared_folder() / "data/quantized" / name, std::ios::binary) {}

  std::string bytes(std::size_t count) {
    std::string read(count, '\0');
    file_.read(read.data(), static_cast<std::streamsize>(count));
    EXPECT_TRUE(file_.good());
    return read;
  }
  std::vector<std::uint32_t> numbers(std::size_t count) {
    std::vector<std::uint32_t> read(count);
    std::memcpy(read.data(), bytes(4 * count).data(), 4 * count);
    return read;
  }
  std::vector<std::uint16_t> halves(std::size_t count) {
    std::vector<std::uint16_t> read(count);
    std::memcpy(read.data(), bytes(2 * count).data(), 2 * count);
    return read;
  }

 private:
  std::ifstream file_;
};

/// `expected` is [columns, rows], as the libraries compute it.
void expect_transposed(const std::vector<float>& values, const std::vector<std::uint16_t>& expected, std::size_t rows) {
  ASSERT_EQ(values.size(), expected.size());
  const std::size_t columns = values.size() / rows;
  for (std::size_t n = 0; n < rows; ++n)
    for (std::size_t k = 0; k < columns; ++k)
      ASSERT_EQ(fp32_to_bf16(values[n * columns + k]), expected[k * rows + n]) << n << ", " << k;
}

TEST(PublishedSlices, OfGptqDecodeToTheLibrarysBits) {
  QUANTSCOPE_REQUIRE_SHARED();
  SliceReader slice("llama_3_2_1b_int4.bin");
  const auto header = slice.numbers(11);
  std::vector<SafetensorsEntry> entries = {{"layer.qweight", "I32", {32, 256}, slice.bytes(header[6])},
                                           {"layer.scales", "F16", {2, 256}, slice.bytes(header[7])},
                                           {"layer.qzeros", "I32", {2, 32}, slice.bytes(header[8])},
                                           {"layer.g_idx", "I32", {256}, slice.bytes(header[9])}};
  const TemporaryFolder folder;
  const auto layers =
      read_layers(folder.write("model.safetensors", safetensors_file(entries)), gptq_config(128, false, "gptq"));
  expect_transposed(decode_every_way(layers), slice.halves(header[10] / 2), 256);
}

TEST(PublishedSlices, OfAwqDecodeToTheLibrarysBits) {
  QUANTSCOPE_REQUIRE_SHARED();
  SliceReader slice("llama_3_2_1b_awq.bin");
  const auto header = slice.numbers(9);
  std::vector<SafetensorsEntry> entries = {{"layer.qweight", "I32", {256, 32}, slice.bytes(header[5])},
                                           {"layer.scales", "F16", {2, 256}, slice.bytes(header[6])},
                                           {"layer.qzeros", "I32", {2, 32}, slice.bytes(header[7])}};
  const TemporaryFolder folder;
  const auto layers = read_layers(folder.write("model.safetensors", safetensors_file(entries)), awq_config(128));
  expect_transposed(decode_every_way(layers), slice.halves(header[8] / 2), 256);
}

struct FourBitSlice {
  const char* file;
  const char* type;
  bool nested;
};
void PrintTo(const FourBitSlice& slice, std::ostream* out) { *out << slice.file; }

class BitsandbytesSlices : public ::testing::TestWithParam<FourBitSlice> {};

TEST_P(BitsandbytesSlices, DecodeToTheLibrarysBits) {
  QUANTSCOPE_REQUIRE_SHARED();
  const auto& [file, type, nested] = GetParam();
  SliceReader slice{std::string(file)};
  const auto header = slice.numbers(9);
  float offset = 0;
  std::memcpy(&offset, slice.bytes(4).data(), 4);
  json state = {{"quant_type", type}, {"blocksize", 64}, {"dtype", "bfloat16"}, {"shape", {64, 64}}};
  const std::string weight = "layer.weight";
  std::vector<SafetensorsEntry> entries = {{weight, "U8", {2048, 1}, slice.bytes(header[3])}};
  entries.push_back({weight + ".absmax", nested ? "U8" : "F32", {64}, slice.bytes(header[4])});
  entries.push_back({weight + ".quant_map", "F32", {16}, slice.bytes(header[5])});
  if (nested) {
    entries.push_back({weight + ".nested_absmax", "F32", {1}, slice.bytes(header[6])});
    entries.push_back({weight + ".nested_quant_map", "F32", {256}, slice.bytes(header[7])});
    state.update({{"nested_blocksize", 256}, {"nested_dtype", "float32"}, {"nested_offset", offset}});
  }
  const std::string text = state.dump();
  entries.push_back({weight + ".quant_state.bitsandbytes__" + type, "U8", {std::ssize(text)}, text});
  const TemporaryFolder folder;
  const auto layers = read_layers(folder.write("model.safetensors", safetensors_file(entries)), {});
  const auto values = decode_every_way(layers);
  const auto expected = slice.halves(header[8] / 2);
  ASSERT_EQ(values.size(), expected.size());
  for (std::size_t i = 0; i < values.size(); ++i) ASSERT_EQ(fp32_to_bf16(values[i]), expected[i]) << i;
}

INSTANTIATE_TEST_SUITE_P(Files, BitsandbytesSlices,
                         ::testing::Values(FourBitSlice{"llama_1b_nf4.bin", "nf4", false},
                                           FourBitSlice{"llama_1b_fp4.bin", "fp4", false},
                                           FourBitSlice{"llama_1b_nf4_double_quant.bin", "nf4", true}));

TEST(PublishedSlices, OfInt8DecodeToTheLibrarysBits) {
  QUANTSCOPE_REQUIRE_SHARED();
  SliceReader slice("llama_1b_int8.bin");
  const auto header = slice.numbers(6);
  std::vector<SafetensorsEntry> entries = {{"layer.weight", "I8", {256, 256}, slice.bytes(header[3])},
                                           {"layer.SCB", "F32", {256}, slice.bytes(header[4])},
                                           {"layer.weight_format", "U8", {}, std::string(1, '\0')}};
  const TemporaryFolder folder;
  const auto layers = read_layers(folder.write("model.safetensors", safetensors_file(entries)), {});
  const auto values = decode_every_way(layers);
  const auto expected = slice.halves(header[5] / 2);
  ASSERT_EQ(values.size(), expected.size());
  for (std::size_t i = 0; i < values.size(); ++i) ASSERT_EQ(fp32_to_bf16(values[i]), expected[i]) << i;
}

}  // namespace
}  // namespace quantscope::testing
