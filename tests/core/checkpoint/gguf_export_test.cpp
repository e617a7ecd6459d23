// SPDX-License-Identifier: GPL-3.0-or-later
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "core/checkpoint/gguf_export.h"
#include "core/checkpoint/gguf_names.h"
#include "core/checkpoint/safetensors_writer.h"
#include "kernels/cpu/cpu_backend.h"
#include "kernels/formats/ggml_encode.h"
#include "tests/core/checkpoint/small_checkpoints.h"
#include "tests/support/ggml_data.h"

namespace quantscope {
namespace {

using namespace quantscope::testing;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

std::string bytes_in(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::vector<float> values_of(const Checkpoint& checkpoint, const std::string& name) {
  const TensorInfo& tensor = *checkpoint.find(name);
  std::vector<float> values(static_cast<std::size_t>(tensor.count()));
  const auto read = checkpoint.decode_rows(tensor, 0, tensor.rows(), values);
  EXPECT_TRUE(read) << read.error().message;
  return values;
}

/// The config of a Llama whose rows hold whole blocks of 256.
std::string wide_config() {
  nlohmann::json config = nlohmann::json::parse(small_config());
  config.update({{"hidden_size", 256}, {"intermediate_size", 512}, {"num_hidden_layers", 1}});
  return config.dump();
}

class GgufExport : public ::testing::Test {
 protected:
  std::shared_ptr<const Checkpoint> open(const fs::path& path) const {
    auto checkpoint = Checkpoint::open(path);
    EXPECT_TRUE(checkpoint) << checkpoint.error().message;
    return checkpoint ? *checkpoint : nullptr;
  }
  std::shared_ptr<const Checkpoint> open_small() const {
    return open(folder_.write("small.gguf", small_gguf().build()));
  }
  Result<void> write(const Checkpoint& checkpoint, const GgufTypes& types, const std::string& name,
                     std::stop_token stop = {}) const {
    const auto* own = std::get_if<GgufVocabulary>(&checkpoint.tokenizer());
    return write_gguf(checkpoint, own != nullptr ? *own : GgufVocabulary{}, types, *backend_, folder_.path() / name, {},
                      stop);
  }
  /// Writes and opens again.
  std::shared_ptr<const Checkpoint> written(const Checkpoint& checkpoint, const GgufTypes& types,
                                            const std::string& name) const {
    const auto done = write(checkpoint, types, name);
    EXPECT_TRUE(done) << done.error().message;
    return done ? open(folder_.path() / name) : nullptr;
  }

  /// A Hugging Face folder whose weights `value_of` gives, all F32.
  template <class ValuesOf>
  std::shared_ptr<const Checkpoint> folder_with(const std::string& name, const std::string& config,
                                                const ValuesOf& values_of_slot) const {
    folder_.write(name + "/config.json", config);
    const auto plan = open(folder_.path() / name / "config.json");
    std::vector<TensorDeclaration> declared;
    for (const WeightSlot& slot : weight_slots(plan->model())) {
      const bool vector = slot.role == WeightRole::norm;
      declared.push_back(
          {slot.name, "F32", {slot.rows, slot.columns}, 4U * static_cast<std::uint64_t>(slot.rows * slot.columns)});
      if (vector) declared.back().shape = {slot.columns};
    }
    auto writer = SafetensorsWriter::create(folder_.path() / name / "model.safetensors", declared);
    EXPECT_TRUE(writer);
    for (const WeightSlot& slot : weight_slots(plan->model())) {
      const std::vector<float> values = values_of_slot(slot);
      EXPECT_TRUE(writer->append_values(std::span<const float>(values)));
    }
    EXPECT_TRUE(writer->finish());
    return open(folder_.path() / name);
  }
  std::shared_ptr<const Checkpoint> wide_folder() const {
    return folder_with("wide", wide_config(), [](const WeightSlot& slot) {
      return ggml_source_values("bell", static_cast<std::size_t>(slot.rows * slot.columns));
    });
  }

  TemporaryFolder folder_;
  std::unique_ptr<Backend> backend_ = std::move(*create_cpu_backend({2, "auto"}));
};

TEST_F(GgufExport, WritesAModelThatReadsTheSame) {
  const auto source = open_small();
  const auto copy = written(*source, {GgmlType::f32, {}}, "copy.gguf");
  ASSERT_NE(copy, nullptr);
  for (const WeightSlot& slot : weight_slots(source->model()))
    EXPECT_EQ(values_of(*source, slot.name), values_of(*copy, slot.name)) << slot.name;
  EXPECT_EQ(copy->model().name, "Small");
  EXPECT_EQ(copy->model().license, "mit");
  EXPECT_EQ(copy->model().context, 64);
  EXPECT_EQ(copy->model().end_ids, source->model().end_ids);
  const auto& before = std::get<GgufVocabulary>(source->tokenizer());
  const auto& after = std::get<GgufVocabulary>(copy->tokenizer());
  EXPECT_EQ(after.tokens, before.tokens);
  EXPECT_EQ(after.token_types, before.token_types);
  EXPECT_EQ(after.merges, before.merges);
  EXPECT_EQ(after.pre, before.pre);
  EXPECT_EQ(after.bos_id, before.bos_id);
  EXPECT_EQ(after.add_bos, before.add_bos);
}

/// Every type, by its name in the plan and by its codes in the file.
TEST_F(GgufExport, WritesTheCodesOfTheEncoderInEveryType) {
  const auto source = wide_folder();
  ASSERT_NE(source, nullptr);
  for (const GgmlTypeInfo& info : ggml_types) {
    if (!info.can_encode || info.block_values == 1) continue;
    const auto copy = written(*source, {info.type, info.type}, "typed.gguf");
    ASSERT_NE(copy, nullptr);
    for (const WeightSlot& slot : weight_slots(source->model())) {
      const TensorInfo& tensor = *copy->find(slot.name);
      if (slot.role == WeightRole::norm) {
        EXPECT_EQ(tensor.type, StoredType::f32);
        continue;
      }
      ASSERT_TRUE(tensor.quantized == ggml_format(info.type)) << slot.name;
      const auto values = values_of(*source, slot.name);
      std::vector<std::byte> expected(tensor.bytes);
      encode_ggml(info.type, values.data(), std::ssize(values), expected.data());
      const auto stored = copy->read_stored(tensor, backend_->ledger(), MemoryTag::codes);
      ASSERT_TRUE(stored);
      EXPECT_TRUE(std::ranges::equal(expected, std::span(stored->codes.data(), stored->codes.size())))
          << info.name << " " << slot.name;
    }
  }
}

TEST_F(GgufExport, TakesALargerTypeWhereBlocksDoNotFit) {
  const auto source = open_small();
  const auto type_in = [&](GgmlType wanted) {
    const auto plan = plan_gguf(*source, {wanted, {}});
    for (const GgufPlanEntry& entry : *plan)
      if (entry.slots.front().role == WeightRole::linear) return entry.tensor.type;
    return GgmlType::f32;
  };
  EXPECT_EQ(type_in(GgmlType::q4_k), GgmlType::q5_0);
  EXPECT_EQ(type_in(GgmlType::q6_k), GgmlType::q8_0);
  EXPECT_EQ(type_in(GgmlType::iq4_nl), GgmlType::iq4_nl);
  EXPECT_EQ(plan_gguf(*source, {GgmlType::q4_0, {}})->front().tensor.type, GgmlType::q8_0) << "the embedding";
}

TEST_F(GgufExport, CopiesBlocksThatAreStoredAlready) {
  GgufBuilder builder = small_gguf().without_tensor("blk.0.attn_q.weight");
  const auto blocks = random_ggml_blocks(GgmlType::q5_1, 32);
  builder.tensor("blk.0.attn_q.weight", {32, 32}, 7, {reinterpret_cast<const char*>(blocks.data()), blocks.size()});
  const auto source = open(folder_.write("mixed.gguf", builder.build()));
  const auto copy = written(*source, {}, "copy.gguf");
  ASSERT_NE(copy, nullptr);
  const TensorInfo& tensor = *copy->find("model.layers.0.self_attn.q_proj.weight");
  EXPECT_EQ(tensor.type, StoredType::q5_1);
  const std::string file = bytes_in(folder_.path() / "copy.gguf");
  EXPECT_EQ(file.substr(tensor.offset, tensor.bytes),
            std::string(reinterpret_cast<const char*>(blocks.data()), blocks.size()));
  EXPECT_EQ(copy->find("model.layers.0.self_attn.k_proj.weight")->type, StoredType::f32);
  written(*copy, {}, "again.gguf");
  EXPECT_EQ(bytes_in(folder_.path() / "again.gguf"), file);
}

/// For types whose codes follow from the values they decode to.
TEST_F(GgufExport, GoesToHuggingFaceAndBackToTheSameFile) {
  const auto source = open(folder_.write("plain.gguf", small_gguf().without("general.license").build()));
  for (const GgmlType type : {GgmlType::f32, GgmlType::f16, GgmlType::bf16, GgmlType::q8_0, GgmlType::q4_0}) {
    const auto first = written(*source, {type, type}, "first.gguf");
    ASSERT_NE(first, nullptr);
    const auto folder =
        folder_with("Small", small_config(), [&](const WeightSlot& slot) { return values_of(*first, slot.name); });
    ASSERT_NE(folder, nullptr);
    const auto done = write_gguf(*folder, std::get<GgufVocabulary>(first->tokenizer()), {type, type}, *backend_,
                                 folder_.path() / "second.gguf", {}, {});
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_TRUE(bytes_in(folder_.path() / "second.gguf") == bytes_in(folder_.path() / "first.gguf"))
        << ggml_type_info(type).name;
  }
}

TEST_F(GgufExport, FillsTheVocabularyAndWritesRopeDivisors) {
  nlohmann::json config = nlohmann::json::parse(small_config());
  config["rope_scaling"] = {{"rope_type", "llama3"},
                            {"factor", 32.0},
                            {"low_freq_factor", 1.0},
                            {"high_freq_factor", 4.0},
                            {"original_max_position_embeddings", 64}};
  const auto source = folder_with("scaled", config.dump(), [](const WeightSlot& slot) {
    return std::vector<float>(static_cast<std::size_t>(slot.rows * slot.columns), 0.5F);
  });
  GgufVocabulary vocabulary;
  vocabulary.model = "gpt2";
  vocabulary.pre = "gpt-2";
  vocabulary.tokens = {"a", "b"};
  vocabulary.token_types = {1, 1};
  const fs::path path = folder_.path() / "scaled.gguf";
  ASSERT_TRUE(write_gguf(*source, vocabulary, {GgmlType::f32, {}}, *backend_, path, {}, {}));
  const auto copy = open(path);
  ASSERT_NE(copy, nullptr);
  const auto& filled = std::get<GgufVocabulary>(copy->tokenizer());
  EXPECT_EQ(filled.tokens.at(7), "[PAD7]");
  EXPECT_EQ(filled.token_types.at(7), 5);
  // Wavelengths 2 pi 10000^(i / 4): below 16 the divisor is 1, above 64 it is the factor, 62.8 lies between.
  const auto& divisors = copy->model().rope.divisors;
  ASSERT_EQ(divisors.size(), 4U);
  EXPECT_EQ(divisors[0], 1.0F);
  const double wavelength = 2 * 3.14159265358979323846 * 10, smooth = (64 / wavelength - 1) / 3;
  EXPECT_NEAR(static_cast<double>(divisors[1]), 1 / ((1 - smooth) / 32 + smooth), 1e-4);
  EXPECT_EQ(divisors[2], 32.0F);
  EXPECT_EQ(divisors[3], 32.0F);
}

TEST_F(GgufExport, LeavesNothingBehindWhenItFails) {
  const auto source = open_small();
  std::stop_source stop;
  stop.request_stop();
  const auto stopped = write(*source, {GgmlType::q8_0, {}}, "stopped.gguf", stop.get_token());
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, ErrorCode::cancelled);
  EXPECT_FALSE(write(*source, {GgmlType::q8_0, {}}, "absent/file.gguf"));
  GgufVocabulary large;
  large.tokens.resize(9);
  const auto refused =
      write_gguf(*source, large, {GgmlType::f32, {}}, *backend_, folder_.path() / "large.gguf", {}, {});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("9 tokens, more than the 8 rows"));
  const auto no_encoder = write(*source, {GgmlType::q5_k, {}}, "no.gguf");
  EXPECT_TRUE(no_encoder) << "rows of 32 take F16";
  std::vector<std::string> files;
  for (const auto& entry : fs::directory_iterator(folder_.path())) files.push_back(entry.path().filename());
  EXPECT_THAT(files, ::testing::UnorderedElementsAre("small.gguf", "no.gguf"));
}

TEST_F(GgufExport, RefusesTypesWithoutAnEncoderByName) {
  const auto source = wide_folder();
  const auto refused = plan_gguf(*source, {GgmlType::iq2_s, {}});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("IQ2_S cannot be encoded; choose one of the types f32"));
}

TEST(GgufNames, AreEachOthersInverse) {
  const TemporaryFolder folder;
  const auto checkpoint = Checkpoint::open(folder.write("small.gguf", small_gguf().build()));
  ASSERT_TRUE(checkpoint);
  const Family& llama = *find_family("llama");
  for (const TensorInfo& tensor : (*checkpoint)->tensors())
    EXPECT_EQ(gguf_name(tensor.name, llama), tensor.stored_name);
  EXPECT_EQ(gguf_name("lm_head.weight", llama), "output.weight");
  EXPECT_EQ(gguf_name("something.else", llama), "something.else");
  for (const Family& family : families())
    for (const std::string part : {"ffn_norm", "post_attention_norm", "post_ffw_norm", "ffn_up", "attn_qkv"}) {
      const std::string name = "blk.7." + part + ".weight";
      EXPECT_EQ(gguf_name(hugging_face_name(name, family), family), name) << family.name;
    }
}

}  // namespace
}  // namespace quantscope
