// SPDX-License-Identifier: GPL-3.0-or-later
#include <gtest/gtest.h>

#include "core/evaluate/speed.h"
#include "kernels/cpu/memory_bandwidth.h"
#include "tests/support/loaded_model.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"

namespace quantscope {
namespace {

using testing::LoadedModel;
using testing::value_of;

TEST(SpeedResult, AStepReadsEveryWeightOnceAndTheCache) {
  const testing::TemporaryFolder folder;
  testing::write_tiny_model(folder.path());
  for (const char* configuration : {"fp32", "nf4-dq"}) {
    const LoadedModel loaded = LoadedModel::load(folder.path(), configuration, 64);
    const ModelDescription& model = loaded.model->description();
    const MemoryRows held = loaded.backend->ledger().current();
    const SpeedOptions options{16, 8, 1};
    const std::int64_t read_weights = held.weights() - (model.tied_head ? 0 : held[MemoryTag::embedding]);
    const std::int64_t cache = held[MemoryTag::kv_cache] / 64 * (16 + 4);
    EXPECT_EQ(bytes_per_generated_token(*loaded.decoder, options), read_weights + cache) << configuration;
  }
}

TEST(SpeedResult, ItsShareOfTheBandwidthFollowsFromItsRate) {
  SpeedResult speed;
  speed.generation_tokens_per_second = {10, 8, 12};
  speed.bytes_per_token = 100;
  EXPECT_EQ(speed.bandwidth_share().median, 0);  // not measured
  speed.memory_bandwidth = 2000;
  EXPECT_DOUBLE_EQ(speed.bandwidth_share().median, 0.5);
  EXPECT_DOUBLE_EQ(speed.bandwidth_share().minimum, 0.4);
  EXPECT_DOUBLE_EQ(speed.bandwidth_share().maximum, 0.6);
}

TEST(MemoryBandwidth, IsMeasuredAndCanBeStopped) {
  for (const int threads : {2, 3}) EXPECT_GT(value_of(measure_read_bandwidth(threads, {})), 1e8) << threads;
  std::stop_source stop;
  stop.request_stop();
  const auto stopped = measure_read_bandwidth(1, stop.get_token());
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, ErrorCode::cancelled);
}

}  // namespace
}  // namespace quantscope
