// SPDX-License-Identifier: GPL-3.0-or-later
// Hugging Face folders that are written from GGUF files, and the way back to the same file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "core/checkpoint/gguf_export.h"
#include "core/experiment/write_checkpoint.h"
#include "core/quantize/compare_checkpoints.h"
#include "core/tokenizer/gguf_vocabulary.h"
#include "core/tokenizer/tokenizer.h"
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
using testing::value_of;
namespace fs = std::filesystem;

GgufVocabulary byte_level_vocabulary() {
  GgufVocabulary vocabulary;
  vocabulary.model = "gpt2";
  vocabulary.pre = "smollm";
  vocabulary.tokens = {"<s>", "</s>", "<tool>", "a", "b", "c", "ab", "abc", "\u0120"};
  vocabulary.token_types = {3, 3, 4, 1, 1, 1, 1, 1, 1};
  vocabulary.merges = {"a b", "ab c"};
  vocabulary.bos_id = 0;
  vocabulary.eos_id = 1;
  vocabulary.add_bos = true;
  vocabulary.add_eos = false;
  vocabulary.add_space_prefix = false;
  vocabulary.chat_template = "{{ messages[0].content }}";
  return vocabulary;
}

GgufVocabulary sentencepiece_vocabulary() {
  GgufVocabulary vocabulary;
  vocabulary.model = "llama";
  vocabulary.pre = "default";
  vocabulary.tokens = {"<unk>", "<s>", "</s>", "<0xC3>", "<0xA9>", "\u2581", "a", "b", "c", "ab", "abc", "\u2581a"};
  vocabulary.token_types = {2, 3, 3, 6, 6, 1, 1, 1, 1, 1, 1, 1};
  vocabulary.scores = {-3, -3, -3, -3, -3, -3, -3, -3, -3, 0, -2, -1};
  vocabulary.bos_id = 1;
  vocabulary.eos_id = 2;
  vocabulary.unknown_id = 0;
  vocabulary.add_bos = true;
  vocabulary.add_eos = true;
  vocabulary.add_space_prefix = true;
  return vocabulary;
}

std::string bytes_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

struct RoundTrip {
  const char* name;
  std::map<std::string, std::string> replaced;
};

class GgufToHuggingFace : public ::testing::TestWithParam<RoundTrip> {
 protected:
  void SetUp() override {
    proof_ = ArchitectureCase::open(GetParam().name);
    fs::create_directories(source());
    proof_.write_checkpoint(source(), GetParam().replaced);
  }
  fs::path source() const { return folder_.path() / "source" / "tiny"; }
  fs::path first() const { return folder_.path() / "first.gguf"; }
  /// Of the same name as the source, which is the model's.
  fs::path made() const { return folder_.path() / "made" / "tiny"; }
  fs::path second() const { return folder_.path() / "second.gguf"; }

  void write_file(const fs::path& from, const GgufVocabulary& vocabulary, GgmlType type, const fs::path& to) const {
    const auto done = write_gguf(*value_of(Checkpoint::open(from)), vocabulary, {type, type}, *backend_, to, {}, {});
    ASSERT_TRUE(done) << done.error().message;
  }
  Result<WrittenFolder> write_folder(const std::string& configuration, std::string_view format) const {
    const auto checkpoint = value_of(Checkpoint::open(first()));
    const auto settings = value_of(parse_configuration(configuration));
    const auto resolved = resolve(settings, checkpoint->model(), checkpoint->tensors(), describe_cpu(), {1024, 512});
    return write_checkpoint(*checkpoint, *resolved, *backend_, format, made(), {}, {});
  }

  ArchitectureCase proof_;
  TemporaryFolder folder_;
  std::unique_ptr<Backend> backend_ = value_of(create_cpu_backend({1, "auto"}));
};

