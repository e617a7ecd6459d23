// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/fused_projections.h"

#include <gtest/gtest.h>

namespace quantscope {
namespace {

ModelDescription model() {
  ModelDescription model;
  model.heads = 4;
  model.kv_heads = 2;
  model.head_dim = 8;
  model.hidden = 64;
  model.intermediate = 96;
  return model;
}

TensorInfo tensor(std::string name, StoredType type, std::vector<std::int64_t> shape, std::uint64_t row_bytes) {
  TensorInfo info;
  info.name = info.stored_name = std::move(name);
  info.type = type;
  info.bytes = row_bytes * static_cast<std::uint64_t>(shape.front());
  info.shape = std::move(shape);
  info.offset = 1000;
  return info;
}

TEST(FusedProjections, AreRangesOfTheStoredRows) {
  // Rows of 64 values in Q8_0 take two blocks of 34 bytes.
  std::vector<TensorInfo> tensors = {tensor("model.layers.3.self_attn.qkv_proj.weight", StoredType::q8_0, {64, 64}, 68),
                                     tensor("model.layers.3.mlp.gate_up_proj.weight", StoredType::f16, {192, 64}, 128)};
  split_fused_projections(model(), tensors);
  ASSERT_EQ(tensors.size(), 5U);
  const char* names[] = {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "mlp.gate_proj", "mlp.up_proj"};
  const std::int64_t rows[] = {32, 16, 16, 96, 96};
  const std::uint64_t offsets[] = {1000, 1000 + 32 * 68, 1000 + 48 * 68, 1000, 1000 + 96 * 128};
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    EXPECT_EQ(tensors[i].name, std::string("model.layers.3.") + names[i] + ".weight");
    EXPECT_EQ(tensors[i].shape, (std::vector<std::int64_t>{rows[i], 64}));
    EXPECT_EQ(tensors[i].offset, offsets[i]);
    EXPECT_EQ(tensors[i].bytes, static_cast<std::uint64_t>(rows[i]) * (i < 3 ? 68 : 128));
  }
  EXPECT_EQ(tensors[1].stored_name, "model.layers.3.self_attn.qkv_proj.weight");
}

TEST(FusedProjections, SplitBiasesToo) {
  std::vector<TensorInfo> tensors = {tensor("model.layers.0.self_attn.qkv_proj.bias", StoredType::f32, {64}, 4)};
  split_fused_projections(model(), tensors);
  ASSERT_EQ(tensors.size(), 3U);
  EXPECT_EQ(tensors[2].name, "model.layers.0.self_attn.v_proj.bias");
  EXPECT_EQ(tensors[2].offset, 1000U + 48 * 4);
}

TEST(FusedProjections, AreLeftAloneWhereRowsDoNotAddUpOrScalesLieElsewhere) {
  TensorInfo quantized = tensor("model.layers.0.self_attn.qkv_proj.weight", StoredType::f32, {64, 64}, 32);
  quantized.quantized = block_format(DataType::nf4, 64, false);
  std::vector<TensorInfo> tensors = {tensor("model.layers.0.self_attn.qkv_proj.weight", StoredType::f16, {63, 64}, 128),
                                     quantized,
                                     tensor("model.layers.0.self_attn.o_proj.weight", StoredType::f16, {64, 32}, 64)};
  split_fused_projections(model(), tensors);
  ASSERT_EQ(tensors.size(), 3U);
  EXPECT_EQ(tensors[1].bytes, 64U * 32);
  EXPECT_EQ(tensors[2].offset, 1000U);
}

TEST(FusedProjections, AreRefusedWhereCodesAndScalesLieApart) {
  std::vector<TensorInfo> tensors = {
      tensor("model.layers.0.self_attn.qkv_proj.weight", StoredType::bf16, {64, 64}, 32)};
  tensors.front().quantized = block_format(DataType::nf4, 64, false);
  tensors.front().layout = "bitsandbytes NF4";
  split_fused_projections(model(), tensors);
  ASSERT_EQ(tensors.size(), 1U);
  const auto refused = check_fused_projections(tensors, {"phi/model.safetensors"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unsupported);
  EXPECT_EQ(
      refused.error().message,
      "model.safetensors holds model.layers.0.self_attn.qkv_proj.weight as bitsandbytes NF4: projections that are "
      "fused and quantized are not read; open the unquantized checkpoint, or a GGUF file of it.");
  tensors.front().quantized.reset();
  EXPECT_TRUE(check_fused_projections(tensors, {"phi/model.safetensors"}));
}

TEST(FusedProjections, ComeInGroupsUnderTheNameOfTheWhole) {
  ModelDescription phi = model();
  phi.family = "phi3";
  phi.layers = 1;
  phi.vocabulary = 8;
  std::vector<std::string> names;
  for (const auto& slots : stored_slots(phi)) names.push_back(stored_name(slots));
  const std::string prefix = "model.layers.0.";
  EXPECT_EQ(names,
            (std::vector<std::string>{"model.embed_tokens.weight", prefix + "input_layernorm.weight",
                                      prefix + "self_attn.qkv_proj.weight", prefix + "self_attn.o_proj.weight",
                                      prefix + "post_attention_layernorm.weight", prefix + "mlp.gate_up_proj.weight",
                                      prefix + "mlp.down_proj.weight", "model.norm.weight", "lm_head.weight"}));
  phi.family = "llama";
  EXPECT_EQ(stored_slots(phi).size(), weight_slots(phi).size());
}

}  // namespace
}  // namespace quantscope
