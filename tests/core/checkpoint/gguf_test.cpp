// SPDX-License-Identifier: GPL-3.0-or-later
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "core/checkpoint/checkpoint.h"
#include "tests/core/checkpoint/small_checkpoints.h"

namespace quantscope {
namespace {

using namespace quantscope::testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Gguf : public ::testing::Test {
 protected:
  Result<std::shared_ptr<const Checkpoint>> open(const GgufBuilder& builder) const {
    return Checkpoint::open(folder_.write("small.gguf", builder.build()));
  }
  std::string message(const GgufBuilder& builder) const {
    const auto checkpoint = open(builder);
    return checkpoint ? "opened" : checkpoint.error().message;
  }

  TemporaryFolder folder_;
};

std::vector<float> decode(const Checkpoint& checkpoint, std::string_view name, std::int64_t first, std::int64_t count) {
  const TensorInfo* tensor = checkpoint.find(name);
  if (tensor == nullptr) return {};
  std::vector<float> values(static_cast<std::size_t>(count * tensor->columns()));
  const auto decoded = checkpoint.decode_rows(*tensor, first, count, values);
  EXPECT_TRUE(decoded) << decoded.error().message;
  return values;
}

TEST_F(Gguf, DescribesTheModel) {
  const auto checkpoint = open(small_gguf());
  ASSERT_TRUE(checkpoint) << checkpoint.error().message;
  const ModelDescription& model = (*checkpoint)->model();
  EXPECT_EQ(model.family, "llama");
  EXPECT_EQ(model.name, "Small");
  EXPECT_EQ(model.license, "mit");
  EXPECT_EQ(model.vocabulary, 8) << "from the number of tokens, as llama.vocab_size is absent";
  EXPECT_EQ(model.kv_heads, 2);
  EXPECT_EQ(model.head_dim, 8);
  EXPECT_TRUE(model.tied_head);
  EXPECT_FALSE(model.qkv_bias);
  EXPECT_FALSE(model.output_bias);
  EXPECT_EQ(model.stored_value_bytes, 4);
  EXPECT_THAT(model.end_ids, ElementsAre(1));
  EXPECT_EQ((*checkpoint)->baseline_note(), "");
  EXPECT_FALSE((*checkpoint)->is_plan());
}

TEST_F(Gguf, ReadsTheVocabulary) {
  const auto checkpoint = open(small_gguf());
  ASSERT_TRUE(checkpoint) << checkpoint.error().message;
  const auto& vocabulary = std::get<GgufVocabulary>((*checkpoint)->tokenizer());
  EXPECT_EQ(vocabulary.model, "gpt2");
  EXPECT_EQ(vocabulary.pre, "smollm");
  EXPECT_EQ(vocabulary.tokens.at(6), "abc");
  EXPECT_THAT(vocabulary.merges, ElementsAre("a b", "ab c"));
  EXPECT_EQ(vocabulary.bos_id, 0);
  EXPECT_EQ(vocabulary.unknown_id, std::nullopt);
  EXPECT_EQ(vocabulary.add_bos, false);
  EXPECT_EQ(vocabulary.add_space_prefix, false);
  EXPECT_EQ(vocabulary.remove_extra_whitespaces, std::nullopt);
  EXPECT_EQ(vocabulary.add_eos, std::nullopt);
}

TEST_F(Gguf, GivesEveryRowOfEveryWeightInHuggingFaceOrder) {
  const auto checkpoint = open(small_gguf());
  ASSERT_TRUE(checkpoint) << checkpoint.error().message;
  const auto slots = weight_slots((*checkpoint)->model());
  ASSERT_EQ(slots.size(), 2 + 9 * 2);
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const auto values = decode(**checkpoint, slots[i].name, 0, slots[i].rows);
    ASSERT_EQ(values.size(), static_cast<std::size_t>(slots[i].rows * slots[i].columns));
    for (std::int64_t row = 0; row < slots[i].rows; ++row)
      ASSERT_EQ(values[row * slots[i].columns], small_value(i, row, 0)) << slots[i].name << " row " << row;
  }
}

TEST_F(Gguf, SubRangesOfPermutedRowsAreThoseOfTheWhole) {
  const auto checkpoint = open(small_gguf());
  ASSERT_TRUE(checkpoint) << checkpoint.error().message;
  const std::string name = "model.layers.1.self_attn.k_proj.weight";
  const auto whole = decode(**checkpoint, name, 0, 16);
  for (std::int64_t first = 0; first <= 16; ++first)
    for (std::int64_t count = 0; first + count <= 16; ++count) {
      const auto part = decode(**checkpoint, name, first, count);
      EXPECT_TRUE(std::ranges::equal(part, std::span(whole).subspan(first * 32, count * 32))) << first << "+" << count;
    }
}

TEST_F(Gguf, PermutesBiasesOfQueriesAndKeys) {
  GgufBuilder builder = small_gguf();
  for (std::int64_t layer = 0; layer < 2; ++layer) {
    const std::string block = "blk." + std::to_string(layer) + ".attn_";
    // One head of 8: GGUF element 2j + p is element 4p + j.
    const std::vector<float> head = {0, 4, 1, 5, 2, 6, 3, 7};
    std::vector<float> query, key;
    for (int i = 0; i < 4; ++i) query.insert(query.end(), head.begin(), head.end());
    for (int i = 0; i < 2; ++i) key.insert(key.end(), head.begin(), head.end());
    builder.f32_tensor(block + "q.bias", {32}, query).f32_tensor(block + "k.bias", {16}, key);
    builder.f32_tensor(block + "v.bias", {16}, key).f32_tensor(block + "output.bias", {32}, query);
  }
  const auto checkpoint = open(builder);
  ASSERT_TRUE(checkpoint) << checkpoint.error().message;
  EXPECT_TRUE((*checkpoint)->model().qkv_bias);
  EXPECT_TRUE((*checkpoint)->model().output_bias);
  const auto key = decode(**checkpoint, "model.layers.1.self_attn.k_proj.bias", 0, 1);
  EXPECT_THAT(key, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7));
  EXPECT_EQ(decode(**checkpoint, "model.layers.1.self_attn.v_proj.bias", 0, 1)[1], 4);
}

