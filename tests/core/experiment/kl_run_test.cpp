// SPDX-License-Identifier: GPL-3.0-or-later
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/experiment/devices.h"
#include "core/experiment/runner.h"
#include "core/report/run_json.h"
#include "tests/support/loaded_model.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"

namespace quantscope {
namespace {

using ::testing::HasSubstr;
using testing::value_of;

/// The task kl through the Runner.
class KlRun : public ::testing::Test {
 protected:
  void SetUp() override {
    testing::write_tiny_model(folder_.path());
    std::string text;
    for (int i = 0; text.size() < 1700; ++i) text += "Sentence number " + std::to_string(i * i) + " of a short text. ";
    text_ = folder_.write("text.txt", text);
  }

  Task kl_task() const {
    Task task;
    task.kind = TaskKind::kl;
    task.data = text_.string();
    return task;
  }

  CompareRequest comparison(const std::vector<std::string>& names) const {
    CompareRequest request;
    request.model = folder_.path().string();
    for (const std::string& name : names) request.configurations.push_back(value_of(parse_configuration(name)));
    request.tasks = {kl_task()};
    return request;
  }

  static std::vector<double> divergences(const RunResult& run) {
    std::vector<double> values;
    for (const KlChunk& chunk : run.kl->result.chunks)
      for (const HeadPair& pair : chunk.tokens) values.push_back(pair.divergence);
    return values;
  }