TEST_P(GgufToHuggingFace, AndBackIsTheSameFile) {
  for (const GgufVocabulary& vocabulary : {byte_level_vocabulary(), sentencepiece_vocabulary()})
    for (const GgmlType type : {GgmlType::f32, GgmlType::bf16, GgmlType::q8_0}) {
      write_file(source(), vocabulary, type, first());
      fs::remove_all(made());
      const auto written = write_folder("as-stored:compute=fp32", "safetensors");
      ASSERT_TRUE(written) << written.error().message;
      const auto again = value_of(gguf_vocabulary(*value_of(Checkpoint::open(made()))));
      write_file(made(), again, type, second());
      EXPECT_TRUE(bytes_of(first()) == bytes_of(second())) << vocabulary.model << " " << ggml_type_info(type).name;
    }
}

TEST_P(GgufToHuggingFace, KeepsWeightsAndLogits) {
  write_file(source(), byte_level_vocabulary(), GgmlType::f32, first());
  ASSERT_TRUE(write_folder("fp32", "safetensors"));
  const auto ids = proof_.outputs.at("ids_2").as<std::int32_t>();
  LoadedModel before = LoadedModel::load(first(), "fp32", 256, 16), after = LoadedModel::load(made(), "fp32", 256, 16);
  const auto logits = before.logits(ids), again = after.logits(ids);
  // A folder states Llama 3's scaling, a file its divisors in single precision.
  if (before.checkpoint->model().rope.divisors.empty()) {
    EXPECT_EQ(logits, again);
  }
  const auto original = value_of(Checkpoint::open(source()));
  for (const TensorInfo& tensor : after.checkpoint->tensors()) {
    const TensorInfo* other = original->find(tensor.name);
    ASSERT_NE(other, nullptr) << tensor.name;
    EXPECT_EQ(tensor.stored_name, other->stored_name);
    std::vector<float> expected(static_cast<std::size_t>(tensor.count())), values(expected.size());
    ASSERT_TRUE(original->decode_rows(*other, 0, other->rows(), expected));
    ASSERT_TRUE(after.checkpoint->decode_rows(tensor, 0, tensor.rows(), values));
    EXPECT_EQ(values, expected) << tensor.name;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, GgufToHuggingFace,
    ::testing::Values(RoundTrip{"llama_bias", {}},
                      RoundTrip{
                          "llama_linear",
                          {{"rope_parameters",
                            R"({"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                                      "original_max_position_embeddings": 8192, "rope_theta": 500000.0})"}}},
                      RoundTrip{"llama_yarn", {}}, RoundTrip{"mistral_window", {{"sliding_window", "null"}}},
                      RoundTrip{"qwen2", {}}, RoundTrip{"qwen3_tied", {{"attention_bias", "false"}}},
                      RoundTrip{"smollm3", {}}, RoundTrip{"phi3", {}}, RoundTrip{"phi3_window", {}},
                      RoundTrip{"gemma2", {}}),
    [](const auto& param_info) { return std::string(param_info.param.name); });

class FromGguf : public GgufToHuggingFace {};

TEST_P(FromGguf, TokenizersGiveTheSameIds) {
  for (const GgufVocabulary& vocabulary : {byte_level_vocabulary(), sentencepiece_vocabulary()}) {
    write_file(source(), vocabulary, GgmlType::f32, first());
    fs::remove_all(made());
    ASSERT_TRUE(write_folder("fp32", "safetensors"));
    const auto before = value_of(Tokenizer::of(*value_of(Checkpoint::open(first()))));
    const auto after = value_of(Tokenizer::of(*value_of(Checkpoint::open(made()))));
    for (const std::string text : {"abc ab c", " a\u00e9", "<s>ab</s><tool>", "cab  abcabc", ""}) {
      EXPECT_EQ(before->encode(text), after->encode(text)) << vocabulary.model << ": " << text;
      const auto ids = before->encode(text);
      EXPECT_EQ(before->decode(ids), after->decode(ids)) << vocabulary.model << ": " << text;
    }
    EXPECT_EQ(before->eos_id(), after->eos_id());
  }
}

TEST_P(FromGguf, QuantizedCodesAreThoseOfTheFolder) {
  write_file(source(), byte_level_vocabulary(), GgmlType::f32, first());
  for (const auto& [configuration, format] : {std::pair{"nf4:block=32", "bitsandbytes"}, std::pair{"int8", "gptq"}}) {
    fs::remove_all(made());
    const auto written = write_folder(configuration, format);
    ASSERT_TRUE(written) << written.error().message;
    const auto folder = value_of(Checkpoint::open(made())), original = value_of(Checkpoint::open(source()));
    for (const TensorComparison& tensor : value_of(compare_checkpoints(*folder, *original, 0.15, {}, {})))
      EXPECT_TRUE(tensor.holds) << format << " " << tensor.name << " " << tensor.why_not;
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, FromGguf, ::testing::Values(RoundTrip{"qwen2", {}}));

class FusedFromGguf : public GgufToHuggingFace {};

TEST_P(FusedFromGguf, IsWrittenFusedAndNotQuantized) {
  write_file(source(), byte_level_vocabulary(), GgmlType::f32, first());
  const auto refused = write_folder("nf4:block=32", "bitsandbytes");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("fused projections are not written quantized"));
  EXPECT_FALSE(fs::exists(made()));
  ASSERT_TRUE(write_folder("nf4:block=32", "safetensors"));
  const auto folder = value_of(Checkpoint::open(made()));
  EXPECT_EQ(folder->find("model.layers.1.self_attn.k_proj.weight")->stored_name,
            "model.layers.1.self_attn.qkv_proj.weight");
}

INSTANTIATE_TEST_SUITE_P(Cases, FusedFromGguf, ::testing::Values(RoundTrip{"phi3", {}}));

TEST(GgufToHuggingFaceRefuses, WhatItsFilesCannotSay) {
  const TemporaryFolder folder;
  const std::string divisors =
      R"({"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                                   "original_max_position_embeddings": 77, "rope_theta": 10000.0})";
  ArchitectureCase::open("llama_linear").write_checkpoint(folder.path(), {{"rope_parameters", divisors}});
  const auto backend = value_of(create_cpu_backend({1, "auto"}));
  const auto write = [&](const GgufVocabulary& vocabulary, const char* name) {
    const auto source = value_of(Checkpoint::open(folder.path()));
    EXPECT_TRUE(write_gguf(*source, vocabulary, {}, *backend, folder.path() / name, {}, {}));
    const auto checkpoint = value_of(Checkpoint::open(folder.path() / name));
    const auto settings = value_of(parse_configuration("fp32"));
    const auto resolved = resolve(settings, checkpoint->model(), checkpoint->tensors(), describe_cpu(), {1024, 512});
    const auto written =
        write_checkpoint(*checkpoint, *resolved, *backend, "safetensors", folder.path() / "out", {}, {});
    EXPECT_FALSE(fs::exists(folder.path() / "out"));
    return written ? std::string() : written.error().message;
  };
  EXPECT_THAT(write({}, "divisors.gguf"), HasSubstr("in a way that config.json cannot say"));

  ArchitectureCase::open("llama_linear").write_checkpoint(folder.path());
  GgufVocabulary vocabulary = byte_level_vocabulary();
  vocabulary.tokens[4] = "a";
  EXPECT_THAT(write(vocabulary, "twice.gguf"), HasSubstr("the same token twice (3 and 4)"));
  vocabulary.tokens[4] = "\xFF";
  EXPECT_THAT(write(vocabulary, "bytes.gguf"), HasSubstr("a token (4) that is not UTF-8"));
  vocabulary = sentencepiece_vocabulary();
  vocabulary.scores.clear();
  EXPECT_THAT(write(vocabulary, "scores.gguf"), HasSubstr("has no scores"));
}

}  // namespace
}  // namespace quantscope
