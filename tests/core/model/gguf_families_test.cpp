// SPDX-License-Identifier: GPL-3.0-or-later
// GGUF files that are written for each family: the same as those of llama.cpp's converter, and the same model again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "core/checkpoint/gguf_export.h"
#include "core/checkpoint/gguf_header.h"
#include "core/checkpoint/mapped_file.h"
#include "kernels/cpu/cpu_backend.h"
#include "tests/support/architecture_case.h"
#include "tests/support/loaded_model.h"
#include "tests/support/temporary_folder.h"

namespace quantscope {
namespace {

using testing::ArchitectureCase;
using ::testing::HasSubstr;
using testing::LoadedModel;
using testing::TemporaryFolder;
namespace fs = std::filesystem;

/// A case of tests/data/architectures and fields of its config.json that are replaced.
struct FamilyCase {
  const char* name;
  std::map<std::string, std::string> replaced;
};

class WritesGguf : public ::testing::TestWithParam<FamilyCase> {
 protected:
  void SetUp() override {
    proof_ = ArchitectureCase::open(GetParam().name);
    fs::create_directories(model());
    proof_.write_checkpoint(model(), GetParam().replaced);
  }
  fs::path model() const { return folder_.path() / "tiny"; }
  fs::path file() const { return folder_.path() / "written.gguf"; }
  Result<void> write(GgmlType type) const {
    const auto checkpoint = testing::value_of(Checkpoint::open(model()));
    const auto backend = testing::value_of(create_cpu_backend({1, "auto"}));
    return write_gguf(*checkpoint, {}, {type, type}, *backend, file(), {}, {});
  }

