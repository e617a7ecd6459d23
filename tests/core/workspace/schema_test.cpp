// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/workspace/schema.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <utility>

#include "core/workspace/workspace.h"
#include "tests/support/loaded_model.h"
#include "tests/support/reference_data.h"
#include "tests/support/temporary_folder.h"

namespace quantscope {
namespace {

using ::testing::HasSubstr;
using testing::value_of;
namespace fs = std::filesystem;

class WorkspaceFile : public ::testing::Test {
 protected:
  Database database() const { return value_of(Database::open(file_, FileAccess::write)); }
  Error refusal(FileAccess access = FileAccess::write) const {
    const auto opened = Workspace::open(file_, access);
    EXPECT_FALSE(opened);
    return opened ? Error{} : opened.error();
  }
  std::string bytes() const {
    std::ifstream file(file_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  testing::TemporaryFolder folder_;
  fs::path file_ = folder_.path() / "study.quantscope";
};

TEST_F(WorkspaceFile, IsMadeOnceAndOpensAgain) {
  ASSERT_TRUE(Workspace::open(file_, FileAccess::write));
  ASSERT_TRUE(Workspace::open(file_, FileAccess::write));
  ASSERT_TRUE(Workspace::open(file_, FileAccess::read));
  EXPECT_EQ(value_of(database().integer("PRAGMA user_version")), std::int64_t(schema_steps().size()));
  EXPECT_EQ(value_of(database().integer("PRAGMA application_id")), workspace_application_id);
  std::string mode;
  ASSERT_TRUE(database().each("PRAGMA journal_mode", {}, [&](Row& row) { mode = row.text(); }));
  EXPECT_EQ(mode, "wal");
}

TEST_F(WorkspaceFile, ThatIsMissingIsNotMadeByReading) {
  EXPECT_EQ(refusal(FileAccess::read).code, ErrorCode::not_found);
  EXPECT_FALSE(fs::exists(file_));
}

TEST_F(WorkspaceFile, OfAnotherProgramIsRefusedAndLeftAlone) {
  ASSERT_TRUE(database().script("CREATE TABLE run (id INTEGER); INSERT INTO run VALUES (5)"));
  const std::string before = bytes();
  EXPECT_THAT(refusal().message, HasSubstr("another program"));
  EXPECT_EQ(bytes(), before);
}

TEST_F(WorkspaceFile, ThatIsNoDatabaseIsRefusedAndLeftAlone) {
  const std::string text(5000, 'x');
  std::ofstream(file_) << text;
  EXPECT_EQ(refusal().code, ErrorCode::corrupt_file);
  EXPECT_EQ(bytes(), text);
  EXPECT_EQ(refusal(FileAccess::read).code, ErrorCode::corrupt_file);
}

TEST_F(WorkspaceFile, OfANewerVersionIsRefused) {
  ASSERT_TRUE(Workspace::open(file_, FileAccess::write));
  ASSERT_TRUE(database().script("PRAGMA user_version = 99"));
  EXPECT_THAT(refusal().message, HasSubstr("schema 99"));
  EXPECT_THAT(refusal(FileAccess::read).message, HasSubstr("newer version"));
}

TEST_F(WorkspaceFile, ThatIsDamagedIsRefused) {
  ASSERT_TRUE(Workspace::open(file_, FileAccess::write));
  ASSERT_TRUE(database().script("PRAGMA wal_checkpoint(TRUNCATE)"));
  const std::string whole = bytes();
  ASSERT_GT(whole.size(), 16'384U);
  for (const std::size_t at : {4096U, 8192U, 12'288U}) {
    std::string damaged = whole;
    for (std::size_t i = at; i < at + 2000; ++i) damaged[i] = static_cast<char>(i * 37);
    std::ofstream(file_, std::ios::binary) << damaged;
    EXPECT_EQ(refusal(FileAccess::read).code, ErrorCode::corrupt_file) << at;
  }
  std::ofstream(file_, std::ios::binary) << whole.substr(0, 9000);
  EXPECT_EQ(refusal(FileAccess::read).code, ErrorCode::corrupt_file);
}

TEST_F(WorkspaceFile, WithoutItsTablesIsASentence) {
  ASSERT_TRUE(Workspace::open(file_, FileAccess::write));
  ASSERT_TRUE(database().script("DROP TABLE chunk; DROP TABLE answer; DROP TABLE memory"));
  const auto workspace = value_of(Workspace::open(file_, FileAccess::write));
  RunResult result;
  result.request.settings = value_of(parse_configuration("nf4"));
  const auto added = workspace->add(result);
  ASSERT_FALSE(added);
  EXPECT_THAT(added.error().message, HasSubstr("does not hold what a workspace holds"));
}

TEST_F(WorkspaceFile, WhoseValuesAreNotInItsRowsIsRefused) {
  // Each row of a few bytes would be read as a text of 60 million, or of 500,000.
  const std::string computed = "GENERATED ALWAYS AS (printf('%.60000000c', 'x')) ";
  for (const std::string& document :
       {computed + "VIRTUAL", computed + "STORED", "DEFAULT '" + std::string(500'000, 'x') + "'"}) {
    fs::remove(file_);
    ASSERT_TRUE(Workspace::open(file_, FileAccess::write));
    const std::string table =
        "DROP TABLE request; CREATE TABLE request (id INTEGER PRIMARY KEY, model TEXT, configuration TEXT, document "
        "TEXT " +
        document + ")";
    ASSERT_TRUE(database().script(table.c_str()));
    for (const FileAccess access : {FileAccess::read, FileAccess::write})
      EXPECT_THAT(refusal(access).message, HasSubstr("columns that are computed or have long defaults"));
  }
}

TEST_F(WorkspaceFile, OfAnOlderSchemaIsBroughtUpToDateWithItsRows) {
  constexpr std::array<const char*, 1> first = {
      "CREATE TABLE note (text TEXT) STRICT; INSERT INTO note VALUES ('kept');"};
  constexpr std::array<const char*, 2> second = {first[0], "ALTER TABLE note ADD COLUMN author TEXT DEFAULT 'nobody';"};
  Database opened = database();
  ASSERT_TRUE(prepare_schema(opened, FileAccess::write, first));
  EXPECT_THAT(prepare_schema(opened, FileAccess::read, second).error().message, HasSubstr("older schema 1"));
  ASSERT_TRUE(prepare_schema(opened, FileAccess::write, second));
  EXPECT_EQ(value_of(opened.integer("SELECT count(*) FROM note WHERE text = 'kept' AND author = 'nobody'")), 1);
  EXPECT_EQ(value_of(opened.integer("PRAGMA user_version")), 2);
}

TEST_F(WorkspaceFile, WithCountsThatCountNothingIsRefused) {
  std::ifstream dump(testing::source_folder() / "tests/data/workspace/schema_1.sql");
  const std::string statements{std::istreambuf_iterator<char>(dump), {}};
  ASSERT_TRUE(database().script(statements.c_str()));
  const auto workspace = value_of(Workspace::open(file_, FileAccess::write));
  for (const auto& [table, column] : {std::pair("chunk", "scored_tokens"), std::pair("memory", "forecast_bytes"),
                                      std::pair("tensor", "row_count"), std::pair("run", "threads")}) {
    const auto store = [&](std::int64_t add) {
      return database().script(fmt::format("UPDATE {0} SET {1} = {1} + {2}", table, column, add).c_str());
    };
    for (const std::int64_t wrong : {std::int64_t{-1} << 61, std::int64_t{1} << 61}) {
      ASSERT_TRUE(store(wrong));
      const auto results = workspace->results();
      ASSERT_FALSE(results) << column;
      EXPECT_EQ(results.error().code, ErrorCode::corrupt_file);
      EXPECT_THAT(results.error().message, HasSubstr(fmt::format("the column {} counts nothing", column)));
      ASSERT_TRUE(store(-wrong));
    }
    EXPECT_TRUE(workspace->results()) << column;
  }
}

TEST_F(WorkspaceFile, OfVersionOneKeepsItsRowsAndTakesUpTheDivergencesItHadLost) {
  std::ifstream dump(testing::source_folder() / "tests/data/workspace/schema_1.sql");
  const std::string statements{std::istreambuf_iterator<char>(dump), {}};
  ASSERT_TRUE(database().script(statements.c_str()));
  EXPECT_THAT(refusal(FileAccess::read).message, HasSubstr("older schema 1"));
  const auto workspace = value_of(Workspace::open(file_, FileAccess::write));
  EXPECT_EQ(value_of(database().integer("PRAGMA user_version")), std::int64_t(schema_steps().size()));
  const auto runs = value_of(workspace->results());
  ASSERT_EQ(runs.size(), 2U);
  for (const RunResult& run : runs) {
    ASSERT_TRUE(run.perplexity);
    EXPECT_FALSE(run.kl);
    EXPECT_EQ(run.tensors.size(), 36U);
    EXPECT_EQ(run.state, RunState::stopped);
  }
  for (const RunResult& run : runs) {
    EXPECT_EQ(run.provenance.tokenizer, "");  // not known then
    EXPECT_EQ(run.perplexity->asked, 0);
  }
  EXPECT_NEAR(runs[0].perplexity->result.perplexity, 38.9631, 1e-4);
  EXPECT_NEAR(runs[1].perplexity->result.perplexity, 34.4422, 1e-4);
  EXPECT_EQ(value_of(workspace->unfinished()).size(), 2U);
}

TEST_F(WorkspaceFile, KeepsItsSchemaWhenAStepFails) {
  constexpr std::array<const char*, 1> first = {"CREATE TABLE note (text TEXT) STRICT;"};
  constexpr std::array<const char*, 2> broken = {first[0], "ALTER TABLE note ADD COLUMN author TEXT; NONSENSE;"};
  Database opened = database();
  ASSERT_TRUE(prepare_schema(opened, FileAccess::write, first));
  EXPECT_FALSE(prepare_schema(opened, FileAccess::write, broken));
  EXPECT_EQ(value_of(opened.integer("PRAGMA user_version")), 1);
  EXPECT_EQ(value_of(opened.integer("SELECT count(*) FROM pragma_table_info('note')")), 1);
}

TEST_F(WorkspaceFile, InAFolderThatIsMissingIsASentence) {
  const auto opened = Workspace::open(folder_.path() / "none" / "study.quantscope", FileAccess::write);
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().message, HasSubstr("study.quantscope"));
  EXPECT_FALSE(Workspace::open(folder_.path(), FileAccess::write));
}

}  // namespace
}  // namespace quantscope
