// SPDX-License-Identifier: GPL-3.0-or-later
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <nlohmann/json.hpp>
#include <thread>

#include "core/experiment/runner.h"
#include "core/report/run_json.h"
#include "core/workspace/workspace.h"
#include "tests/support/loaded_model.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_study.h"

namespace quantscope {
namespace {

using nlohmann::json;
using testing::TemporaryFolder;
using testing::TinyStudy;
using testing::value_of;
namespace fs = std::filesystem;

/// Sessions run in processes of their own; this one starts no thread, so that it can fork.
class KilledRun : public ::testing::Test {
 protected:
  fs::path file(const std::string& name) const { return study_.file(name + ".quantscope"); }

  /// Runs what the workspace does not hold yet, in a child. With `kill_at` > 0 the child kills itself at that call of
  /// an observer.
  pid_t start(const fs::path& path, int kill_at = 0) const {
    const pid_t child = ::fork();
    if (child != 0) return child;
    int calls = 0;
    const auto count = [&] {
      if (++calls == kill_at) ::kill(::getpid(), SIGKILL);
    };
    RunObserver observer;
    observer.progress = [&](const Progress&) { count(); };
    observer.resolved = [&](const Resolved&) { count(); };
    observer.loaded = [&](const RunResult&) { count(); };
    observer.answer = [&](const QaAnswer&) { count(); };
    observer.chunk = [&](const PerplexityChunk&) { count(); };
    observer.kl_chunk = [&](const KlChunk&) { count(); };
    auto workspace = Workspace::open(path, FileAccess::write);
    if (!workspace) ::_exit(2);
    Runner runner(ResourcePaths::locate());
    const auto store = (*workspace)->store();
    const auto result = runner.run(request_, observer, {}, store.get());
    ::_exit(result && result->state == RunState::finished ? 0 : 3);
  }

  /// True when the child finished its work, false when it was killed.
  static bool finished(pid_t child) {
    int status = 0;
    ::waitpid(child, &status, 0);
    if (WIFSIGNALED(status)) {
      EXPECT_EQ(WTERMSIG(status), SIGKILL);
      return false;
    }
    EXPECT_EQ(WEXITSTATUS(status), 0);
    return true;
  }

  /// The numbers of the only run: all but times, and the memory that computing needed on the way.
  static json numbers(const fs::path& path) {
    const auto results = value_of(value_of(Workspace::open(path, FileAccess::read))->results());
    EXPECT_EQ(results.size(), 1U);
    json run = json::parse(to_json(results.front()));
    for (const char* field : {"load_seconds", "peak_resident_bytes"}) run.erase(field);
    run.at("provenance").erase("started");
    for (const char* field : {"workspace", "total"}) run.at("measured").erase(field);
    for (const char* task : {"coqa", "perplexity", "kl"})
      if (run.contains(task))
        for (const char* field : {"seconds", "base_seconds"}) run.at(task).erase(field);
    if (run.contains("coqa"))
      for (json& item : run.at("coqa").at("items")) item.erase("computed_tokens");
    return run;
  }

  TemporaryFolder folder_;
  TinyStudy study_{folder_.path() / "study"};
  RunRequest request_ = study_.request("nf4");
};

TEST_F(KilledRun, GoesOnToTheSameNumbersWhereverItWasKilled) {
  EXPECT_TRUE(finished(start(file("whole"))));
  const json expected = numbers(file("whole"));
  ASSERT_EQ(expected.at("coqa").at("items").size(), 12U);
  ASSERT_EQ(expected.at("perplexity").at("chunks").size(), 6U);
  int kills = 0;
  for (int at = 1;; at += 4) {
    const fs::path path = file("killed" + std::to_string(at));
    if (finished(start(path, at))) break;
    ++kills;
    EXPECT_TRUE(finished(start(path)));
    EXPECT_EQ(numbers(path), expected) << "killed at call " << at;
  }
  EXPECT_GT(kills, 10);
}

TEST_F(KilledRun, GoesOnToTheSameDivergencesWhereverItWasKilled) {
  request_ = study_.kl_request("nf4");
  EXPECT_TRUE(finished(start(file("whole"))));
  const json expected = numbers(file("whole"));
  ASSERT_EQ(expected.at("kl").at("chunks").size(), 6U);
  ASSERT_GT(expected.at("kl").at("kl_median"), 0);
  int kills = 0;
  int windows_at_kill = 0;
  for (int at = 1;; at += 3) {
    const fs::path path = file("killed" + std::to_string(at));
    if (finished(start(path, at))) break;
    ++kills;
    const auto left = value_of(value_of(Workspace::open(path, FileAccess::write))->results());
    windows_at_kill += !left.empty() && left.front().kl ? static_cast<int>(left.front().kl->result.chunks.size()) : 0;
    EXPECT_TRUE(finished(start(path)));
    EXPECT_EQ(numbers(path), expected) << "killed at call " << at;
  }
  EXPECT_GT(kills, 10);
  EXPECT_GT(windows_at_kill, 5);
}

TEST_F(KilledRun, EndsAfterManyKillsAtAnyTime) {
  EXPECT_TRUE(finished(start(file("whole"))));
  const json expected = numbers(file("whole"));
  // Each attempt lives a little longer than the one before, so that the last ones come through; a kill may fall into
  // the middle of a write.
  int kills = 0;
  for (int attempt = 0; attempt < 400; ++attempt) {
    const pid_t child = start(file("killed"));
    std::this_thread::sleep_for(std::chrono::microseconds(1000 + 4000 * attempt));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    if (!WIFSIGNALED(status)) break;
    ++kills;
  }
  EXPECT_GT(kills, 3);
  EXPECT_TRUE(finished(start(file("killed"))));
  EXPECT_EQ(numbers(file("killed")), expected);
}

}  // namespace
}  // namespace quantscope
