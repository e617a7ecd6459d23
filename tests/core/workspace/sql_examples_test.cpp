// SPDX-License-Identifier: GPL-3.0-or-later
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "core/experiment/runner.h"
#include "core/workspace/workspace.h"
#include "tests/support/loaded_model.h"
#include "tests/support/reference_data.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_study.h"

namespace quantscope {
namespace {

using testing::value_of;
using Table = std::vector<std::vector<std::string>>;

/// The queries of the workspace's README, in order.
std::vector<std::string> documented_queries() {
  std::ifstream file(testing::source_folder() / "core/workspace/README.md");
  std::vector<std::string> queries;
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("```")) {
      inside = line == "```sql";
      if (inside) queries.emplace_back();
    } else if (inside) {
      queries.back() += line + "\n";
    }
  }
  return queries;
}

/// Two runs in a file, asked as any other program would ask.
class SqlExamples : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string file = study_.file("study.quantscope").string();
    auto workspace = value_of(Workspace::open(file, FileAccess::write));
    Runner runner(ResourcePaths::locate());
    for (const char* configuration : {"fp32", "nf4"}) {
      const auto store = workspace->store();
      RunRequest request = study_.request(configuration);
      request.tasks.push_back(study_.kl_request(configuration, "bf16").tasks.front());
      results_.push_back(value_of(runner.run(request, {}, {}, store.get())));
    }
    // The tiny model answers nothing right; one answer is, so that one flips.
    ASSERT_EQ(sqlite3_open(file.c_str(), &database_), SQLITE_OK);
    ask("UPDATE answer SET em_lm_eval = 1 WHERE evaluation_id = 1 AND story_index = 2 AND question_index = 1");
  }
  void TearDown() override { sqlite3_close(database_); }

  Table ask(const std::string& query) {
    Table table;
    const auto take = [](void* rows, int count, char** values, char**) {
      auto& row = static_cast<Table*>(rows)->emplace_back();
      for (int i = 0; i < count; ++i) row.emplace_back(values[i] == nullptr ? "" : values[i]);
      return 0;
    };
    char* message = nullptr;
    EXPECT_EQ(sqlite3_exec(database_, query.c_str(), take, &table, &message), SQLITE_OK) << message << "\n" << query;
    sqlite3_free(message);
    return table;
  }

  testing::TemporaryFolder folder_;
  testing::TinyStudy study_{folder_.path() / "study"};
  std::vector<RunResult> results_;
  sqlite3* database_ = nullptr;
};

TEST_F(SqlExamples, OfTheReadmeGiveTheNumbersOfTheResults) {
  const auto queries = documented_queries();
  ASSERT_EQ(queries.size(), 4U);
  const Table scores = ask(queries[0]);
  ASSERT_EQ(scores.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(scores[i][0], i == 0 ? "fp32" : "nf4");
    EXPECT_EQ(scores[i][2], "12");
    EXPECT_NEAR(std::stod(scores[i][3]), results_[i].qa->f1(Scorer::lm_eval).mean, 1e-4);
    EXPECT_NEAR(std::stod(scores[i][4]) * 1048576, static_cast<double>(results_[i].measured.weights()), 1);
  }
  const Table flips = ask(queries[1]);
  ASSERT_EQ(flips.size(), 1U);
  EXPECT_EQ(flips[0][0], "story2");
  EXPECT_EQ(flips[0][1], "2");
  EXPECT_EQ(flips[0][4], R"(["Lily and Tom"])");
  const Table perplexities = ask(queries[2]);
  ASSERT_EQ(perplexities.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i)
    EXPECT_NEAR(std::stod(perplexities[i][2]), results_[i].perplexity->result.perplexity, 1e-6);
  EXPECT_FALSE(perplexities[1][3].empty());
  const Table divergences = ask(queries[3]);
  ASSERT_EQ(divergences.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    const KlResult& kl = results_[i].kl->result;
    EXPECT_EQ(divergences[i][1], results_[i].kl->base);
    EXPECT_EQ(divergences[i][2], "1530");
    EXPECT_NEAR(std::stod(divergences[i][3]), kl.divergence.mean, 1e-9);
    EXPECT_NEAR(std::stod(divergences[i][4]), kl.perplexity_ratio().value, 1e-6);
    const auto mean = [](const KlChunk& chunk) { return chunk.kl_sum / static_cast<double>(chunk.scored); };
    EXPECT_EQ(divergences[i][5], std::to_string(std::ranges::max_element(kl.chunks, {}, mean)->index));
  }
}

}  // namespace
}  // namespace quantscope
