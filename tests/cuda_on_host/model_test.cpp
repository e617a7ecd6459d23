// SPDX-License-Identifier: GPL-3.0-or-later
#include <cmath>

#include "core/checkpoint/gguf_export.h"
#include "core/experiment/write_checkpoint.h"
#include "core/model/generate.h"
#include "core/quantize/quantize_tensor.h"
#include "kernels/cpu/cpu_backend.h"
#include "tests/cuda_on_host/gpu_test.h"
#include "tests/support/architecture_case.h"
#include "tests/support/loaded_model.h"
#include "tests/support/reference_data.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"

namespace quantscope::testing {
namespace {

/// A whole model on the CUDA device, from the same plan as one on the CPU.
class OnGpu {
 public:
  OnGpu(const LoadedModel& cpu, std::unique_ptr<Backend> backend) : backend_(std::move(backend)) {
    const ModelPlan& plan = cpu.resolved.plan;
    model_ = value_of(Model::load(*cpu.checkpoint, plan, *backend_, {}, {}));
    decoder_ = value_of(Decoder::create(*model_, plan.kv_type, 256, 64));
  }
  Decoder& decoder() { return *decoder_; }
  MemoryRows memory() { return backend_->ledger().current(); }
  const Model& model() const { return *model_; }

  std::vector<float> logits(std::span<const std::int32_t> ids) {
    std::vector<float> all;
    auto sequence = decoder_->new_sequence();
    const auto collect = [&](std::int64_t, std::int64_t, std::span<const float> values) -> Result<void> {
      all.insert(all.end(), values.begin(), values.end());
      return {};
    };
    EXPECT_TRUE(decoder_->append_logits(sequence, ids, collect).has_value());
    return all;
  }

