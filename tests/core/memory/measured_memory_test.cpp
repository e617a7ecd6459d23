// SPDX-License-Identifier: GPL-3.0-or-later
#include <gtest/gtest.h>

#include <vector>

#include "core/experiment/runner.h"
#include "tests/core/memory/allocation_counter.h"
#include "tests/support/loaded_model.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_study.h"

namespace quantscope {
namespace {

using testing::value_of;

/// The forecast, the ledger and what the allocator hands out, side by side, while a model answers questions and reads a
/// text.
class MeasuredMemory : public ::testing::TestWithParam<const char*> {
 protected:
  RunRequest request() const {
    RunRequest request = study_.request(GetParam());
    Task divergence = request.tasks.back();
    divergence.kind = TaskKind::kl;
    divergence.base = value_of(parse_configuration("bf16"));
    request.tasks.push_back(divergence);
    request.settings.threads = 3;
    return request;
  }

  testing::TemporaryFolder folder_;
  testing::TinyStudy study_{folder_.path() / "study"};
};

TEST_P(MeasuredMemory, IsTheForecastOfEveryRow) {
  Runner runner(ResourcePaths::locate());
  const RunResult run = value_of(runner.run(request(), {}, {}));
  ASSERT_EQ(run.state, RunState::finished) << (run.error ? run.error->message : "");
  for (std::size_t tag = 0; tag < memory_tag_count; ++tag)
    EXPECT_EQ(run.measured.bytes[tag], run.resolved.forecast.bytes[tag])
        << memory_tag_name(static_cast<MemoryTag>(tag));
}

TEST_P(MeasuredMemory, IsWhatTheAllocatorHandsOut) {
  const testing::HeldMemory before = testing::held_memory();
  Runner runner(ResourcePaths::locate());
  testing::HeldMemory loaded;
  RunObserver observer;
  observer.loaded = [&](const RunResult&) {
    testing::reset_peak_memory();
    loaded = testing::held_memory();
  };
  const RunResult run = value_of(runner.run(request(), observer, {}));
  ASSERT_EQ(run.state, RunState::finished) << (run.error ? run.error->message : "");
  const testing::HeldMemory peak = testing::peak_memory();
  EXPECT_EQ(peak.aligned - before.aligned, run.resolved.forecast.total());
  // Everything outside of the ledger: token ids, answers, results of each scored token; nothing of a model's size.
  EXPECT_LT(peak.other - loaded.other, 1 << 20);
}

INSTANTIATE_TEST_SUITE_P(Configurations, MeasuredMemory,
                         ::testing::Values("fp32", "fp16", "bf16", "int8", "int8-weight", "int4", "nf4", "nf4-dq",
                                           "fp4:compute=fp32", "nf4:block=4096", "nf4:scope=all", "nf4:simd=scalar"),
                         [](const auto& configuration) {
                           std::string name = configuration.param;
                           for (char& letter : name)
                             if (std::isalnum(static_cast<unsigned char>(letter)) == 0) letter = '_';
                           return name;
                         });

/// A configuration that follows another one in the same process is measured as if it were alone.
TEST(MeasuredMemoryOfASeries, IsThatOfEachRunAlone) {
  const testing::TemporaryFolder folder;
  const testing::TinyStudy study(folder.path() / "study");
  Runner runner(ResourcePaths::locate());
  for (const char* name : {"fp32", "int8", "nf4-dq", "bf16"}) {
    const RunResult run = value_of(runner.run(study.request(name), {}, {}));
    EXPECT_EQ(run.measured.total(), run.resolved.forecast.total()) << name;
  }
}

TEST(MeasuredMemoryOfASeries, TheProcessPeakIsThatOfTheRunAlone) {
  const testing::TemporaryFolder folder;
  const testing::TinyStudy study(folder.path() / "study");
  Runner runner(ResourcePaths::locate());
  constexpr std::size_t large = 512U << 20;
  { std::vector<char> earlier(large, 1); }  // written to, and gone before the run
  const RunResult run = value_of(runner.run(study.request("nf4"), {}, {}));
  EXPECT_GT(run.peak_resident_bytes, run.measured.total());
  EXPECT_LT(run.peak_resident_bytes, std::int64_t{large});
}

}  // namespace
}  // namespace quantscope
