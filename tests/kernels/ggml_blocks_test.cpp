// SPDX-License-Identifier: GPL-3.0-or-later
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <span>
#include <sstream>

#include "kernels/formats/ggml_decode.h"
#include "kernels/formats/ggml_encode.h"
#include "kernels/formats/half.h"
#include "tests/support/ggml_data.h"
#include "tests/support/reference_data.h"
#include "tests/support/sha256.h"

namespace quantscope {
namespace {

/// The types of the reference vectors, and the file of a real checkpoint where there is one.
const GgmlType reference_types[] = {GgmlType::q4_0, GgmlType::q4_1, GgmlType::q5_0, GgmlType::q5_1,
                                    GgmlType::q8_0, GgmlType::q4_k, GgmlType::q5_k, GgmlType::q6_k};

std::string key_of(GgmlType type) { return std::string(ggml_type_info(type).key); }

std::vector<float> decode(GgmlType type, std::span<const std::byte> bytes) {
  const GgmlTypeInfo& info = ggml_type_info(type);
  const std::int64_t count = std::ssize(bytes) / info.block_bytes * info.block_values;
  std::vector<float> values(static_cast<std::size_t>(count));
  decode_ggml(type, bytes.data(), count, values.data());
  return values;
}

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

class GgmlReferenceVectors : public ::testing::TestWithParam<GgmlType> {};

TEST_P(GgmlReferenceVectors, DecodeTheBlockOfTheReferenceImplementation) {
  QUANTSCOPE_REQUIRE_SHARED();
  const auto [line, values] = find_lines(key_of(GetParam()) + " ");
  std::istringstream fields(line), expected(values);
  std::int64_t size = 0;
  fields >> size;
  const auto bytes = read_hex(fields);
  ASSERT_EQ(size, ggml_type_info(GetParam()).block_bytes);
  ASSERT_EQ(std::ssize(bytes), size);
  for (const float value : decode(GetParam(), bytes)) {
    double printed = 0;
    ASSERT_TRUE(expected >> printed);
    EXPECT_NEAR(value, printed, 1e-8 * std::abs(printed));
  }
}

TEST_P(GgmlReferenceVectors, DecodeWhatTheReferenceEncoderMade) {
  QUANTSCOPE_REQUIRE_SHARED();
  std::istringstream fields(find_lines("Q" + key_of(GetParam()) + " ").first);
  std::string word;
  double relative_error = 0;
  fields >> word >> relative_error >> word;
  const auto bytes = read_hex(fields);
  ASSERT_EQ(std::ssize(bytes), ggml_type_info(GetParam()).block_bytes);
  const auto decoded = decode(GetParam(), bytes);
  const auto source = testing::ggml_source_values("uniform", decoded.size());
  double error = 0, norm = 0;
  for (std::size_t i = 0; i < source.size(); ++i) {
    const double x = static_cast<double>(source[i]), difference = x - static_cast<double>(decoded[i]);
    error += difference * difference;
    norm += x * x;
  }
  EXPECT_NEAR(error / norm, relative_error, 1e-5 * relative_error);
}

INSTANTIATE_TEST_SUITE_P(Types, GgmlReferenceVectors, ::testing::ValuesIn(reference_types),
                         [](const auto& test) { return key_of(test.param); });

class GgmlCheckpointSlices : public ::testing::TestWithParam<GgmlType> {};

TEST_P(GgmlCheckpointSlices, DecodeToThePublishedValues) {
  QUANTSCOPE_REQUIRE_SHARED();
  std::ifstream file(testing::shared_folder() / "data/quantized" / ("smollm2_" + key_of(GetParam()) + ".bin"),
                     std::ios::binary);
  std::uint32_t header[4] = {};  // type, elements, block bytes, expected bytes
  ASSERT_TRUE(file.read(reinterpret_cast<char*>(header), sizeof header));
  ASSERT_EQ(header[0], static_cast<std::uint32_t>(GetParam()));
  std::vector<std::byte> blocks(header[2]);
  std::vector<std::uint16_t> expected(header[3] / 2);
  file.read(reinterpret_cast<char*>(blocks.data()), header[2]);
  ASSERT_TRUE(file.read(reinterpret_cast<char*>(expected.data()), header[3]));
  const auto decoded = decode(GetParam(), blocks);
  ASSERT_EQ(decoded.size(), header[1]);
  for (std::size_t i = 0; i < decoded.size(); ++i) ASSERT_EQ(fp32_to_bf16(decoded[i]), expected[i]) << "value " << i;
}

INSTANTIATE_TEST_SUITE_P(Types, GgmlCheckpointSlices,
                         ::testing::Values(GgmlType::q4_0, GgmlType::q4_1, GgmlType::q8_0, GgmlType::q4_k,
                                           GgmlType::q6_k),
                         [](const auto& test) { return key_of(test.param); });

/// Lines of tests/data/ggml_vectors.txt that begin with `word`, as their other fields.
std::vector<std::vector<std::string>> vector_lines(const std::string& word) {
  std::ifstream file(testing::source_folder() / "tests/data/ggml_vectors.txt");
  std::vector<std::vector<std::string>> lines;
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    std::string field;
    fields >> field;
    if (field != word) continue;
    lines.emplace_back();
    while (fields >> field) lines.back().push_back(field);
  }
  return lines;
}

std::string digest(const void* data, std::size_t bytes) {
  return testing::sha256({static_cast<const char*>(data), bytes});
}

TEST(GgmlVectors, DecodeEveryBlockTypeToTheBitsOfThePythonPackage) {
  const auto lines = vector_lines("decode");
  std::size_t block_types = 0;
  for (const GgmlTypeInfo& info : ggml_types) block_types += info.block_values > 1 ? 1 : 0;
  ASSERT_EQ(lines.size(), block_types);
  for (const auto& fields : lines) {
    const auto type = parse_ggml_type(fields.at(0));
    ASSERT_TRUE(type.has_value()) << fields[0];
    const auto values = decode(*type, testing::random_ggml_blocks(*type, std::stoul(fields.at(1))));
    EXPECT_EQ(digest(values.data(), values.size() * sizeof(float)), fields.at(2)) << fields[0];
  }
}

TEST(GgmlVectors, EncodeTheTypesWithoutASearchToTheBytesOfThePythonPackage) {
  const auto lines = vector_lines("encode");
  ASSERT_EQ(lines.size(), 4U * 7U);
  for (const auto& fields : lines) {
    const auto type = parse_ggml_type(fields.at(0));
    ASSERT_TRUE(type.has_value()) << fields[0];
    const auto source = testing::ggml_source_values(fields.at(1), std::stoul(fields.at(2)));
    std::vector<std::byte> blocks(static_cast<std::size_t>(ggml_bytes(*type, std::ssize(source))));
    encode_ggml(*type, source.data(), std::ssize(source), blocks.data());
    EXPECT_EQ(digest(blocks.data(), blocks.size()), fields.at(3)) << fields[0] << " " << fields[1];
  }
}

}  // namespace
}  // namespace quantscope