 private:
  std::unique_ptr<Backend> backend_;
  std::unique_ptr<Model> model_;
  std::unique_ptr<Decoder> decoder_;
};

class CudaGeneration : public GpuTest {
 protected:
  static std::filesystem::path folder() { return shared_folder() / "reference/models"; }
  static double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
    EXPECT_EQ(a.size(), b.size());
    double largest = 0;
    for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
      largest = std::max(largest, static_cast<double>(std::abs(a[i] - b[i])));
    return largest;
  }
};

class CudaModel : public CudaGeneration, public ::testing::WithParamInterface<const char*> {};

TEST_P(CudaModel, LogitsAndMemoryAreThoseOfTheCpu) {
  QUANTSCOPE_REQUIRE_SHARED();
  const OracleFile oracle = read_oracle(folder() / "llama3_rope_gqa_tied.outputs.safetensors");
  LoadedModel cpu = LoadedModel::load(folder() / "llama3_rope_gqa_tied", GetParam(), 256, 64);
  OnGpu gpu(cpu, create_gpu());
  const MemoryRows expected = cpu.backend->ledger().current();
  EXPECT_EQ(gpu.memory().weights(), expected.weights());
  EXPECT_EQ(gpu.memory()[MemoryTag::codes], expected[MemoryTag::codes]);
  EXPECT_EQ(gpu.memory()[MemoryTag::scales], expected[MemoryTag::scales]);
  EXPECT_EQ(gpu.memory()[MemoryTag::kv_cache], expected[MemoryTag::kv_cache]);
  const auto ids = oracle.at("ids_0").as<std::int32_t>();
  EXPECT_LE(largest_difference(gpu.logits(ids), cpu.logits(ids)), 1e-3);
}

INSTANTIATE_TEST_SUITE_P(Configurations, CudaModel,
                         ::testing::Values("fp32", "nf4-dq:compute=fp32", "int4:compute=fp32",
                                           "int8-weight:compute=fp32"));

class CudaPrompt : public CudaGeneration, public ::testing::WithParamInterface<const char*> {};

TEST_P(CudaPrompt, OnTensorCoresDiffersNoMoreThanTheCacheItselfDoes) {
  // Keys and values of 16 bits change the logits. Queries and softmax weights of as many bits may do so as much again.
  // Passes of 64, 64 and 2 tokens.
  QUANTSCOPE_REQUIRE_SHARED();
  const auto path = folder() / "llama3_rope_gqa_tied";
  const auto ids = read_oracle(folder() / "llama3_rope_gqa_tied.outputs.safetensors").at("ids_3").as<std::int32_t>();
  LoadedModel cpu = LoadedModel::load(path, std::string("fp32:kv=") + GetParam(), 256, 64);
  OnGpu gpu(cpu, create_gpu());
  const auto expected = cpu.logits(ids);
  const double of_cache = largest_difference(expected, LoadedModel::load(path, "fp32:kv=fp32", 256, 64).logits(ids));
  EXPECT_GT(of_cache, 0);
  const double difference = largest_difference(gpu.logits(ids), expected);
  EXPECT_GT(difference, 0) << "nothing was rounded";
  EXPECT_LE(difference, 2 * of_cache);
}

INSTANTIATE_TEST_SUITE_P(KvTypes, CudaPrompt, ::testing::Values("fp16", "bf16"));

class CudaArchitecture : public CudaGeneration, public ::testing::WithParamInterface<const char*> {};

TEST_P(CudaArchitecture, LogitsAreThoseOfTheLibrary) {
  const ArchitectureCase proof = ArchitectureCase::open(GetParam());
  const TemporaryFolder checkpoint;
  proof.write_checkpoint(checkpoint.path());
  LoadedModel cpu = LoadedModel::load(checkpoint.path(), "fp32", 64, 64);
  OnGpu gpu(cpu, create_gpu());
  const auto ids = proof.outputs.at("ids_2").as<std::int32_t>();
  EXPECT_LE(largest_difference(gpu.logits(ids), proof.outputs.at("logits_fp32_2").as<float>()), 1e-3);
}

INSTANTIATE_TEST_SUITE_P(Cases, CudaArchitecture,
                         ::testing::Values("llama_bias", "qwen3_tied", "smollm3_window", "phi3_window", "gemma2"),
                         [](const auto& param_info) { return std::string(param_info.param); });

/// A way to write a checkpoint: a GGUF file of one type, or a Hugging Face folder of a layout.
struct Stored {
  const char* name;
  GgmlType type = GgmlType::f32;   ///< of a GGUF file
  const char* layout = nullptr;    ///< or of a folder,
  const char* configuration = "";  ///< whose codes have this configuration
};

/// Models that run with the codes that their checkpoint holds.
class CudaAsStored : public CudaGeneration, public ::testing::WithParamInterface<Stored> {
 protected:
  std::filesystem::path source() const { return folder_.path() / "tiny"; }
  /// Writes the tiny model as the parameter says.
  std::filesystem::path write() const {
    write_tiny_model(source(), 256, 512);
    const auto checkpoint = value_of(Checkpoint::open(source()));
    const auto backend = value_of(create_cpu_backend({1, "auto"}));
    const Stored& stored = GetParam();
    if (stored.layout == nullptr) {
      std::filesystem::path file = folder_.path() / "tiny.gguf";
      EXPECT_TRUE(write_gguf(*checkpoint, {}, {stored.type, stored.type}, *backend, file, {}, {}).has_value());
      return file;
    }
    const auto resolved = resolve(value_of(parse_configuration(stored.configuration)), checkpoint->model(),
                                  checkpoint->tensors(), describe_cpu(), {64, 64});
    EXPECT_TRUE(resolved.has_value());
    value_of(write_checkpoint(*checkpoint, *resolved, *backend, stored.layout, folder_.path() / "out", {}, {}));
    return folder_.path() / "out";
  }

