// SPDX-License-Identifier: GPL-3.0-or-later
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "core/model/generate.h"
#include "kernels/cpu/cpu_backend.h"
#include "tests/support/architecture_case.h"
#include "tests/support/loaded_model.h"
#include "tests/support/temporary_folder.h"

/// Tiny random models of every family against Hugging Face transformers, as Hugging Face folders and, where GGUF has
/// the family, as files of llama.cpp's converter. What README.md calls supported is one of the cases here or in
/// reference_models_test.cpp.
namespace quantscope {
namespace {

using testing::ArchitectureCase;
using testing::LoadedModel;
using testing::OracleFile;
using testing::TemporaryFolder;

double standard_deviation(const std::vector<float>& values) {
  double sum = 0, squares = 0;
  for (const float value : values) {
    sum += value;
    squares += static_cast<double>(value) * value;
  }
  const double count = static_cast<double>(values.size()), mean = sum / count;
  return std::sqrt(std::max(0.0, squares / count - mean * mean));
}

double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  EXPECT_EQ(a.size(), b.size());
  double largest = 0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    largest = std::max(largest, static_cast<double>(std::abs(a[i] - b[i])));
  return largest;
}

/// The rule of the reference models: float32 sums in another order.
double tolerance(const std::vector<float>& logits) { return 2e-4 * std::max(1.0, standard_deviation(logits)); }

void expect_outputs(LoadedModel& model, const OracleFile& outputs) {
  for (const char* index : {"0", "1", "2"}) {
    const std::string suffix = std::string("_") + index;
    const auto ids = outputs.at("ids" + suffix).as<std::int32_t>();
    const auto expected = outputs.at("logits_fp32" + suffix).as<float>();
    EXPECT_LE(largest_difference(model.logits(ids), expected), tolerance(expected)) << "sequence " << index;
    auto sequence = model.decoder->new_sequence();
    ASSERT_TRUE(model.decoder->append(sequence, ids));
    const auto generation = generate_greedy(*model.decoder, sequence, 12, {});
    ASSERT_TRUE(generation);
    const auto tokens = outputs.at("greedy" + suffix).as<std::int32_t>();
    const auto margins = outputs.at("greedy_margin" + suffix).as<float>();
    for (std::size_t step = 0; step < tokens.size() && margins[step] > 1e-3F; ++step)
      ASSERT_EQ(generation->tokens[step].id, tokens[step]) << "sequence " << index << " step " << step;
  }
}

class Architecture : public ::testing::TestWithParam<const char*> {
 protected:
  ArchitectureCase proof = ArchitectureCase::open(GetParam());
  TemporaryFolder folder;
};

TEST_P(Architecture, HuggingFaceFolderGivesTheLibrarysOutputs) {
  proof.write_checkpoint(folder.path());
  LoadedModel model = LoadedModel::load(folder.path(), "fp32", 256, 16);
  expect_outputs(model, proof.outputs);
}

TEST_P(Architecture, MemoryIsAsForecast) {
  proof.write_checkpoint(folder.path());
  LoadedModel model = LoadedModel::load(folder.path(), "nf4:block=32", 256, 16);
  const MemoryRows measured = model.backend->ledger().current();
  EXPECT_EQ(measured.weights(), model.resolved.forecast.weights());
  EXPECT_EQ(measured[MemoryTag::kv_cache], model.resolved.forecast[MemoryTag::kv_cache]);
}

TEST_P(Architecture, ThreadsAndCutsDoNotChangeABit) {
  proof.write_checkpoint(folder.path());
  const auto ids = proof.outputs.at("ids_2").as<std::int32_t>();
  for (const std::string& level : describe_cpu().dispatch_levels) {
    LoadedModel whole = LoadedModel::load(folder.path(), "nf4:block=32,threads=1,simd=" + level, 64, 64);
    LoadedModel cut = LoadedModel::load(folder.path(), "nf4:block=32,threads=3,simd=" + level, 64, 7);
    EXPECT_EQ(whole.logits(ids), cut.logits(ids)) << level;
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, Architecture,
                         ::testing::Values("llama_bias", "llama_linear", "llama_dynamic", "llama_yarn",
                                           "mistral_window", "qwen2", "qwen2_yarn_mscale", "qwen2_window", "qwen3_tied",
                                           "smollm3", "smollm3_window", "phi3", "phi3_window", "gemma2",
                                           "gemma2_uncapped"),
                         [](const auto& param_info) { return std::string(param_info.param); });

class GgufArchitecture : public ::testing::TestWithParam<const char*> {};

TEST_P(GgufArchitecture, FileOfLlamaCppsConverterGivesTheSameOutputs) {
  const ArchitectureCase proof = ArchitectureCase::open(GetParam());
  LoadedModel model = LoadedModel::load(proof.folder / "model.gguf", "fp32", 256, 16);
  expect_outputs(model, proof.outputs);
}

TEST_P(GgufArchitecture, WeightsAreThoseOfTheHuggingFaceFolder) {
  const ArchitectureCase proof = ArchitectureCase::open(GetParam());
  const TemporaryFolder folder;
  proof.write_checkpoint(folder.path());
  const auto gguf = testing::value_of(Checkpoint::open(proof.folder / "model.gguf"));
  const auto original = testing::value_of(Checkpoint::open(folder.path()));
  // llama.cpp adds Gemma's 1 to the stored norms.
  const float difference = original->model().norm_offset - gguf->model().norm_offset;
  for (const WeightSlot& slot : weight_slots(original->model())) {
    const TensorInfo* a = original->find(slot.name);
    const TensorInfo* b = gguf->find(slot.name);
    ASSERT_TRUE(a != nullptr && b != nullptr) << slot.name;
    std::vector<float> expected(static_cast<std::size_t>(a->count())), values(expected.size());
    ASSERT_TRUE(original->decode_rows(*a, 0, a->rows(), expected));
    ASSERT_TRUE(gguf->decode_rows(*b, 0, b->rows(), values));
    if (slot.role == WeightRole::norm)
      for (float& value : expected) value += difference;
    EXPECT_EQ(values, expected) << slot.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, GgufArchitecture,
                         ::testing::Values("llama_bias", "llama_linear", "llama_yarn", "qwen2", "qwen3_tied", "smollm3",
                                           "phi3", "gemma2"),
                         [](const auto& param_info) { return std::string(param_info.param); });

/// A case in which one field of config.json is another.
struct Change {
  const char* name;
  const char* proof;
  const char* field;
  const char* value;
};

class ChangedField : public ::testing::TestWithParam<Change> {};

/// So that the proofs above cannot pass by ignoring a field: each moves the logits far beyond the tolerance.
TEST_P(ChangedField, MovesTheLogits) {
  const ArchitectureCase proof = ArchitectureCase::open(GetParam().proof);
  const TemporaryFolder folder;
  proof.write_checkpoint(folder.path(), {{GetParam().field, GetParam().value}});
  LoadedModel model = LoadedModel::load(folder.path(), "fp32", 256, 16);
  const auto expected = proof.outputs.at("logits_fp32_2").as<float>();
  const auto logits = model.logits(proof.outputs.at("ids_2").as<std::int32_t>());
  EXPECT_GT(largest_difference(logits, expected), 20 * tolerance(expected));
}

INSTANTIATE_TEST_SUITE_P(
    Fields, ChangedField,
    ::testing::Values(
        Change{"LinearScaling", "llama_linear", "rope_parameters", R"({"rope_theta": 10000.0})"},
        Change{"YarnScaling", "llama_yarn", "rope_parameters", R"({"rope_theta": 10000.0})"},
        Change{"YarnAttentionFactor", "llama_yarn", "rope_parameters",
               R"({"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16, "beta_fast": 4.0,
                   "beta_slow": 0.5, "attention_factor": 1.0})"},
        Change{"MistralWindow", "mistral_window", "sliding_window", "null"},
        Change{"QwenWindow", "qwen2_window", "sliding_window", "13"},
        Change{"QwenWindowLayers", "qwen2_window", "layer_types", R"(["sliding_attention", "sliding_attention"])"},
        Change{"UnrotatedLayers", "smollm3", "no_rope_layers", "[1, 1, 1, 1]"},
        Change{"UnrotatedLayersWindow", "smollm3_window", "sliding_window", "11"},
        Change{"PhiWindow", "phi3_window", "sliding_window", "13"},
        Change{"GemmaWindow", "gemma2", "sliding_window", "11"},
        Change{"GemmaAttentionCap", "gemma2", "attn_logit_softcapping", "null"},
        Change{"GemmaLogitCap", "gemma2", "final_logit_softcapping", "null"},
        Change{"GemmaQueryScalar", "gemma2_uncapped", "query_pre_attn_scalar", "8"}),
    [](const auto& param_info) { return std::string(param_info.param.name); });

TEST(DynamicScaling, IsRefusedBeyondTheTrainedContext) {
  const ArchitectureCase proof = ArchitectureCase::open("llama_dynamic");
  const TemporaryFolder folder;
  proof.write_checkpoint(folder.path(), {{"max_position_embeddings", "24"}});
  LoadedModel model = LoadedModel::load(folder.path(), "fp32", 64, 16);
  auto sequence = model.decoder->new_sequence();
  ASSERT_TRUE(model.decoder->append(sequence, std::vector<std::int32_t>(24, 5)));
  const std::int32_t next = 6;
  const auto done = model.decoder->append(sequence, {&next, 1});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::unsupported);
  EXPECT_NE(done.error().message.find("trained context of 24"), std::string::npos);
}

}  // namespace
}  // namespace quantscope
