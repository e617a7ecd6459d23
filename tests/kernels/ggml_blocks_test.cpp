// SPDX-License-Identifier: GPL-3.0-or-later
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <sstream>

#include "kernels/formats/ggml_blocks.h"
#include "tests/support/reference_data.h"

namespace quantscope {
namespace {

struct BlockType {
  std::string name;
  std::int64_t bytes;
  void (*decode)(const std::byte* block, float* values);
};
const BlockType block_types[] = {{"q8_0", q8_0_block_bytes, decode_q8_0_block},
                                 {"q4_0", q4_0_block_bytes, decode_q4_0_block},
                                 {"q4_1", q4_1_block_bytes, decode_q4_1_block}};

std::vector<std::byte> read_hex(std::istringstream& fields) {
  std::vector<std::byte> bytes;
  for (std::string byte; fields >> byte;) bytes.push_back(static_cast<std::byte>(std::stoi(byte, nullptr, 16)));
  return bytes;
}

/// The line that begins with `prefix`, and the one after it.
std::pair<std::string, std::string> find_lines(const std::string& prefix) {
  std::ifstream file(testing::shared_folder() / "reference/ggml_vectors.txt");
  std::string line, next;
  while (std::getline(file, line)) {
    if (!line.starts_with(prefix)) continue;
    std::getline(file, next);
    return {line.substr(prefix.size()), next};
  }
  return {};
}

class GgmlBlocks : public ::testing::TestWithParam<BlockType> {};

TEST_P(GgmlBlocks, DecodeTheBlockOfTheReferenceImplementation) {
  QUANTSCOPE_REQUIRE_SHARED();
  const auto [line, values] = find_lines(GetParam().name + " ");
  std::istringstream fields(line), expected(values);
  std::int64_t size = 0;
  fields >> size;
  const auto bytes = read_hex(fields);
  ASSERT_EQ(size, GetParam().bytes);
  ASSERT_EQ(static_cast<std::int64_t>(bytes.size()), size);
  float decoded[ggml_block_values];
  GetParam().decode(bytes.data(), decoded);
  for (const float value : decoded) {
    double printed = 0;
    ASSERT_TRUE(expected >> printed);
    EXPECT_NEAR(value, printed, 1e-8 * std::abs(printed));
  }
}

TEST_P(GgmlBlocks, DecodeWhatTheReferenceEncoderMade) {
  QUANTSCOPE_REQUIRE_SHARED();
  std::istringstream fields(find_lines("Q" + GetParam().name + " ").first);
  std::string word;
  double relative_error = 0;
  fields >> word >> relative_error >> word;
  const auto bytes = read_hex(fields);
  ASSERT_EQ(static_cast<std::int64_t>(bytes.size()), GetParam().bytes);
  float decoded[ggml_block_values];
  GetParam().decode(bytes.data(), decoded);
  std::uint32_t state = 12345;
  double error = 0, norm = 0;
  for (const float value : decoded) {
    state = state * 1664525U + 1013904223U;
    const double x = static_cast<double>(state >> 8) / 0x1p24 * 2 - 1;
    error += (x - value) * (x - value);
    norm += x * x;
  }
  EXPECT_NEAR(error / norm, relative_error, 1e-5 * relative_error);
}

TEST_P(GgmlBlocks, DecodeASliceOfARealCheckpoint) {
  QUANTSCOPE_REQUIRE_SHARED();
  std::ifstream file(testing::shared_folder() / "data/quantized" / ("smollm2_" + GetParam().name + ".bin"),
                     std::ios::binary);
  std::uint32_t header[4] = {};  // type, elements, block bytes, expected bytes
  ASSERT_TRUE(file.read(reinterpret_cast<char*>(header), sizeof header));
  std::vector<std::byte> blocks(header[2]);
  std::vector<std::uint16_t> expected(header[3] / 2);
  file.read(reinterpret_cast<char*>(blocks.data()), header[2]);
  ASSERT_TRUE(file.read(reinterpret_cast<char*>(expected.data()), header[3]));
  ASSERT_EQ(static_cast<std::int64_t>(blocks.size()) / GetParam().bytes * ggml_block_values, header[1]);
  for (std::size_t block = 0; block < header[1] / ggml_block_values; ++block) {
    float decoded[ggml_block_values];
    GetParam().decode(blocks.data() + block * static_cast<std::size_t>(GetParam().bytes), decoded);
    for (std::size_t i = 0; i < ggml_block_values; ++i)
      ASSERT_EQ(fp32_to_bf16(decoded[i]), expected[block * ggml_block_values + i]) << "block " << block;
  }
}

INSTANTIATE_TEST_SUITE_P(Types, GgmlBlocks, ::testing::ValuesIn(block_types),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace quantscope