  TemporaryFolder folder_;
};

TEST_P(CudaAsStored, LogitsMemoryAndQuantizationErrorsAreThoseOfTheCpu) {
  LoadedModel cpu = LoadedModel::load(write(), "as-stored:compute=fp32", 256, 64);
  OnGpu gpu(cpu, create_gpu());
  const MemoryRows expected = cpu.backend->ledger().current();
  EXPECT_EQ(gpu.memory()[MemoryTag::codes], expected[MemoryTag::codes]);
  EXPECT_EQ(gpu.memory()[MemoryTag::scales], expected[MemoryTag::scales]);
  const std::vector<std::int32_t> ids = {1, 17, 200, 3, 99, 5, 42, 42, 250, 0, 77, 128, 31, 64, 8, 9, 10, 11, 12, 13};
  EXPECT_LE(largest_difference(gpu.logits(ids), cpu.logits(ids)), 1e-3);

  const auto plain = value_of(Checkpoint::open(source()));
  int compared = 0;
  for (const Model::Entry& entry : cpu.model->entries()) {
    if (entry.plan.tag != MemoryTag::codes) continue;
    const TensorInfo& tensor = *plain->find(entry.plan.slot.name);
    const Weight& weight = *gpu.model().find(entry.plan.slot.name)->weight;
    const QuantizationError on_cpu = value_of(quantization_error(*plain, tensor, *cpu.backend, *entry.weight));
    const QuantizationError on_gpu = value_of(quantization_error(*plain, tensor, gpu.model().backend(), weight));
    EXPECT_GT(on_cpu.relative_error, 0.0) << tensor.name;
    EXPECT_EQ(on_gpu.relative_error, on_cpu.relative_error) << tensor.name;
    EXPECT_EQ(on_gpu.cosine, on_cpu.cosine) << tensor.name;
    EXPECT_EQ(on_gpu.max_absolute, on_cpu.max_absolute) << tensor.name;
    EXPECT_EQ(on_gpu.mean_absolute, on_cpu.mean_absolute) << tensor.name;
    ++compared;
  }
  EXPECT_EQ(compared, 2 * 7);
}

INSTANTIATE_TEST_SUITE_P(Checkpoints, CudaAsStored,
                         ::testing::Values(Stored{"q8_0", GgmlType::q8_0}, Stored{"q4_0", GgmlType::q4_0},
                                           Stored{"q4_k", GgmlType::q4_k}, Stored{"q6_k", GgmlType::q6_k},
                                           Stored{"gptq", {}, "gptq", "int4:block=32"},
                                           Stored{"gptq_8_bit", {}, "gptq", "int8"},
                                           Stored{"awq", {}, "awq", "int4:block=32"}),
                         [](const auto& param_info) { return std::string(param_info.param.name); });

TEST_F(CudaGeneration, LogitsAndGreedyTokensEqualTheLibrarys) {
  QUANTSCOPE_REQUIRE_SHARED();
  const OracleFile oracle = read_oracle(folder() / "stories260K.outputs.safetensors");
  const LoadedModel cpu = LoadedModel::load(folder() / "stories260K", "fp32", 256, 64);
  OnGpu gpu(cpu, create_gpu());
  const auto ids = oracle.at("ids_0").as<std::int32_t>();
  EXPECT_LE(largest_difference(gpu.logits(ids), oracle.at("logits_fp32_0").as<float>()), 2e-3);
  const auto expected = oracle.at("greedy_0").as<std::int32_t>();
  const auto margins = oracle.at("greedy_margin_0").as<float>();
  auto sequence = gpu.decoder().new_sequence();
  ASSERT_TRUE(gpu.decoder().append(sequence, ids).has_value());
  const auto generation = generate_greedy(gpu.decoder(), sequence, 20, {});
  ASSERT_TRUE(generation.has_value());
  for (std::size_t step = 0; step < expected.size() && margins[step] > 1e-3F; ++step)
    ASSERT_EQ(generation->tokens[step].id, expected[step]) << "step " << step;
}

}  // namespace
}  // namespace quantscope::testing
