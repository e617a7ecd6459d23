// SPDX-License-Identifier: GPL-3.0-or-later
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>

#include "core/checkpoint/checkpoint.h"
#include "kernels/formats/half.h"
#include "tests/core/checkpoint/small_checkpoints.h"
#include "tests/support/reference_data.h"

namespace quantscope {
namespace {

using namespace quantscope::testing;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

float as_fp32(const OracleTensor& tensor, std::size_t index) {
  if (tensor.dtype == "F32") return tensor.as<float>()[index];
  std::uint32_t bits = 0;
  std::memcpy(&bits, tensor.bytes.data() + 2 * index, 2);
  if (tensor.dtype == "F16") return fp16_to_fp32(static_cast<std::uint16_t>(bits));
  bits <<= 16;
  float value = 0;
  std::memcpy(&value, &bits, 4);
  return value;
}

/// Every tensor of every shard, read by the tests' own reader.
OracleFile read_all(const fs::path& folder) {
  OracleFile all;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().extension() == ".safetensors") all.merge(read_oracle(entry.path()));
  return all;
}

class ReferenceModel : public ::testing::TestWithParam<const char*> {};

TEST_P(ReferenceModel, HoldsTheValuesOfItsFiles) {
  QUANTSCOPE_REQUIRE_SHARED();
  const fs::path folder = shared_folder() / "reference/models" / GetParam();
  const auto checkpoint = Checkpoint::open(folder);
  ASSERT_TRUE(checkpoint) << checkpoint.error().message;
  EXPECT_EQ((*checkpoint)->model().name, GetParam());
  const OracleFile oracle = read_all(folder);
  EXPECT_EQ((*checkpoint)->tensors().size(), oracle.size());
  for (const TensorInfo& tensor : (*checkpoint)->tensors()) {
    const OracleTensor& expected = oracle.at(tensor.name);
    EXPECT_EQ(tensor.shape, expected.shape);
    std::vector<float> values(static_cast<std::size_t>(tensor.count()));
    ASSERT_TRUE((*checkpoint)->decode_rows(tensor, 0, tensor.rows(), values));
    for (std::size_t i = 0; i < values.size(); i += 97) ASSERT_EQ(values[i], as_fp32(expected, i)) << tensor.name;
    const auto copied = (*checkpoint)->copied_type(tensor);
    if (!copied) continue;
    std::vector<std::uint16_t> stored(values.size());
    ASSERT_TRUE((*checkpoint)->copy_rows(tensor, 0, tensor.rows(), std::as_writable_bytes(std::span(stored))));
    for (std::size_t i = 0; i < values.size(); i += 97)
      ASSERT_EQ(*copied == DataType::fp16 ? fp16_to_fp32(stored[i]) : bf16_to_fp32(stored[i]), values[i])
          << tensor.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Models, ReferenceModel,
                         ::testing::Values("stories260K", "llama3_rope_gqa_tied", "llama_head_dim", "mistral", "qwen2",
                                           "qwen3"));

TEST(HuggingFace, RefusesUnknownQuantizationsByName) {
  const auto message = [](const nlohmann::json& quantization) {
    nlohmann::json config = nlohmann::json::parse(small_config());
    config["quantization_config"] = quantization;
    const TemporaryFolder folder;
    folder.write("model.safetensors", safetensors_file(small_tensors()));
    folder.write("config.json", config.dump());
    const auto checkpoint = Checkpoint::open(folder.path());
    return checkpoint ? std::string("opened") : checkpoint.error().message;
  };
  EXPECT_THAT(message({{"quant_method", "quip"}}), HasSubstr("'quip'"));
  EXPECT_THAT(message({{"bits", 4}}), HasSubstr("'quant_method'"));
  EXPECT_THAT(message(7), HasSubstr("quantization_config"));
  EXPECT_EQ(message({{"quant_method", "gptq"}, {"bits", 4}}), "opened") << "no module was converted";
}

TEST(HuggingFace, ReadsF64RoundedToF32) {
  const TemporaryFolder folder;
  const double values[] = {0.1, -1e300, 3.0};
  const auto path = folder.write("one.safetensors",
                                 safetensors_file({{"x", "F64", {3}, {reinterpret_cast<const char*>(values), 24}}}));
  const auto checkpoint = Checkpoint::open(path);
  ASSERT_TRUE(checkpoint) << checkpoint.error().message;
  std::vector<float> read(3);
  ASSERT_TRUE((*checkpoint)->decode_rows((*checkpoint)->tensors()[0], 0, 1, read));
  EXPECT_EQ(read, (std::vector<float>{0.1F, -std::numeric_limits<float>::infinity(), 3.0F}));
}

TEST(HuggingFace, ReadsBothConfigStyles) {
  QUANTSCOPE_REQUIRE_SHARED();
  const auto checkpoint = Checkpoint::open(shared_folder() / "reference/models/llama3_rope_gqa_tied");
  ASSERT_TRUE(checkpoint) << checkpoint.error().message;
  const ModelDescription& model = (*checkpoint)->model();
  EXPECT_EQ(model.rope.theta, 500000.0);
  EXPECT_EQ(model.rope.scaling, RopeScaling::llama3);
  EXPECT_EQ(model.rope.factor, 8.0);
  EXPECT_EQ(model.rope.original_context, 64);
  EXPECT_EQ(model.stored_value_bytes, 4);
  EXPECT_EQ(model.kv_heads, 2);
  EXPECT_TRUE(std::holds_alternative<fs::path>((*checkpoint)->tokenizer()));
}

TEST(HuggingFace, Llama32HasTheKnownNumberOfWeights) {
  QUANTSCOPE_REQUIRE_SHARED();
  const auto plan = Checkpoint::open(shared_folder() / "data/configs/Llama-3.2-1B-Instruct.config.json");
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_TRUE((*plan)->is_plan());
  const ModelDescription& model = (*plan)->model();
  const auto slots = weight_slots(model);
  const auto total = std::accumulate(slots.begin(), slots.end(), std::int64_t{0},
                                     [](std::int64_t sum, const auto& slot) { return sum + slot.rows * slot.columns; });
  EXPECT_EQ(total, 1'235'814'400);
  EXPECT_EQ(model.rope.factor, 32.0);
  EXPECT_EQ(model.rope.original_context, 8192);
  EXPECT_EQ(model.stored_value_bytes, 2);
  EXPECT_THAT(model.end_ids, ::testing::ElementsAre(128001, 128008, 128009));
}

class HuggingFaceFolder : public ::testing::Test {
 protected:
  std::string message() const {
    const auto checkpoint = Checkpoint::open(folder_.path());
    return checkpoint ? "opened" : checkpoint.error().message;
  }
  void write_index(const nlohmann::json& weight_map) const {
    folder_.write("model.safetensors.index.json", nlohmann::json{{"weight_map", weight_map}}.dump());
  }
  /// Two shards with every other tensor each, and the map of them.
  nlohmann::json write_shards() const {
    std::vector<SafetensorsEntry> shards[2];
    nlohmann::json map;
    const auto tensors = small_tensors();
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      shards[i % 2].push_back(tensors[i]);
      map[tensors[i].name] = i % 2 == 0 ? "a.safetensors" : "b.safetensors";
    }
    folder_.write("a.safetensors", safetensors_file(shards[0]));
    folder_.write("b.safetensors", safetensors_file(shards[1]));
    return map;
  }

  TemporaryFolder folder_;
};

TEST_F(HuggingFaceFolder, OpensOneFileOfAnyName) {
  folder_.write("config.json", small_config());
  folder_.write("weights.safetensors", safetensors_file(small_tensors()));
  EXPECT_EQ(message(), "opened");
}

TEST_F(HuggingFaceFolder, OpensShardsThroughTheIndexOnly) {
  folder_.write("config.json", small_config());
  write_index(write_shards());
  const auto checkpoint = Checkpoint::open(folder_.path());
  ASSERT_TRUE(checkpoint) << checkpoint.error().message;
  EXPECT_EQ((*checkpoint)->tensors().size(), small_tensors().size());
  EXPECT_EQ((*checkpoint)->files().size(), 4U) << "two shards, the index and the config";
  fs::remove(folder_.path() / "model.safetensors.index.json");
  EXPECT_THAT(message(), HasSubstr("no model.safetensors.index.json"));
}

TEST_F(HuggingFaceFolder, TiedModelIgnoresAStoredHead) {
  folder_.write("config.json", small_config());
  auto tensors = small_tensors();
  tensors.push_back(tensors.front());
  tensors.back().name = "lm_head.weight";
  folder_.write("model.safetensors", safetensors_file(tensors));
  const auto checkpoint = Checkpoint::open(folder_.path());
  ASSERT_TRUE(checkpoint) << checkpoint.error().message;
  EXPECT_TRUE((*checkpoint)->model().tied_head);
}

TEST_F(HuggingFaceFolder, OtherTypesMatterOnlyWhereAWeightIsNeeded) {
  folder_.write("config.json", small_config());
  auto tensors = small_tensors();
  tensors.push_back({"model.rotary.position_ids", "I64", {2}, std::string(16, '\0')});
  folder_.write("model.safetensors", safetensors_file(tensors));
  EXPECT_EQ(message(), "opened");
  tensors[1].dtype = "I32";
  folder_.write("model.safetensors", safetensors_file(tensors));
  EXPECT_THAT(message(), HasSubstr("Tensor model.layers.0.input_layernorm.weight is stored as I32"));
}

TEST_F(HuggingFaceFolder, ReportsMissingAndMisshapenTensors) {
  folder_.write("config.json", small_config());
  auto tensors = small_tensors();
  tensors[1].shape = {4, 8};
  folder_.write("model.safetensors", safetensors_file(tensors));
  EXPECT_THAT(message(),
              HasSubstr("input_layernorm.weight: its shape is [4, 8], and the model's description asks for [32]"));
  tensors.erase(tensors.begin() + 1);
  folder_.write("model.safetensors", safetensors_file(tensors));
  EXPECT_THAT(message(), HasSubstr("lacks the tensor model.layers.0.input_layernorm.weight"));
}

TEST_F(HuggingFaceFolder, SaysWhatAFolderLacks) {
  EXPECT_THAT(message(), HasSubstr("has no config.json"));
  folder_.write("some.gguf", "");
  EXPECT_THAT(message(), HasSubstr("open some.gguf itself"));
  folder_.write("config.json", small_config());
  EXPECT_EQ(message(), "opened") << "as a plan";
  EXPECT_TRUE(Checkpoint::open(folder_.path()).value()->is_plan());
  folder_.write("pytorch_model.bin", "");
  EXPECT_THAT(message(), HasSubstr("pytorch_model.bin, which is not read"));
}

TEST_F(HuggingFaceFolder, RefusesIndexesThatLeadAstray) {
  folder_.write("config.json", small_config());
  const nlohmann::json good = write_shards();
  const std::string name = "model.norm.weight";
  const auto with = [&](const char* shard) {
    nlohmann::json map = good;
    map[name] = shard;
    write_index(map);
    return message();
  };
  EXPECT_THAT(with("../a.safetensors"), HasSubstr("outside its folder"));
  EXPECT_THAT(with("/etc/passwd"), HasSubstr("outside its folder"));
  EXPECT_THAT(with(".."), HasSubstr("outside its folder"));
  EXPECT_THAT(with(""), HasSubstr("outside its folder"));
  EXPECT_THAT(with("absent.safetensors"), HasSubstr("absent.safetensors"));
  fs::create_symlink("loop.safetensors", folder_.path() / "loop.safetensors");
  EXPECT_THAT(with("loop.safetensors"), HasSubstr("loop.safetensors"));
  EXPECT_THAT(with(good.at(name) == "a.safetensors" ? "b.safetensors" : "a.safetensors"),
              HasSubstr("which does not hold it"));
  write_index(nlohmann::json::array());
  EXPECT_THAT(message(), HasSubstr("weight_map"));
}

TEST_F(HuggingFaceFolder, BareSafetensorsHaveNoModel) {
  const auto path = folder_.write("x.safetensors", safetensors_file(small_tensors()));
  const auto checkpoint = Checkpoint::open(path);
  ASSERT_TRUE(checkpoint) << checkpoint.error().message;
  EXPECT_EQ((*checkpoint)->model().layers, 0);
  EXPECT_EQ((*checkpoint)->tensors().size(), small_tensors().size());
  EXPECT_EQ((*checkpoint)->baseline_note(), "");
}

TEST_F(HuggingFaceFolder, OtherPathsAreRefusedWithASentence) {
  const auto open = [](const fs::path& path) { return Checkpoint::open(path).error(); };
  EXPECT_EQ(open(folder_.path() / "absent").code, ErrorCode::not_found);
  EXPECT_THAT(open(folder_.write("a.txt", "GG")).message, HasSubstr("choose a Hugging Face folder"));
  EXPECT_EQ(open("/dev/null").code, ErrorCode::unsupported);
  EXPECT_EQ(open(folder_.write("empty.gguf", "")).code, ErrorCode::corrupt_file);
  EXPECT_EQ(open(folder_.write("empty.safetensors", "")).code, ErrorCode::corrupt_file);
  EXPECT_EQ(open(folder_.write("empty.json", "")).code, ErrorCode::corrupt_file);
}

}  // namespace
}  // namespace quantscope
