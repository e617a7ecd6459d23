// SPDX-License-Identifier: GPL-3.0-or-later
#include <gtest/gtest.h>

#include <cctype>
#include <numeric>

#include "core/experiment/resolve.h"
#include "tests/cuda_on_host/gpu_test.h"
#include "tests/support/architecture_case.h"
#include "tests/support/loaded_model.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"

namespace quantscope::testing {
namespace {

constexpr std::int64_t batch_rows = 72;  // more than any path of few rows takes
constexpr std::int64_t context = 256;

std::vector<std::int32_t> some_ids(std::int64_t count) {
  std::vector<std::int32_t> ids(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<std::int32_t>(i * 7 % 50);
  return ids;
}

/// Uses every operation that runs have: prompts, steps of one and of several sequences, and the head in all ways.
void use(Decoder& decoder) {
  const auto prompt = some_ids(batch_rows + 8);  // two passes
  auto first = decoder.new_sequence();
  ASSERT_TRUE(decoder.append_nll(first, prompt, 0).has_value());
  ASSERT_TRUE(decoder.tops().has_value());
  auto second = decoder.new_sequence();
  ASSERT_TRUE(decoder.append_logits(second, some_ids(20), [](auto, auto, auto) { return Result<void>(); }).has_value());
  auto third = decoder.new_sequence();
  ASSERT_TRUE(decoder.append(third, some_ids(3)).has_value());
  const std::array<Decoder::Sequence*, 3> all = {&first, &second, &third};
  for (int step = 0; step < 3; ++step) {
    ASSERT_TRUE(decoder.step(all, some_ids(3)).has_value());
    ASSERT_TRUE(decoder.tops().has_value());
    ASSERT_TRUE(decoder.step({all.data(), 1}, some_ids(1)).has_value());
    ASSERT_TRUE(decoder.top().has_value());
  }
}

/// The forecast and the ledger of a GPU, side by side.
class CudaWorkspace : public GpuTest {
 protected:
  void expect_forecast(const std::filesystem::path& path, const std::string& configuration) {
    const auto backend = create_gpu();
    const auto checkpoint = value_of(Checkpoint::open(path));
    auto resolved = resolve(value_of(parse_configuration(configuration)), checkpoint->model(), checkpoint->tensors(),
                            backend->description(), {context, batch_rows});
    ASSERT_TRUE(resolved.has_value()) << resolved.error().why;
    const auto model = value_of(Model::load(*checkpoint, resolved->plan, *backend, {}, {}));
    ASSERT_TRUE(backend->reserve(resolved->plan.workload).has_value());
    const auto decoder = value_of(Decoder::create(*model, resolved->plan.kv_type, context, batch_rows));
    backend->ledger().reset_peak();
    ASSERT_NO_FATAL_FAILURE(use(*decoder));
    const MemoryRows measured = backend->ledger().peak();
    for (std::size_t tag = 0; tag < memory_tag_count; ++tag)
      EXPECT_EQ(measured.bytes[tag], resolved->forecast.bytes[tag]) << memory_tag_name(static_cast<MemoryTag>(tag));
  }

  TemporaryFolder folder_;
};

class CudaWorkspaceOfFormats : public CudaWorkspace, public ::testing::WithParamInterface<const char*> {};

TEST_P(CudaWorkspaceOfFormats, IsTheForecast) {
  write_tiny_model(folder_.path());
  expect_forecast(folder_.path(), std::string(GetParam()) + ",device=cuda:0");
}

INSTANTIATE_TEST_SUITE_P(Configurations, CudaWorkspaceOfFormats,
                         ::testing::Values("fp32:kv=fp32", "fp16:kv=fp16", "bf16:kv=bf16", "int8:kv=fp16",
                                           "int8-weight:kv=bf16", "int4:block=32", "nf4-dq:scope=all", "nf4:block=4096",
                                           "fp4:compute=fp32"),
                         [](const auto& configuration) {
                           std::string name = configuration.param;
                           for (char& letter : name)
                             if (std::isalnum(static_cast<unsigned char>(letter)) == 0) letter = '_';
                           return name;
                         });

class CudaWorkspaceOfModels : public CudaWorkspace, public ::testing::WithParamInterface<const char*> {};

TEST_P(CudaWorkspaceOfModels, IsTheForecast) {
  ArchitectureCase::open(GetParam()).write_checkpoint(folder_.path());
  expect_forecast(folder_.path(), "bf16:device=cuda:0");
}

INSTANTIATE_TEST_SUITE_P(Cases, CudaWorkspaceOfModels,
                         ::testing::Values("llama_bias", "qwen3_tied", "smollm3_window", "gemma2"),
                         [](const auto& param_info) { return std::string(param_info.param); });

#ifndef QUANTSCOPE_ON_DEVICE
TEST_F(CudaWorkspace, IsTheForecastWithoutTensorCores) {
  cuda_on_host::machine().compute_capability = 75;
  write_tiny_model(folder_.path());
  expect_forecast(folder_.path(), "nf4:compute=bf16,device=cuda:0");
}
#endif

TEST_F(CudaWorkspace, ASmallerWorkloadGivesMemoryBack) {
  const auto backend = create_gpu();
  Workload workload;
  workload.batch_rows = 64;
  workload.context = 128;
  workload.page_tokens = 32;
  workload.hidden = 64;
  workload.heads = workload.kv_heads = 1;
  workload.head_dim = 64;
  const LinearShape head{1000, 64, dense_format(DataType::bf16), ComputeType::bf16, ActivationMode::rounded, false};
  workload.operations = {{OperationShape::Kind::head, {head}}};
  const auto held = [&] { return backend->ledger().current()[MemoryTag::workspace]; };
  const auto forecast = [&] { return backend->description().workspace_bytes(workload, "", 1); };
  ASSERT_TRUE(backend->reserve(workload).has_value());
  const std::int64_t large = held();
  EXPECT_EQ(large, forecast());
  workload.batch_rows = 8;
  ASSERT_TRUE(backend->reserve(workload).has_value());
  EXPECT_LT(held(), large);
  EXPECT_EQ(held(), forecast());
}

}  // namespace
}  // namespace quantscope::testing
