// SPDX-License-Identifier: GPL-3.0-or-later
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "core/checkpoint/checkpoint.h"
#include "kernels/formats/ggml_decode.h"
#include "tests/core/checkpoint/small_checkpoints.h"
#include "tests/support/ggml_data.h"

namespace quantscope {
namespace {

using namespace quantscope::testing;
using ::testing::HasSubstr;

std::string as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

class GgufTypes : public ::testing::TestWithParam<GgmlType> {
 protected:
  TemporaryFolder folder_;
};

TEST_P(GgufTypes, AreReadRowByRow) {
  const GgmlTypeInfo& info = ggml_type_info(GetParam());
  constexpr std::int64_t rows = 6, columns = 512;
  const auto blocks = random_ggml_blocks(GetParam(), static_cast<std::size_t>(rows * columns / info.block_values));
  std::vector<float> expected(rows * columns), values(2 * columns);
  decode_ggml(GetParam(), blocks.data(), rows * columns, expected.data());
  GgufBuilder builder = small_gguf();
  builder.tensor("extra", {columns, rows}, static_cast<std::uint32_t>(GetParam()), as_text(blocks));
  const auto checkpoint = Checkpoint::open(folder_.write("small.gguf", builder.build()));
  ASSERT_TRUE(checkpoint) << checkpoint.error().message;
  const TensorInfo* tensor = (*checkpoint)->find("extra");
  ASSERT_NE(tensor, nullptr);
  EXPECT_EQ(stored_type_info(tensor->type).name, info.name);
  EXPECT_EQ(tensor->bytes, blocks.size());
  EXPECT_EQ(is_block_quantized(tensor->type), info.block_values > 1);
  ASSERT_TRUE((*checkpoint)->decode_rows(*tensor, 3, 2, values));
  EXPECT_TRUE(std::ranges::equal(values, std::span(expected).subspan(3 * columns, 2 * columns)));
}

TEST_P(GgufTypes, MustFillTheirBlocks) {
  const GgmlTypeInfo& info = ggml_type_info(GetParam());
  GgufBuilder builder = small_gguf();
  builder.tensor("extra", {info.block_values / 2 + 1, 2}, static_cast<std::uint32_t>(GetParam()),
                 std::string(512, 'a'));
  const auto checkpoint = Checkpoint::open(folder_.write("small.gguf", builder.build()));
  if (info.block_values == 1) return;
  ASSERT_FALSE(checkpoint);
  EXPECT_THAT(checkpoint.error().message, HasSubstr("do not fit type " + std::string(info.name)));
}

/// Rows of Q and K are interleaved in the file: what is taken as it stands must be put in order as well.
TEST(GgufStored, BlocksComeInHuggingFaceOrder) {
  const TemporaryFolder folder;
  const auto blocks = random_ggml_blocks(GgmlType::q5_1, 32);
  const auto plain = random_ggml_blocks(GgmlType::q8_0, 16);
  GgufBuilder builder = small_gguf().without_tensor("blk.0.attn_q.weight").without_tensor("blk.0.attn_v.weight");
  builder.tensor("blk.0.attn_q.weight", {32, 32}, 7, as_text(blocks));
  builder.tensor("blk.0.attn_v.weight", {32, 16}, 8, as_text(plain));
  const auto checkpoint = Checkpoint::open(folder.write("small.gguf", builder.build()));
  ASSERT_TRUE(checkpoint) << checkpoint.error().message;
  MemoryLedger ledger;
  for (const std::string name : {"q_proj", "v_proj"}) {
    const TensorInfo* tensor = (*checkpoint)->find("model.layers.0.self_attn." + name + ".weight");
    ASSERT_TRUE(tensor != nullptr && tensor->quantized) << name;
    const auto stored = (*checkpoint)->read_stored(*tensor, ledger, MemoryTag::codes);
    ASSERT_TRUE(stored) << stored.error().message;
    EXPECT_EQ(stored->codes.size(), tensor->bytes);
    std::vector<float> decoded(static_cast<std::size_t>(tensor->count())), expected(decoded.size());
    decode_ggml(stored->format.ggml_type, stored->codes.data(), tensor->count(), decoded.data());
    ASSERT_TRUE((*checkpoint)->decode_rows(*tensor, 0, tensor->rows(), expected));
    EXPECT_EQ(decoded, expected) << name;
  }
  const TensorInfo& dense = *(*checkpoint)->find("model.embed_tokens.weight");
  EXPECT_FALSE(dense.quantized);
  EXPECT_FALSE((*checkpoint)->read_stored(dense, ledger, MemoryTag::codes));
}

std::vector<GgmlType> all_types() {
  std::vector<GgmlType> types;
  for (const GgmlTypeInfo& info : ggml_types) types.push_back(info.type);
  return types;
}

INSTANTIATE_TEST_SUITE_P(All, GgufTypes, ::testing::ValuesIn(all_types()),
                         [](const auto& test) { return std::string(ggml_type_info(test.param).key); });

/// The small model with its final norm and one other tensor in further parts.
class GgufParts : public ::testing::Test {
 protected:
  static GgufBuilder numbered(GgufBuilder builder, std::uint16_t number, std::uint16_t count) {
    builder.raw("split.no", 2, bytes_of(number)).raw("split.count", 2, bytes_of(count));
    return builder.raw("split.tensors.count", 5, bytes_of(std::int32_t{20}));
  }
  void write_part(int number, const GgufBuilder& builder) const {
    folder_.write("small-0000" + std::to_string(number) + "-of-00003.gguf", builder.build());
  }
  void write_all() const {
    write_part(
        1, numbered(small_gguf().without_tensor("output_norm.weight").without_tensor("blk.1.ffn_norm.weight"), 0, 3));
    write_part(2, numbered(GgufBuilder().f32_tensor("output_norm.weight", {32}, std::vector<float>(32, 2.0F)), 1, 3));
    write_part(3,
               numbered(GgufBuilder().f32_tensor("blk.1.ffn_norm.weight", {32}, std::vector<float>(32, 3.0F)), 2, 3));
  }
  std::string message(std::string_view name) const {
    const auto checkpoint = Checkpoint::open(folder_.path() / name);
    return checkpoint ? "opened" : checkpoint.error().message;
  }