TEST_F(Gguf, DecodesEveryStoredType) {
  const std::string halves = bytes_of<std::uint16_t>(0x3C00) + bytes_of<std::uint16_t>(0xC100);          // 1, -2.5
  const std::string brains = bytes_of<std::uint16_t>(0x3F80) + bytes_of<std::uint16_t>(0xC020);          // 1, -2.5
  const std::string scale = bytes_of<std::uint16_t>(0x3800), minimum = bytes_of<std::uint16_t>(0xBC00);  // 0.5, -1
  const std::string codes(16, '\x2F');  // low nibble 15, high nibble 2
  GgufBuilder builder = small_gguf();
  builder.tensor("f16", {2}, 1, halves).tensor("bf16", {2}, 30, brains);
  builder.tensor("q4_0", {32}, 2, scale + codes).tensor("q4_1", {32}, 3, scale + minimum + codes);
  builder.tensor("q8_0", {32}, 8, scale + std::string(16, '\x05') + std::string(16, '\x80'));
  const auto checkpoint = open(builder);
  ASSERT_TRUE(checkpoint) << checkpoint.error().message;
  EXPECT_THAT(decode(**checkpoint, "f16", 0, 1), ElementsAre(1.0F, -2.5F));
  EXPECT_THAT(decode(**checkpoint, "bf16", 0, 1), ElementsAre(1.0F, -2.5F));
  const auto ends = [&](const char* name) {
    const auto values = decode(**checkpoint, name, 0, 1);
    return std::pair(values.front(), values.back());
  };
  EXPECT_EQ(ends("q4_0"), std::pair(3.5F, -3.0F));
  EXPECT_EQ(ends("q4_1"), std::pair(6.5F, 0.0F));
  EXPECT_EQ(ends("q8_0"), std::pair(2.5F, -64.0F));
}

TEST_F(Gguf, UntiedHeadAndRopeDivisors) {
  GgufBuilder builder = small_gguf();
  builder.f32_tensor("output.weight", {32, 8}, std::vector<float>(256, 0.5F));
  builder.f32_tensor("rope_freqs.weight", {4}, {1, 2, 4, 8});
  const auto checkpoint = open(builder);
  ASSERT_TRUE(checkpoint) << checkpoint.error().message;
  EXPECT_FALSE((*checkpoint)->model().tied_head);
  EXPECT_THAT((*checkpoint)->model().rope.divisors, ElementsAre(1, 2, 4, 8));
  EXPECT_NE((*checkpoint)->find("lm_head.weight"), nullptr);
}

TEST_F(Gguf, AcceptsVersion2AndOtherAlignments) {
  GgufBuilder builder = small_gguf();
  builder.version = 2;
  builder.alignment = 256;
  builder.u32("general.alignment", 256);
  EXPECT_EQ(message(builder), "opened");
}

TEST_F(Gguf, OpensUnderANameWithoutExtension) {
  EXPECT_TRUE(Checkpoint::open(folder_.write("sha256-0123", small_gguf().build())));
}

