// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/config_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/core/checkpoint/small_checkpoints.h"

namespace quantscope {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

/// The small config with one more or another field.
json with(const char* key, const json& value) {
  json config = json::parse(quantscope::testing::small_config());
  config[key] = value;
  return config;
}

std::string message(const json& config) {
  const auto model = describe_config(config, "config.json");
  return model ? "described" : model.error().message;
}

TEST(ConfigJson, TakesTheDefaultsOfTransformers) {
  json config = with("head_dim", nullptr);
  for (const char* key : {"num_key_value_heads", "max_position_embeddings", "rms_norm_eps", "rope_theta",
                          "tie_word_embeddings", "eos_token_id"})
    config.erase(key);
  const auto model = describe_config(config, "config.json");
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ(model->kv_heads, 4);
  EXPECT_EQ(model->head_dim, 8);
  EXPECT_EQ(model->context, 2048);
  EXPECT_EQ(model->norm_epsilon, 1e-6F);
  EXPECT_EQ(model->rope.theta, 10000.0);
  EXPECT_FALSE(model->tied_head);
  EXPECT_TRUE(model->end_ids.empty());
}

TEST(ConfigJson, ReadsRopeScalingOfBothStyles) {
  const json factors = {{"rope_type", "llama3"},
                        {"factor", 8.0},
                        {"low_freq_factor", 1.0},
                        {"high_freq_factor", 4.0},
                        {"original_max_position_embeddings", 32}};
  json parameters = factors;
  parameters["rope_theta"] = 5000.0;
  const auto old_style = describe_config(with("rope_scaling", factors), "config.json");
  const auto new_style = describe_config(with("rope_parameters", parameters), "config.json");
  ASSERT_TRUE(old_style && new_style);
  EXPECT_EQ(old_style->rope.theta, 10000.0);
  EXPECT_EQ(new_style->rope.theta, 5000.0);
  for (const auto& model : {old_style, new_style}) {
    EXPECT_EQ(model->rope.scaling, RopeScaling::llama3);
    EXPECT_EQ(model->rope.factor, 8.0);
    EXPECT_EQ(model->rope.original_context, 32);
  }
}

TEST(ConfigJson, RefusesByName) {
  EXPECT_THAT(message(with("model_type", "gemma")), HasSubstr("'gemma'"));
  EXPECT_THAT(message(with("architectures", {"LlamaForSequenceClassification"})),
              HasSubstr("LlamaForSequenceClassification"));
  EXPECT_THAT(message(with("hidden_act", "gelu")), HasSubstr("'gelu'"));
  EXPECT_THAT(message(with("rope_scaling", {{"type", "su"}, {"factor", 2.0}})), HasSubstr("'su'"));
  EXPECT_THAT(message(with("rope_parameters", {{"rope_type", "longrope"}})), HasSubstr("'longrope'"));
  EXPECT_THAT(message(with("partial_rotary_factor", 0.5)), HasSubstr("'partial_rotary_factor'"));
  EXPECT_THAT(message(with("rope_parameters", {{"partial_rotary_factor", 0.5}})), HasSubstr("'partial_rotary_factor'"));
  EXPECT_THAT(message(with("layer_types", {"full_attention", "sliding_attention"})), HasSubstr("no sliding window"));
  EXPECT_THAT(message(with("layer_types", {"full_attention", "linear_attention"})), HasSubstr("linear_attention"));
  EXPECT_THAT(message(with("layer_types", {"full_attention"})), HasSubstr("no list of 2 layers"));
  EXPECT_THAT(message(with("torch_dtype", "float8_e4m3fn")), HasSubstr("'float8_e4m3fn'"));
  EXPECT_THAT(message(json::object()), HasSubstr("describes no model"));
}

TEST(ConfigJson, RefusesImpossibleNumbers) {
  EXPECT_THAT(message(with("num_key_value_heads", 3)), HasSubstr("cannot share"));
  EXPECT_THAT(message(with("head_dim", 7)), HasSubstr("odd"));
  EXPECT_THAT(message(with("num_attention_heads", 0)), HasSubstr("number of attention heads is 0"));
  EXPECT_THAT(message(with("vocab_size", -5)), HasSubstr("vocabulary size is -5"));
  EXPECT_THAT(message(with("hidden_size", 4294967296)), HasSubstr("hidden size is 4294967296"));
  EXPECT_THAT(message(with("num_hidden_layers", 2000000000)), HasSubstr("number of layers"));
  EXPECT_THAT(message(with("intermediate_size", "many")), HasSubstr("'intermediate_size' is not a whole number"));
  EXPECT_THAT(message(with("intermediate_size", 64.5)), HasSubstr("'intermediate_size' is not a whole number"));
  EXPECT_EQ(message(with("intermediate_size", 64.0)), "described");
  EXPECT_THAT(message(with("rope_theta", -1.0)), HasSubstr("rope base frequency"));
  EXPECT_THAT(message(with("rms_norm_eps", 1e300)), HasSubstr("epsilon"));
  EXPECT_THAT(message(with("rope_scaling", {{"rope_type", "llama3"}})), HasSubstr("llama3"));
  EXPECT_THAT(message(with("rope_scaling", {{"type", "linear"}})), HasSubstr("factor of the rope scaling is 0"));
  EXPECT_THAT(message(with("rope_scaling", {{"type", "dynamic"}, {"factor", -2.0}})), HasSubstr("rope scaling is -2"));
  json yarn = {{"rope_type", "yarn"}, {"factor", 4.0}, {"original_max_position_embeddings", 0}};
  EXPECT_THAT(message(with("rope_scaling", yarn)), HasSubstr("'original_max_position_embeddings' is not positive"));
  yarn["original_max_position_embeddings"] = 16;
  EXPECT_EQ(message(with("rope_scaling", yarn)), "described");
  yarn["beta_slow"] = 64.0;
  EXPECT_THAT(message(with("rope_scaling", yarn)), HasSubstr("beta_fast above beta_slow"));
  EXPECT_THAT(message(with("eos_token_id", "</s>")), HasSubstr("'eos_token_id'"));
  EXPECT_THAT(message(with("tie_word_embeddings", 1)), HasSubstr("'tie_word_embeddings'"));
  json huge = with("hidden_size", 2000000000);
  huge["vocab_size"] = 2000000000;
  EXPECT_THAT(message(huge), HasSubstr("10^15"));
}

/// The same sizes under another family's name.
json of_family(const char* type, const char* architecture) {
  json config = with("model_type", type);
  config["architectures"] = {architecture};
  return config;
}

TEST(ConfigJson, MistralHasAWindowUnlessItIsNull) {
  json config = of_family("mistral", "MistralForCausalLM");
  EXPECT_EQ(layer_attention(describe_config(config, "config.json").value(), 1).window, 4096) << "as transformers";
  config["sliding_window"] = 24;
  EXPECT_EQ(layer_attention(describe_config(config, "config.json").value(), 0).window, 24);
  config["sliding_window"] = nullptr;
  EXPECT_EQ(layer_attention(describe_config(config, "config.json").value(), 0).window, 0);
  config["sliding_window"] = -1;
  EXPECT_THAT(message(config), HasSubstr("'sliding_window' is -1"));
}

TEST(ConfigJson, QwenHasAWindowInTheLastLayersIfItIsSwitchedOn) {
  json config = of_family("qwen2", "Qwen2ForCausalLM");
  config["sliding_window"] = 24;
  config["max_window_layers"] = 1;
  EXPECT_EQ(layer_attention(describe_config(config, "config.json").value(), 1).window, 0);
  config["use_sliding_window"] = true;
  const auto model = describe_config(config, "config.json").value();
  EXPECT_EQ(layer_attention(model, 0).window, 0);
  EXPECT_EQ(layer_attention(model, 1).window, 24);
  EXPECT_TRUE(model.qkv_bias);
  EXPECT_FALSE(model.output_bias);
  config["layer_types"] = {"sliding_attention", "full_attention"};
  const auto listed = describe_config(config, "config.json").value();
  EXPECT_EQ(layer_attention(listed, 0).window, 24);
  EXPECT_EQ(layer_attention(listed, 1).window, 0);
}

TEST(WeightSlots, ListsNormsOfQueriesAndKeys) {
  const auto model = describe_config(of_family("qwen3", "Qwen3ForCausalLM"), "config.json").value();
  const auto slots = weight_slots(model);
  ASSERT_EQ(slots.size(), 1U + 2U * 11U + 1U) << "tied";
  EXPECT_EQ(slots[5].name, "model.layers.0.self_attn.q_norm.weight");
  EXPECT_EQ(slots[5].role, WeightRole::norm);
  EXPECT_EQ(slots[5].columns, model.head_dim);
}

TEST(WeightSlots, ListsBiasesAfterTheirLinear) {
  auto model = describe_config(with("attention_bias", true), "config.json").value();
  model.tied_head = false;
  const auto slots = weight_slots(model);
  ASSERT_EQ(slots.size(), 1U + 2U * (9U + 4U) + 1U + 1U);
  EXPECT_EQ(slots[0].role, WeightRole::embedding);
  EXPECT_EQ(slots[2].name, "model.layers.0.self_attn.q_proj.weight");
  EXPECT_EQ(slots[3].name, "model.layers.0.self_attn.q_proj.bias");
  EXPECT_EQ(slots[3].role, WeightRole::bias);
  EXPECT_EQ(slots[3].columns, 32);
  EXPECT_EQ(slots[4].rows, 16) << "two key/value heads of 8";
  EXPECT_EQ(slots.back().name, "lm_head.weight");
  EXPECT_EQ(slots.back().role, WeightRole::head);
}

}  // namespace
}  // namespace quantscope
