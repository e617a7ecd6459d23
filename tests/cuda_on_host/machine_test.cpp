// SPDX-License-Identifier: GPL-3.0-or-later
#include <gmock/gmock.h>

#include "core/model/generate.h"
#include "kernels/plugin/backend_plugin.h"
#include "tests/cuda_on_host/gpu_test.h"
#include "tests/kernels/attention_scene.h"
#include "tests/support/loaded_model.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"

extern "C" const quantscope::BackendPluginTable* quantscope_backend_plugin();

/// Machines without a driver, with little memory or with failing launches, which only the host can play.
namespace quantscope::testing {
namespace {
using ::testing::HasSubstr;

class CudaMachine : public GpuTest {};

TEST_F(CudaMachine, SaysWhyThereIsNoDevice) {
  const BackendPluginTable& table = *quantscope_backend_plugin();
  const auto reason = [&] {
    const auto devices = table.devices();
    EXPECT_EQ(devices.size(), 1U);
    EXPECT_EQ(devices[0].id, "cuda");
    EXPECT_EQ(table.create(0).error().message, devices[0].unavailable);
    return devices[0].unavailable;
  };
  cuda_on_host::machine().driver_version = 0;
  EXPECT_EQ(reason(), "No NVIDIA driver found.");
  cuda_on_host::machine().driver_version = 12040;
  EXPECT_THAT(reason(), HasSubstr("CUDA 12.4"));
  cuda_on_host::machine().driver_version = 13000;
  cuda_on_host::machine().devices = 0;
  EXPECT_EQ(reason(), "No NVIDIA GPU found.");
}

TEST_F(CudaMachine, DescribesEveryGpu) {
  cuda_on_host::machine().devices = 2;
  const auto devices = quantscope_backend_plugin()->devices();
  ASSERT_EQ(devices.size(), 2U);
  EXPECT_EQ(devices[1].id, "cuda:1");
  EXPECT_EQ(devices[1].name, "Host GPU 1");
  EXPECT_EQ(devices[1].dispatch_level, "sm_90");
  EXPECT_EQ(devices[1].memory_total, std::int64_t{1} << 30);
  EXPECT_FALSE(cuda::CudaBackend::create(2).has_value());
  EXPECT_FALSE(cuda::CudaBackend::create(-1).has_value());
  cuda_on_host::machine().compute_capability = 61;
  EXPECT_THAT(quantscope_backend_plugin()->devices()[0].unavailable, HasSubstr("6.1"));
  EXPECT_FALSE(cuda::CudaBackend::create(0).has_value());
}

TEST_F(CudaMachine, OldGpusFormAttentionOfPromptsRowByRow) {
  const AttentionScene scene({2, 1, 64, 32, DataType::bf16}, 20);
  const auto row_by_row = scene.run(*create_gpu(), {15, 20});
  EXPECT_NE(scene.run(*create_gpu(), {20}), row_by_row);
  cuda_on_host::machine().compute_capability = 75;
  EXPECT_EQ(scene.run(*create_gpu(), {20}), row_by_row);
}

TEST_F(CudaMachine, TooLittleMemoryIsAnErrorThatNamesTheSize) {
  cuda_on_host::machine().memory = (std::size_t{32} << 20) + 100'000;  // beside the workspace of cuBLAS
  const auto backend = create_gpu();
  const auto buffer = backend->create_buffer(1000, 100);
  ASSERT_FALSE(buffer.has_value());
  EXPECT_EQ(buffer.error().code, ErrorCode::out_of_memory);
  EXPECT_THAT(buffer.error().message, HasSubstr("400000 bytes of workspace"));
  EXPECT_FALSE(backend->create_kv({1, 1, 64, 32, 100, DataType::fp32}).has_value());
  EXPECT_TRUE(backend->create_buffer(10, 100).has_value());
}

TEST_F(CudaMachine, AFailedLaunchShowsWhenTheDeviceIsWaitedFor) {
  const auto backend = create_gpu();
  const auto weight = create_weight(*backend, random_values(64, 1), 8, 8, dense_format(DataType::fp32));
  const auto buffer = create_filled(*backend, random_values(8, 2), 1);
  Linear linear;
  linear.weight = weight.get();
  cuda_on_host::machine().launches_until_failure = 0;
  const auto done =
      backend->linear_add(*buffer, 1, linear, *buffer, nullptr).and_then([&] { return backend->synchronize(); });
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().code, ErrorCode::device);
  EXPECT_THAT(done.error().message, HasSubstr("launch failure"));
}

TEST_F(CudaMachine, AStepOfGenerationHasSixKernelsPerLayer) {
  const TemporaryFolder folder;
  write_tiny_model(folder.path());
  LoadedModel cpu = LoadedModel::load(folder.path(), "nf4-dq:kv=bf16", 512, 64);
  const auto backend = create_gpu();
  const auto model = value_of(Model::load(*cpu.checkpoint, cpu.resolved.plan, *backend, {}, {}));
  const auto decoder = value_of(Decoder::create(*model, cpu.resolved.plan.kv_type, 512, 64));
  auto sequence = decoder->new_sequence();
  // Enough positions for attention to share them among blocks.
  ASSERT_TRUE(decoder->append(sequence, std::vector<std::int32_t>(300, 1)).has_value());
  const std::int32_t id = 2;
  Decoder::Sequence* const one = &sequence;
  for (int step = 0; step < 4; ++step) {  // as they come, recorded and replayed
    ASSERT_TRUE(backend->synchronize().has_value());
    const std::size_t before = cuda_on_host::machine().launches;
    ASSERT_TRUE(decoder->step({&one, 1}, {&id, 1}).has_value());
    ASSERT_TRUE(backend->synchronize().has_value());
    const std::size_t of_layers = cuda_on_host::machine().launches - before - 1;  // the embedding
    EXPECT_EQ(of_layers, 6 * static_cast<std::size_t>(cpu.checkpoint->model().layers)) << "step " << step;
  }
}

TEST_F(CudaMachine, TheLedgerKnowsEveryByteOfTheDevice) {
  const auto backend = create_gpu();
  const auto weight =
      create_weight(*backend, random_values(100 * 576, 1), 100, 576, block_format(DataType::nf4, 64, true));
  const auto kv = backend->create_kv({3, 2, 16, 32, 5, DataType::fp16});
  ASSERT_TRUE(backend->synchronize().has_value());  // memory comes back in the order of the queue
  const std::int64_t held = backend->ledger().current().total();
  EXPECT_EQ(backend->description().memory_free, (std::int64_t{1} << 30) - held);
  EXPECT_GT(static_cast<std::int64_t>(cuda_on_host::machine().allocated), held) << "the pool keeps nothing";
}

TEST_F(CudaMachine, WhatThePoolKeepsGoesBackWhenMemoryIsReserved) {
  const auto backend = create_gpu();
  { const auto large = backend->create_buffer(1000, 1000); }
  Workload workload;
  workload.batch_rows = 8;
  workload.context = workload.page_tokens = 32;
  workload.heads = workload.kv_heads = 1;
  workload.head_dim = 64;
  ASSERT_TRUE(backend->reserve(workload).has_value());
  EXPECT_EQ(static_cast<std::int64_t>(cuda_on_host::machine().allocated), backend->ledger().current().total());
}

TEST_F(CudaMachine, WhatThePoolKeepsIsGivenBackBeforeMemoryRunsOut) {
  const auto backend = create_gpu();
  { const auto gone = backend->create_buffer(1000, 1000); }
  // Others on this GPU leave a megabyte.
  cuda_on_host::machine().memory = cuda_on_host::machine().allocated + (std::size_t{1} << 20);
  EXPECT_TRUE(backend->create_buffer(1100, 1000).has_value());
  EXPECT_FALSE(backend->create_buffer(2000, 1000).has_value());
}

TEST_F(CudaMachine, RunsWithoutMemoryPools) {
  cuda_on_host::machine().has_memory_pools = false;
  const auto backend = create_gpu();
  { const auto gone = backend->create_buffer(1000, 1000); }
  const std::int64_t held = backend->ledger().current().total();
  EXPECT_EQ(static_cast<std::int64_t>(cuda_on_host::machine().allocated), held);
  EXPECT_EQ(backend->description().memory_free, (std::int64_t{1} << 30) - held);
}

}  // namespace
}  // namespace quantscope::testing