  ArchitectureCase proof_;
  TemporaryFolder folder_;
};

std::map<std::string, std::string> tensor_bytes(const GgufHeader& header, const MappedFile& file) {
  std::map<std::string, std::string> tensors;
  const auto* bytes = reinterpret_cast<const char*>(file.bytes().data());
  for (const TensorInfo& tensor : header.tensors) {
    std::string& text = tensors[tensor.name];
    text = stored_type_info(tensor.type).name;
    for (const std::int64_t size : tensor.shape) text += " " + std::to_string(size);
    text += ": " + std::string(bytes + tensor.offset, tensor.bytes);
  }
  return tensors;
}

class SameAsTheConverters : public WritesGguf {};

TEST_P(SameAsTheConverters, TensorsByteForByteAndKeys) {
  ASSERT_TRUE(write(GgmlType::f16));
  const fs::path theirs_path = proof_.folder / "model.gguf";
  const auto ours = testing::value_of(MappedFile::open(file())),
             theirs = testing::value_of(MappedFile::open(theirs_path));
  const auto our_header = testing::value_of(read_gguf_header(ours.bytes(), file()));
  const auto their_header = testing::value_of(read_gguf_header(theirs.bytes(), theirs_path));
  const auto our_tensors = tensor_bytes(our_header, ours), their_tensors = tensor_bytes(their_header, theirs);
  for (const auto& [name, bytes] : their_tensors) {
    ASSERT_TRUE(our_tensors.contains(name)) << name;
    EXPECT_TRUE(our_tensors.at(name) == bytes) << name;
  }
  EXPECT_EQ(our_tensors.size(), their_tensors.size());

  const std::string architecture = GgufMetadata(their_header.metadata).text("general.architecture");
  std::size_t keys = 0;
  for (const auto& [key, value] : their_header.metadata.values()) {
    if (!key.starts_with(architecture + ".")) continue;
    // Written by the converter for every Phi-3, and read for longrope only.
    if (key == "phi3.rope.scaling.original_context_length") continue;
    // The defaults: rows of heads as long as their share of the hidden size.
    const GgufValue* own = our_header.metadata.find(key);
    if (own == nullptr && key.ends_with("_length") && key.find(".attention.") != std::string::npos) continue;
    ASSERT_NE(own, nullptr) << key;
    EXPECT_EQ(own->type, value.type) << key;
    EXPECT_TRUE(std::ranges::equal(own->bytes, value.bytes)) << key;
    ++keys;
  }
  EXPECT_GE(keys, 8U);
}

INSTANTIATE_TEST_SUITE_P(Cases, SameAsTheConverters,
                         ::testing::Values(FamilyCase{"llama_bias", {}}, FamilyCase{"llama_linear", {}},
                                           FamilyCase{"llama_yarn", {}}, FamilyCase{"qwen2", {}},
                                           FamilyCase{"smollm3", {}}, FamilyCase{"phi3", {}}, FamilyCase{"gemma2", {}}),
                         [](const auto& param_info) { return std::string(param_info.param.name); });

TEST_P(WritesGguf, ThatGivesTheSameLogits) {
  ASSERT_TRUE(write(GgmlType::f32));
  const auto ids = proof_.outputs.at("ids_2").as<std::int32_t>();
  LoadedModel before = LoadedModel::load(model(), "fp32", 256, 16), after = LoadedModel::load(file(), "fp32", 256, 16);
  EXPECT_EQ(before.logits(ids), after.logits(ids));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, WritesGguf,
    ::testing::Values(FamilyCase{"llama_bias", {}}, FamilyCase{"llama_linear", {}}, FamilyCase{"llama_yarn", {}},
                      FamilyCase{"mistral_window", {{"sliding_window", "256"}}}, FamilyCase{"qwen2", {}},
                      FamilyCase{"qwen3_tied", {{"attention_bias", "false"}}}, FamilyCase{"smollm3", {}},
                      FamilyCase{"phi3", {}}, FamilyCase{"phi3_window", {}}, FamilyCase{"gemma2", {}}),
    [](const auto& param_info) { return std::string(param_info.param.name); });

/// A model that GGUF cannot describe, and words of the refusal.
struct Refusal {
  FamilyCase model;
  const char* words;
};

class GgufRefuses : public ::testing::TestWithParam<Refusal> {};

TEST_P(GgufRefuses, ByNameAndWritesNothing) {
  const TemporaryFolder folder;
  ArchitectureCase::open(GetParam().model.name).write_checkpoint(folder.path(), GetParam().model.replaced);
  const auto checkpoint = testing::value_of(Checkpoint::open(folder.path()));
  const auto backend = testing::value_of(create_cpu_backend({1, "auto"}));
  const auto written = write_gguf(*checkpoint, {}, {}, *backend, folder.path() / "out.gguf", {}, {});
  ASSERT_FALSE(written);
  EXPECT_THAT(written.error().message, HasSubstr(GetParam().words));
  EXPECT_THAT(written.error().message, HasSubstr("write safetensors"));
  EXPECT_FALSE(fs::exists(folder.path() / "out.gguf"));
}

INSTANTIATE_TEST_SUITE_P(Cases, GgufRefuses,
                         ::testing::Values(Refusal{{"llama_dynamic", {}}, "dynamically"},
                                           Refusal{{"mistral_window", {}}, "sliding window of 12 in layer 0"},
                                           Refusal{{"qwen2_window", {}}, "sliding window of 12 in layer 1"},
                                           Refusal{{"qwen2_yarn_mscale", {}}, "yarn with an attention factor"},
                                           Refusal{{"qwen3_tied", {}}, "biases in the output projection"},
                                           Refusal{{"smollm3", {{"no_rope_layers", "[1, 1, 1, 1]"}}},
                                                   "a rotary embedding in layer 3"},
                                           Refusal{{"smollm3_window", {}}, "biases"},
                                           Refusal{{"gemma2", {{"final_logit_softcapping", "null"}}}, "no soft caps"},
                                           Refusal{{"gemma2", {{"query_pre_attn_scalar", "5"}}}, "query scalar of 5"}),
                         [](const auto& param_info) {
                           return std::string(param_info.param.model.name) + "_" + std::to_string(param_info.index);
                         });

}  // namespace
}  // namespace quantscope