  testing::TemporaryFolder folder_;
  std::filesystem::path text_;
};

TEST_F(KlRun, AComparisonTakesItsFirstConfigurationAsTheBaseAndComputesItOnce) {
  Runner runner(ResourcePaths::locate());
  std::vector<RunResult> runs;
  int chunks = 0;
  RunObserver observer;
  observer.kl_chunk = [&](const KlChunk& chunk) { chunks += chunk.tokens.size() == 255 ? 1 : 0; };
  for (const RunRequest& request : comparison({"fp32", "nf4", "int8"}).runs())
    runs.push_back(value_of(runner.run(request, observer, {})));
  EXPECT_EQ(chunks, 9);
  for (const RunResult& run : runs) {
    ASSERT_EQ(run.state, RunState::finished) << (run.error ? run.error->message : "");
    ASSERT_TRUE(run.kl);
    EXPECT_EQ(run.kl->result.scored, 3 * 255);
    EXPECT_THAT(run.kl->base, HasSubstr("fp32"));
  }
  EXPECT_EQ(KlResult::at(runs[0].kl->result.divergence_percentiles, 1), 0.0);
  EXPECT_GT(runs[1].kl->result.divergence.mean, runs[2].kl->result.divergence.mean);
  EXPECT_GT(runs[0].kl->base_seconds, 0);
  EXPECT_EQ(runs[1].kl->base_seconds, 0);
  // A runner that knows nothing yet comes to the same numbers.
  Runner fresh(ResourcePaths::locate());
  const RunResult again = value_of(fresh.run(runs[1].request, {}, {}));
  EXPECT_GT(again.kl->base_seconds, 0);
  EXPECT_EQ(divergences(again), divergences(runs[1]));
}

TEST_F(KlRun, PerplexityBesideItIsTheSame) {
  CompareRequest request = comparison({"bf16", "nf4-dq"});
  Task perplexity = kl_task();
  perplexity.kind = TaskKind::perplexity;
  request.tasks.push_back(perplexity);
  Runner runner(ResourcePaths::locate());
  const RunResult run = value_of(runner.run(request.runs().back(), {}, {}));
  ASSERT_TRUE(run.kl && run.perplexity);
  EXPECT_NEAR(run.kl->result.perplexity().value, run.perplexity->result.perplexity,
              1e-12 * run.perplexity->result.perplexity);
  EXPECT_NEAR(run.kl->result.perplexity().error, run.perplexity->result.perplexity_error,
              1e-12 * run.perplexity->result.perplexity);
}

TEST_F(KlRun, TheForecastCountsBothModels) {
  Runner runner(ResourcePaths::locate());
  const auto requests = comparison({"fp32", "nf4"}).runs();
  const RunResult run = value_of(runner.run(requests[1], {}, {}));
  ASSERT_TRUE(run.resolved.kl_base);
  const ResolvedKlBase& base = *run.resolved.kl_base;
  // The model's own weights are what they are without a base.
  for (const MemoryTag tag : {MemoryTag::codes, MemoryTag::scales, MemoryTag::embedding, MemoryTag::head,
                              MemoryTag::norms, MemoryTag::unquantized, MemoryTag::kv_cache})
    EXPECT_EQ(run.measured[tag], run.resolved.forecast[tag]) << memory_tag_name(tag);
  EXPECT_GT(run.measured[MemoryTag::workspace], base.kept_bytes);
  EXPECT_EQ(run.measured[MemoryTag::workspace], run.resolved.forecast[MemoryTag::workspace]);
  const std::int64_t states = std::int64_t{3} * 255 * 64 * 4;
  EXPECT_GT(base.kept_bytes, states);
  const RunResult alone = value_of(runner.run({requests[0].model, requests[0].settings, {}}, {}, {}));
  EXPECT_EQ(base.forecast.weights(), alone.measured.weights());
  EXPECT_EQ(base.kept_bytes, states + alone.measured[MemoryTag::embedding] + alone.measured[MemoryTag::head] + 64 * 4);
  EXPECT_THAT(run.resolved.reasons, ::testing::Contains(HasSubstr("KL base")));
  // A device on which the model fits and the base does not is warned about.
  DeviceDescription device = available_devices().front();
  device.memory_free = base.forecast.total() - 1;
  ResolveInput input{512};
  const auto checkpoint = value_of(runner.open(requests[1].model));
  EXPECT_THAT(resolve(requests[1].settings, checkpoint->model(), checkpoint->tensors(), device, input)->memory_warning,
              ::testing::IsEmpty());
  input.kl_base = KlBaseInput{requests[0].settings, 512, 765};
  EXPECT_THAT(resolve(requests[1].settings, checkpoint->model(), checkpoint->tensors(), device, input)->memory_warning,
              HasSubstr("free"));
}

TEST_F(KlRun, JsonReadsBackAsTheSameResult) {
  Runner runner(ResourcePaths::locate());
  const RunResult run = value_of(runner.run(comparison({"fp32", "fp4"}).runs().back(), {}, {}));
  const RunResult read = value_of(run_result_from_json(to_json(run)));
  EXPECT_EQ(to_json(read), to_json(run));
  ASSERT_TRUE(read.request.tasks.front().base);
  EXPECT_EQ(configuration_text(*read.request.tasks.front().base), "fp32");
}

TEST_F(KlRun, WhatCannotBeIsASentenceBeforeAnythingRuns) {
  Runner runner(ResourcePaths::locate());
  RunRequest no_base{folder_.path().string(), value_of(parse_configuration("nf4")), {kl_task()}};
  EXPECT_THAT(runner.run(no_base, {}, {}).error().message, HasSubstr("--base"));
  RunRequest impossible = no_base;
  impossible.tasks.front().base = value_of(parse_configuration("nf4:block=100"));
  const auto refused = runner.run(impossible, {}, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().where, "base");
  EXPECT_THAT(refused.error().message, HasSubstr("KL base"));
  RunRequest long_windows = no_base;
  long_windows.tasks.front().base = value_of(parse_configuration("fp32"));
  long_windows.tasks.front().protocol = "ppl-gptq-2048";
  EXPECT_FALSE(runner.run(long_windows, {}, {}));
}

TEST_F(KlRun, AStopKeepsWindowsAndTheNextRunGoesOn) {
  Runner runner(ResourcePaths::locate());
  const auto request = comparison({"fp32", "nf4"}).runs().back();
  std::stop_source stop;
  RunObserver observer;
  observer.kl_chunk = [&](const KlChunk&) { stop.request_stop(); };
  const RunResult stopped = value_of(runner.run(request, observer, stop.get_token()));
  EXPECT_EQ(stopped.state, RunState::stopped);
  ASSERT_TRUE(stopped.kl);
  EXPECT_EQ(stopped.kl->result.chunks.size(), 1U);
  const RunResult next = value_of(runner.run(request, {}, {}));
  EXPECT_EQ(next.state, RunState::finished);
  EXPECT_EQ(next.kl->result.chunks.size(), 3U);
}

}  // namespace
}  // namespace quantscope
