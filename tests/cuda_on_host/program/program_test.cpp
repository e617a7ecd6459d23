// SPDX-License-Identifier: GPL-3.0-or-later
#include <dlfcn.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/experiment/devices.h"
#include "core/experiment/runner.h"
#include "tests/cli/shell.h"
#include "tests/support/loaded_model.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_study.h"

namespace quantscope {
namespace {

using testing::value_of;

/// The machine inside the plug-in that the program opened.
class PluginState {
 public:
  PluginState() : library_(dlopen(CUDA_ON_HOST_PLUGIN, RTLD_NOW | RTLD_NOLOAD)) {}
  std::string report() const { return function<const char*()>("cuda_on_host_report")(); }
  std::size_t allocated() const { return function<std::size_t()>("cuda_on_host_allocated")(); }
  bool open() const { return library_ != nullptr; }

 private:
  template <class Function>
  Function* function(const char* name) const {
    return reinterpret_cast<Function*>(dlsym(library_, name));
  }
  void* library_;
};

/// Whole experiments on the CUDA device, opened as the program opens it.
class CudaProgram : public ::testing::Test {
 protected:
  ~CudaProgram() override {
    const PluginState state;
    if (!state.open()) return;
    EXPECT_EQ(state.report(), "");
    EXPECT_EQ(state.allocated(), 0U);
  }

  /// A story, and a window of perplexity and KL divergence each.
  RunRequest request(const std::string& configuration) const {
    RunRequest request = study_.request(configuration);
    request.tasks[0].last_story = 1;
    request.tasks[1].last_chunk = 1;
    RunRequest kl = study_.kl_request(configuration, "fp32");
    kl.tasks[0].last_chunk = 1;
    request.tasks.push_back(kl.tasks[0]);
    return request;
  }

  RunResult run(const std::string& configuration) {
    Runner runner(ResourcePaths::locate());
    RunResult result = value_of(runner.run(request(configuration), {}, {}));
    EXPECT_EQ(result.state, RunState::finished) << (result.error ? result.error->message : "");
    return result;
  }

  testing::TemporaryFolder folder_;
  testing::TinyStudy study_{folder_.path() / "study", 1};
};

TEST_F(CudaProgram, ARunTakesTheGpuAndMeasuresWhatItForecastAndWhatTheCpuMeasures) {
  const RunResult on_gpu = run("nf4-dq");
  EXPECT_EQ(on_gpu.resolved.settings.device, "cuda:0");
  EXPECT_EQ(on_gpu.provenance.dispatch_level, "sm_90");
  for (std::size_t tag = 0; tag < memory_tag_count; ++tag)
    EXPECT_EQ(on_gpu.measured.bytes[tag], on_gpu.resolved.forecast.bytes[tag])
        << memory_tag_name(static_cast<MemoryTag>(tag));

  const RunResult on_cpu = run("nf4-dq:device=cpu");
  EXPECT_EQ(on_gpu.resolved.forecast.weights(), on_cpu.resolved.forecast.weights());
  ASSERT_TRUE(on_gpu.qa && on_gpu.perplexity && on_gpu.kl);
  EXPECT_EQ(on_gpu.qa->answers.size(), on_cpu.qa->answers.size());
  // BF16 rounds a random model's logits of up to some dozens to eighths.
  const auto nll = [](const RunResult& result) { return std::log(result.perplexity->result.perplexity); };
  EXPECT_NEAR(nll(on_gpu), nll(on_cpu), 0.02);
  EXPECT_NEAR(on_gpu.kl->result.divergence.mean, on_cpu.kl->result.divergence.mean, 2e-3);
}

TEST_F(CudaProgram, TheCommandLineRunsOnIt) {
  const testing::Outcome outcome = testing::run_shell(
      fmt::format("{} evaluate {} nf4:device=cuda:0 --task coqa --data {} --json 2>/dev/null", QUANTSCOPE_CLI,
                  (study_.folder() / "model").string(), study_.file("questions.json").string()));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.output;
  EXPECT_THAT(outcome.output, ::testing::HasSubstr("cuda:0"));
  EXPECT_FALSE(nlohmann::json::parse(outcome.output, nullptr, false).is_discarded());
}

}  // namespace
}  // namespace quantscope
