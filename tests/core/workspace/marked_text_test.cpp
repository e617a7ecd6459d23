// SPDX-License-Identifier: GPL-3.0-or-later
// Windows that a version of the program measured which took a byte order mark for text.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "core/evaluate/perplexity.h"
#include "core/experiment/compare_runs.h"
#include "core/experiment/file_hash.h"
#include "core/experiment/recorded_inputs.h"
#include "core/experiment/runner.h"
#include "core/workspace/workspace.h"
#include "tests/support/loaded_model.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_study.h"

namespace quantscope {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::value_of;

class WindowsOfAMarkedText : public ::testing::Test {
 protected:
  WindowsOfAMarkedText() {
    request_.tasks.erase(request_.tasks.begin());  // the text alone
    std::ifstream plain(text_);
    const std::string text{std::istreambuf_iterator<char>(plain), {}};
    std::ofstream(text_, std::ios::binary) << "\xEF\xBB\xBF" << text;
  }

  /// Windows of that text with likelihoods that no model here gives, under this hash.
  RunResult stored_windows(Workspace& workspace, const std::string& hash) {
    RunResult run = value_of(runner_.run(request_, {}, {}));
    auto chunks = run.perplexity->result.chunks;
    for (PerplexityChunk& chunk : chunks) chunk.nll_sum = 1;
    run.perplexity->result = summarize_perplexity(chunks, run.perplexity->result.tokens);
    run.perplexity->text_hash = hash;
    EXPECT_TRUE(workspace.add(run));
    return run;
  }

  RunResult run(Workspace& workspace) {
    const auto store = workspace.store();
    return value_of(runner_.run(request_, {}, {}, store.get()));
  }

  testing::TemporaryFolder folder_;
  testing::TinyStudy study_{folder_.path() / "study"};
  std::filesystem::path text_ = study_.file("text.txt");
  RunRequest request_ = study_.request("nf4");
  Runner runner_{ResourcePaths::locate()};
  std::unique_ptr<Workspace> workspace_ = value_of(Workspace::open(study_.file("study.quantscope"), FileAccess::write));
};

TEST_F(WindowsOfAMarkedText, ReadWithTheMarkAreNotPooledWithThoseReadWithout) {
  const RunResult before = stored_windows(*workspace_, value_of(hash_file(text_)));
  const RunResult now = run(*workspace_);
  ASSERT_EQ(now.perplexity->result.chunks.size(), 6U);
  for (const PerplexityChunk& chunk : now.perplexity->result.chunks) EXPECT_GT(chunk.nll_sum, 100);
  EXPECT_EQ(value_of(workspace_->results()).size(), 2U);
  const auto compared = compare_perplexities(before, now);
  ASSERT_FALSE(compared);
  EXPECT_THAT(compared.error().message, HasSubstr("different texts"));
}

TEST_F(WindowsOfAMarkedText, OfTheSameTokensArePooled) {
  std::ifstream file(text_, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  stored_windows(*workspace_, hash_bytes(std::string_view(bytes).substr(3)));
  const RunResult pooled = run(*workspace_);
  ASSERT_EQ(pooled.perplexity->result.chunks.size(), 6U);
  for (const PerplexityChunk& chunk : pooled.perplexity->result.chunks) EXPECT_EQ(chunk.nll_sum, 1);
}

TEST_F(WindowsOfAMarkedText, AreOfAnUnchangedFile) {
  const std::vector<RunResult> runs = {value_of(runner_.run(request_, {}, {}))};
  EXPECT_THAT(value_of(changed_inputs(runs, ResourcePaths::locate())), IsEmpty());
  std::ofstream(text_, std::ios::app) << "x";
  EXPECT_EQ(value_of(changed_inputs(runs, ResourcePaths::locate())).size(), 1U);
}

}  // namespace
}  // namespace quantscope