  TemporaryFolder folder_;
};

TEST_F(GgufParts, AreOneModel) {
  write_all();
  const auto checkpoint = Checkpoint::open(folder_.path() / "small-00001-of-00003.gguf");
  ASSERT_TRUE(checkpoint) << checkpoint.error().message;
  EXPECT_EQ((*checkpoint)->files().size(), 3U);
  EXPECT_EQ((*checkpoint)->tensors().size(), 20U);
  std::vector<float> values(32);
  for (const auto& [name, value] :
       {std::pair("model.norm.weight", 2.0F), std::pair("model.layers.1.post_attention_layernorm.weight", 3.0F)}) {
    ASSERT_TRUE((*checkpoint)->decode_rows(*(*checkpoint)->find(name), 0, 1, values));
    EXPECT_EQ(values[31], value) << name;
  }
  EXPECT_TRUE((*checkpoint)->fingerprint());
}

TEST_F(GgufParts, NameWhatIsWanted) {
  write_all();
  EXPECT_THAT(message("small-00002-of-00003.gguf"),
              HasSubstr("part 2 of 3; open the first, small-00001-of-00003.gguf"));
  std::filesystem::remove(folder_.path() / "small-00003-of-00003.gguf");
  EXPECT_THAT(message("small-00001-of-00003.gguf"), HasSubstr("small-00003-of-00003.gguf is not beside it"));
  std::filesystem::rename(folder_.path() / "small-00001-of-00003.gguf", folder_.path() / "renamed.gguf");
  EXPECT_THAT(message("renamed.gguf"), HasSubstr("does not end in '-00001-of-00003.gguf'"));
}

TEST_F(GgufParts, MustAgree) {
  write_all();
  write_part(2, numbered(GgufBuilder().f32_tensor("output_norm.weight", {32}, std::vector<float>(32)), 2, 3));
  EXPECT_THAT(message("small-00001-of-00003.gguf"), HasSubstr("by its name it is part 2 of 3, by its metadata part 3"));
  write_part(2, GgufBuilder().f32_tensor("output_norm.weight", {32}, std::vector<float>(32)));
  EXPECT_THAT(message("small-00001-of-00003.gguf"), HasSubstr("by its metadata part 1 of 1"));
  write_part(2, numbered(GgufBuilder()
                             .f32_tensor("output_norm.weight", {32}, std::vector<float>(32))
                             .f32_tensor("more", {32}, std::vector<float>(32)),
                         1, 3));
  EXPECT_THAT(message("small-00001-of-00003.gguf"), HasSubstr("announces 20 tensors, and its 3 parts hold 21"));
  write_part(1, numbered(small_gguf(), 7, 3));
  EXPECT_THAT(message("small-00001-of-00003.gguf"), HasSubstr("calls itself part 7 of 3"));
}

}  // namespace
}  // namespace quantscope
