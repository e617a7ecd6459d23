// SPDX-License-Identifier: GPL-3.0-or-later
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "core/checkpoint/checkpoint.h"
#include "tests/support/reference_data.h"

namespace quantscope {
namespace {

using namespace quantscope::testing;

class DefaultModel : public ::testing::Test {
 protected:
  void SetUp() override {
    QUANTSCOPE_REQUIRE_DEFAULT_MODEL();
    auto opened = Checkpoint::open(default_model_file());
    ASSERT_TRUE(opened) << opened.error().message;
    checkpoint_ = *opened;
  }
  std::vector<float> decode(std::string_view name, std::int64_t first, std::int64_t count) const {
    const TensorInfo& tensor = *checkpoint_->find(name);
    std::vector<float> values(static_cast<std::size_t>(count * tensor.columns()));
    EXPECT_TRUE(checkpoint_->decode_rows(tensor, first, count, values));
    return values;
  }

  std::shared_ptr<const Checkpoint> checkpoint_;
};

TEST_F(DefaultModel, IsDescribed) {
  const ModelDescription& model = checkpoint_->model();
  EXPECT_EQ(model.vocabulary, 49152);
  EXPECT_EQ(model.hidden, 576);
  EXPECT_EQ(model.intermediate, 1536);
  EXPECT_EQ(model.layers, 30);
  EXPECT_EQ(model.heads, 9);
  EXPECT_EQ(model.kv_heads, 3);
  EXPECT_EQ(model.head_dim, 64);
  EXPECT_EQ(model.context, 8192);
  EXPECT_EQ(model.norm_epsilon, 1e-5F);
  EXPECT_EQ(model.rope.theta, 100000.0);
  EXPECT_TRUE(model.tied_head);
  EXPECT_EQ(model.license, "apache-2.0");
  EXPECT_THAT(model.end_ids, ::testing::ElementsAre(2));
  EXPECT_EQ(checkpoint_->tensors().size(), 272U);
  EXPECT_EQ(checkpoint_->baseline_note(), "decoded Q4_1 weights");
  const auto& vocabulary = std::get<GgufVocabulary>(checkpoint_->tokenizer());
  EXPECT_EQ(vocabulary.tokens.size(), 49152U);
  EXPECT_EQ(vocabulary.merges.size(), 48900U);
  EXPECT_EQ(vocabulary.merges.front(), "Ġ t");
}

TEST_F(DefaultModel, DecodesEveryWeightToSmallFiniteValues) {
  std::int64_t weights = 0;
  for (const WeightSlot& slot : weight_slots(checkpoint_->model())) {
    const auto values = decode(slot.name, 0, slot.rows);
    weights += static_cast<std::int64_t>(values.size());
    // A scale or offset taken from the wrong bytes shows up as values of any size.
    EXPECT_TRUE(std::ranges::all_of(values, [](float value) { return value > -100 && value < 100; })) << slot.name;
  }
  EXPECT_EQ(weights, 134'515'008);
}

/// The oracle holds the first 16 rows of Q as the file has them: rows of pairs, first half and second half in turn.
TEST_F(DefaultModel, QueryRowsAreThoseOfTheOracle) {
  QUANTSCOPE_REQUIRE_SHARED();
  const auto oracle = read_oracle(shared_folder() / "reference/bitsandbytes/fourbit_fp32.safetensors");
  const auto stored = oracle.at("real0.input").as<float>();
  const auto head = decode("model.layers.0.self_attn.q_proj.weight", 0, 64);
  for (std::size_t row = 0; row < 16; ++row) {
    const std::size_t half = row % 2, pair = row / 2;
    const auto expected = std::span(stored).subspan(row * 576, 576);
    EXPECT_TRUE(std::ranges::equal(std::span(head).subspan((half * 32 + pair) * 576, 576), expected)) << row;
  }
}

TEST_F(DefaultModel, DownRowsAreThoseOfTheOracle) {
  QUANTSCOPE_REQUIRE_SHARED();
  const auto oracle = read_oracle(shared_folder() / "reference/bitsandbytes/fourbit_fp32.safetensors");
  EXPECT_EQ(decode("model.layers.5.mlp.down_proj.weight", 8, 8), oracle.at("real1.input").as<float>());
}

}  // namespace
}  // namespace quantscope
