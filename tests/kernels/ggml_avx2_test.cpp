// SPDX-License-Identifier: GPL-3.0-or-later
#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#include "kernels/formats/ggml_decode_avx2.h"
#include "kernels/formats/ggml_part.h"
#include "tests/support/ggml_data.h"

namespace quantscope {
namespace {

struct BlockDecoder {
  GgmlType type;
  void (*decode)(const std::byte* block, float* values);
};

template <GgmlType type>
constexpr BlockDecoder parts_of = {type, [](const std::byte* block, float* values) {
                                     const std::int64_t parts = ggml_type_info(type).block_values / ggml_part_values;
                                     for (std::int64_t part = 0; part < parts; ++part)
                                       decode_ggml_part<type>(block, static_cast<int>(part), nullptr,
                                                              values + part * ggml_part_values);
                                   }};

constexpr BlockDecoder block_decoders[] = {parts_of<GgmlType::q8_0>, parts_of<GgmlType::q4_0>,
                                           parts_of<GgmlType::q4_1>, parts_of<GgmlType::iq4_nl>,
                                           parts_of<GgmlType::q4_k>, parts_of<GgmlType::q6_k>};

class GgmlAvx2 : public ::testing::TestWithParam<BlockDecoder> {};

/// Blocks of random bytes, so every code and scale; infinite scales and NaN are among them.
TEST_P(GgmlAvx2, HasTheBitsOfTheBlockDecoders) {
  const GgmlBlocksDecoder fast = ggml_decoder_avx2(GetParam().type);
  if (fast == nullptr) GTEST_SKIP() << "this CPU has no AVX2";
  const GgmlTypeInfo& info = ggml_type_info(GetParam().type);
  constexpr std::int64_t count = 4096;
  std::vector<std::byte> blocks(static_cast<std::size_t>(count * info.block_bytes));
  std::uint32_t state = 7;
  for (std::byte& byte : blocks) {
    state = state * 1664525U + 1013904223U;
    byte = static_cast<std::byte>(state >> 24);
  }
  const auto values = static_cast<std::size_t>(count * info.block_values);
  std::vector<float> expected(values), decoded(values, std::numeric_limits<float>::max());
  for (std::int64_t block = 0; block < count; ++block)
    GetParam().decode(blocks.data() + block * info.block_bytes, expected.data() + block * info.block_values);
  fast(blocks.data(), count, decoded.data());
  std::size_t differing = 0;
  for (std::size_t i = 0; i < values; ++i) {
    const bool both_nan = expected[i] != expected[i] && decoded[i] != decoded[i];
    if (!both_nan && std::memcmp(&expected[i], &decoded[i], sizeof(float)) != 0) ++differing;
  }
  EXPECT_EQ(differing, 0U);
}

INSTANTIATE_TEST_SUITE_P(Types, GgmlAvx2, ::testing::ValuesIn(block_decoders),
                         [](const auto& test) { return std::string(ggml_type_info(test.param.type).key); });

}  // namespace
}  // namespace quantscope
