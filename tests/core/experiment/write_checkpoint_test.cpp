// SPDX-License-Identifier: GPL-3.0-or-later
// Quantized folders: what is written is read back with the same codes and values.
#include "core/experiment/write_checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/quantize/compare_checkpoints.h"
#include "core/quantize/quantize_tensor.h"
#include "kernels/cpu/cpu_backend.h"
#include "tests/support/loaded_model.h"
#include "tests/support/tiny_model.h"

namespace quantscope {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

class WriteCheckpoint : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(::testing::TempDir()) / "write_checkpoint" /
              ::testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(folder_);
    testing::write_tiny_model(folder_ / "model");
    backend_ = testing::value_of(create_cpu_backend({1, "auto"}));
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path path(const std::string& name) const { return folder_ / name; }

  Result<WrittenFolder> write(const std::string& from, const std::string& configuration, std::string_view format,
                              const std::string& to, std::stop_token stop = {}, const ProgressFn& progress = {}) {
    const auto checkpoint = testing::value_of(Checkpoint::open(path(from)));
    const auto settings = testing::value_of(parse_configuration(configuration));
    const auto resolved = resolve(settings, checkpoint->model(), checkpoint->tensors(), describe_cpu(), {1024, 512});
    if (!resolved) return tl::unexpected(error_of(resolved.error()));
    return write_checkpoint(*checkpoint, *resolved, *backend_, format, path(to), progress, std::move(stop));
  }