TEST_F(Gguf, RefusesRowsOutsideATensor) {
  const auto checkpoint = open(small_gguf());
  ASSERT_TRUE(checkpoint) << checkpoint.error().message;
  const TensorInfo& tensor = *(*checkpoint)->find("model.embed_tokens.weight");
  std::vector<float> values(64);
  const auto code = [&](std::int64_t first, std::int64_t count, std::size_t size) {
    const auto result = (*checkpoint)->decode_rows(tensor, first, count, std::span(values).first(size));
    return result ? ErrorCode::internal : result.error().code;
  };
  EXPECT_EQ(code(7, 2, 64), ErrorCode::invalid_argument);
  EXPECT_EQ(code(-1, 1, 32), ErrorCode::invalid_argument);
  EXPECT_EQ(code(0, -1, 0), ErrorCode::invalid_argument);
  EXPECT_EQ(code(0, 2, 63), ErrorCode::invalid_argument);
  EXPECT_EQ(code(INT64_MAX, 1, 32), ErrorCode::invalid_argument);
  TensorInfo foreign = tensor;
  foreign.name = "absent";
  EXPECT_FALSE((*checkpoint)->decode_rows(foreign, 0, 1, std::span(values).first(32)));
  foreign = tensor;
  foreign.offset = UINT64_MAX / 2;
  EXPECT_TRUE((*checkpoint)->decode_rows(foreign, 0, 1, std::span(values).first(32)));
}

TEST_F(Gguf, NoticesAFileThatIsCutWhileOpen) {
  const auto checkpoint = open(small_gguf());
  ASSERT_TRUE(checkpoint) << checkpoint.error().message;
  std::filesystem::resize_file(folder_.path() / "small.gguf", 4096);
  std::vector<float> values(32);
  const auto decoded = (*checkpoint)->decode_rows(*(*checkpoint)->find("model.norm.weight"), 0, 1, values);
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().code, ErrorCode::corrupt_file);
  EXPECT_THAT(decoded.error().message, HasSubstr("was cut"));
  EXPECT_FALSE((*checkpoint)->fingerprint());
}

TEST_F(Gguf, FingerprintFollowsContentNotName) {
  std::string bytes = small_gguf().build();
  const auto fingerprint = [&](std::string_view name) {
    const auto checkpoint = Checkpoint::open(folder_.write(name, bytes));
    return checkpoint ? (*checkpoint)->fingerprint().value() : "";
  };
  const std::string first = fingerprint("a.gguf");
  EXPECT_EQ(first.size(), 32U);
  EXPECT_EQ(fingerprint("b.gguf"), first);
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  EXPECT_NE(fingerprint("c.gguf"), first);
}

TEST_F(Gguf, NamesWhatItDoesNotSupport) {
  EXPECT_THAT(message(small_gguf().without("general.architecture").text("general.architecture", "mamba")),
              HasSubstr("'mamba', which is not supported; supported are llama, qwen2, qwen3"));
  EXPECT_THAT(message(small_gguf().tensor("blk.0.extra", {64}, 40, std::string(36, '\0'))),
              HasSubstr("tensor blk.0.extra as NVFP4 (ggml type 40)"));
  EXPECT_THAT(message(small_gguf().tensor("odd", {256}, 99, "")), HasSubstr("unknown (ggml type 99)"));
  EXPECT_THAT(message(small_gguf().text("llama.rope.scaling.type", "longrope")), HasSubstr("'longrope'"));
  EXPECT_THAT(message(small_gguf().text("llama.rope.scaling.type", "linear")), HasSubstr("factor"));
  EXPECT_THAT(message(small_gguf().text("llama.rope.scaling.type", "yarn").f32("llama.rope.scaling.attn_factor", 1.0F)),
              HasSubstr("'llama.rope.scaling.attn_factor', which is not supported"));
  EXPECT_THAT(message(small_gguf().u32("llama.attention.sliding_window", 16)), HasSubstr("sliding window"));
  EXPECT_EQ(message(small_gguf().text("llama.rope.scaling.type", "none")), "opened");
  EXPECT_THAT(message(small_gguf().u32("llama.expert_count", 8)), HasSubstr("mixture of experts"));
  EXPECT_THAT(message(small_gguf().u32("llama.attention.value_length", 4)), HasSubstr("only equal sizes"));
  GgufBuilder version = small_gguf();
  version.version = 4;
  EXPECT_THAT(message(version), HasSubstr("version 4"));
  version.version = 1;
  EXPECT_THAT(message(version), HasSubstr("version 1"));
  version.version = 0x03000000;
  EXPECT_THAT(message(version), HasSubstr("big-endian"));
}

TEST_F(Gguf, NamesWhatIsMissing) {
  EXPECT_THAT(message(small_gguf().without("llama.block_count")), HasSubstr("'llama.block_count'"));
  EXPECT_THAT(message(small_gguf().without_tensor("blk.1.ffn_up.weight")),
              HasSubstr("lacks the tensor model.layers.1.mlp.up_proj.weight"));
  EXPECT_THAT(message(small_gguf().without("llama.attention.head_count").text("llama.attention.head_count", "4")),
              HasSubstr("'llama.attention.head_count' is not a single whole number"));
  const std::string wrong = message(small_gguf()
                                        .without_tensor("blk.0.attn_norm.weight")
                                        .f32_tensor("blk.0.attn_norm.weight", {16}, std::vector<float>(16)));
  EXPECT_THAT(wrong, HasSubstr("shape is [16], and the model's description asks for [32]"));
}

}  // namespace
}  // namespace quantscope