  std::string bytes(const std::string& name) const {
    std::ifstream file(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }

  fs::path folder_;
  std::unique_ptr<Backend> backend_;
};

std::string text_of(const TaggedBuffer& buffer) {
  return {reinterpret_cast<const char*>(buffer.data()), buffer.size()};
}

TEST_F(WriteCheckpoint, KeepsTheCodesOfBitsandbytes) {
  for (const std::string configuration : {"nf4", "nf4-dq", "fp4", "fp4-dq:block=128", "int8"}) {
    const auto written = write("model", configuration, "bitsandbytes", configuration);
    ASSERT_TRUE(written) << written.error().message;
    const auto source = testing::value_of(Checkpoint::open(path("model")));
    const auto copy = testing::value_of(Checkpoint::open(path(configuration)));
    int compared = 0;
    for (const TensorInfo& tensor : copy->tensors()) {
      if (!tensor.quantized) continue;
      MemoryLedger ledger;
      const auto stored = testing::value_of(copy->read_stored(tensor, ledger, MemoryTag::codes));
      const auto weight =
          testing::value_of(backend_->quantize(source_rows(*source, *source->find(tensor.name)), tensor.rows(),
                                               tensor.columns(), *tensor.quantized, MemoryTag::codes));
      const auto expected = testing::value_of(backend_->download(*weight));
      EXPECT_EQ(text_of(stored.codes), text_of(expected.codes)) << tensor.name;
      EXPECT_EQ(text_of(stored.scales), text_of(expected.scales)) << tensor.name;
      EXPECT_EQ(text_of(stored.nested_absmax), text_of(expected.nested_absmax)) << tensor.name;
      ++compared;
    }
    EXPECT_EQ(compared, 2 * 7) << configuration;
  }
}

/// Of a safetensors file: all that follows its header.
std::uint64_t tensor_bytes(const std::string& file) {
  std::uint64_t header = 0;
  std::memcpy(&header, file.data(), sizeof header);
  return file.size() - sizeof header - header;
}

// write -> read -> write gives the same file.
TEST_F(WriteCheckpoint, IsTheSameWhenWrittenAgain) {
  const std::pair<const char*, const char*> cases[] = {
      {"nf4", "bitsandbytes"}, {"nf4-dq", "bitsandbytes"}, {"int8", "bitsandbytes"},  {"int4:block=32", "gptq"},
      {"int8", "gptq"},        {"int4:block=32", "awq"},   {"int4:block=4096", "awq"}};
  for (const auto& [configuration, format] : cases) {
    fs::remove_all(path("first"));
    fs::remove_all(path("second"));
    const auto first = write("model", configuration, format, "first");
    ASSERT_TRUE(first) << first.error().message;
    const auto second = write("first", "as-stored", format, "second");
    ASSERT_TRUE(second) << second.error().message;
    EXPECT_TRUE(bytes("second/model.safetensors") == bytes("first/model.safetensors"))
        << configuration << " " << format;
    EXPECT_EQ(bytes("second/tokenizer.json"), bytes("model/tokenizer.json"));
    EXPECT_EQ(first->bytes, tensor_bytes(bytes("first/model.safetensors")));
  }
}

TEST_F(WriteCheckpoint, HoldsAgainstItsSource) {
  const std::pair<const char*, const char*> cases[] = {{"nf4", "bitsandbytes"},   {"int8", "gptq"},
                                                       {"int4:block=32", "gptq"}, {"int4:block=32", "awq"},
                                                       {"bf16", "safetensors"},   {"fp32", "safetensors"}};
  const auto source = testing::value_of(Checkpoint::open(path("model")));
  for (const auto& [configuration, format] : cases) {
    fs::remove_all(path("out"));
    const auto written = write("model", configuration, format, "out");
    ASSERT_TRUE(written) << written.error().message;
    const auto file = testing::value_of(Checkpoint::open(path("out")));
    const auto tensors = testing::value_of(compare_checkpoints(*file, *source, 0.15, {}, {}));
    EXPECT_EQ(tensors.size(), source->tensors().size());
    for (const TensorComparison& tensor : tensors)
      EXPECT_TRUE(tensor.holds) << configuration << " " << format << ": " << tensor.name << " " << tensor.why_not;
  }
}

TEST_F(WriteCheckpoint, FindsWhatDoesNotHold) {
  ASSERT_TRUE(write("model", "nf4", "bitsandbytes", "out"));
  const auto source = testing::value_of(Checkpoint::open(path("model")));
  const auto file = testing::value_of(Checkpoint::open(path("out")));
  const auto strict = testing::value_of(compare_checkpoints(*file, *source, 0.01, {}, {}));
  int failing = 0;
  for (const TensorComparison& tensor : strict) failing += tensor.holds ? 0 : 1;
  EXPECT_EQ(failing, 2 * 7);
}

TEST_F(WriteCheckpoint, DecodesToPlainWeightsOfTheComputeType) {
  ASSERT_TRUE(write("model", "nf4:compute=fp32", "bitsandbytes", "nf4"));
  ASSERT_TRUE(write("model", "nf4:compute=fp32", "safetensors", "decoded"));
  ASSERT_TRUE(write("nf4", "as-stored:compute=fp32", "safetensors", "decoded-again"));
  EXPECT_EQ(bytes("decoded-again/model.safetensors"), bytes("decoded/model.safetensors"));
  const auto quantized = testing::value_of(Checkpoint::open(path("nf4")));
  const auto decoded = testing::value_of(Checkpoint::open(path("decoded")));
  EXPECT_EQ(decoded->baseline_note(), "");
  for (const TensorComparison& tensor : testing::value_of(compare_checkpoints(*decoded, *quantized, 0, {}, {})))
    EXPECT_TRUE(tensor.bit_equal) << tensor.name;
}

TEST_F(WriteCheckpoint, SplitsALargeModelAndReadsItBack) {
  const auto checkpoint = testing::value_of(Checkpoint::open(path("model")));
  FolderRequest request;
  request.out = path("split");
  request.source_folder = path("model");
  request.shard_bytes = 100'000;
  for (const TensorInfo& tensor : checkpoint->tensors()) {
    FolderWeight weight;
    weight.name = tensor.name;
    weight.rows = tensor.rows();
    weight.columns = tensor.columns();
    weight.is_vector = tensor.shape.size() == 1;
    weight.plain_type = DataType::fp32;
    request.weights.push_back(weight);
  }
  const auto plain = [&](const FolderWeight& weight, std::int64_t first, std::int64_t count, std::span<float> values) {
    return checkpoint->decode_rows(*checkpoint->find(weight.name), first, count, values);
  };
  const auto written = write_hugging_face_folder(request, {}, plain, {}, {});
  ASSERT_TRUE(written) << written.error().message;
  EXPECT_GT(written->files, 2);
  const auto copy = testing::value_of(Checkpoint::open(path("split")));
  for (const TensorComparison& tensor : testing::value_of(compare_checkpoints(*copy, *checkpoint, 0, {}, {})))
    EXPECT_TRUE(tensor.bit_equal) << tensor.name;
}

TEST_F(WriteCheckpoint, LeavesNothingBehindWhenStoppedOrRefused) {
  std::stop_source source;
  const ProgressFn stop_soon = [&](const Progress& progress) {
    if (progress.done == 4) source.request_stop();
  };
  const auto stopped = write("model", "nf4", "bitsandbytes", "out", source.get_token(), stop_soon);
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, ErrorCode::cancelled);
  const auto other = write("model", "int4", "bitsandbytes", "out");
  ASSERT_FALSE(other);
  EXPECT_THAT(other.error().message, HasSubstr("choose nf4, fp4 or int8"));
  EXPECT_FALSE(write("model", "nf4", "gptq", "out"));
  EXPECT_FALSE(write("model", "nf4", "gguf2", "out"));
  fs::create_directories(path("taken"));
  const auto taken = write("model", "nf4", "bitsandbytes", "taken");
  ASSERT_FALSE(taken);
  EXPECT_THAT(taken.error().message, HasSubstr("exists already"));
  std::vector<std::string> left;
  for (const auto& entry : fs::directory_iterator(folder_)) left.push_back(entry.path().filename().string());
  EXPECT_THAT(left, ::testing::UnorderedElementsAre("model", "taken"));
}

TEST_F(WriteCheckpoint, NamesTheModulesThatItLeftAsTheyAre) {
  ASSERT_TRUE(write("model", "nf4:scope=mlp", "bitsandbytes", "out"));
  const auto config = nlohmann::json::parse(bytes("out/config.json"));
  const auto skipped = config.at("quantization_config").at("llm_int8_skip_modules");
  EXPECT_EQ(skipped.size(), 2 * 4 + 1);
  EXPECT_EQ(skipped.at(0), "model.layers.0.self_attn.q_proj");
}

}  // namespace
}  // namespace quantscope
