// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/workspace/workspace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <csignal>
#include <fstream>
#include <limits>

#include "core/experiment/runner.h"
#include "core/report/run_json.h"
#include "core/workspace/result_key.h"
#include "tests/support/loaded_model.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_study.h"

namespace quantscope {
namespace {

using ::testing::HasSubstr;
using testing::TemporaryFolder;
using testing::TinyStudy;
using testing::value_of;
namespace fs = std::filesystem;

class WorkspaceOfTinyModel : public ::testing::Test {
 protected:
  std::unique_ptr<Workspace> open(FileAccess access = FileAccess::write) const {
    return value_of(Workspace::open(study_.file("study.quantscope"), access));
  }

  RunResult run(Workspace& workspace, const RunRequest& request, int* computed = nullptr) {
    const auto store = workspace.store();
    RunObserver observer;
    observer.progress = [&](const Progress& progress) {
      if (computed != nullptr && progress.stage == "Questions" && progress.total > 0)
        *computed = static_cast<int>(progress.total);
    };
    return value_of(runner_.run(request, observer, {}, store.get()));
  }

  TemporaryFolder folder_;
  TinyStudy study_{folder_.path() / "study"};
  Runner runner_{ResourcePaths::locate()};
};

TEST_F(WorkspaceOfTinyModel, GivesBackTheWholeResult) {
  const auto workspace = open();
  RunRequest request = study_.request("nf4-dq");
  Task speed;
  speed.kind = TaskKind::speed;
  speed.speed = {8, 4, 2};
  request.tasks.push_back(speed);
  const RunResult result = run(*workspace, request);
  ASSERT_EQ(result.state, RunState::finished);
  const auto stored = value_of(open(FileAccess::read)->results());
  ASSERT_EQ(stored.size(), 1U);
  EXPECT_EQ(to_json(stored.front()), to_json(result));
  EXPECT_EQ(stored.front().provenance.tokenizer.size(), 32U);
  EXPECT_EQ(stored.front().qa->asked, 12);
  EXPECT_EQ(stored.front().perplexity->asked, 6);
}

TEST_F(WorkspaceOfTinyModel, DoesNotComputeTwice) {
  const auto workspace = open();
  const RunResult first = run(*workspace, study_.request("nf4"));
  int asked = 0;
  const RunResult again = run(*workspace, study_.request("nf4"), &asked);
  EXPECT_EQ(asked, 0);
  EXPECT_EQ(to_json(again), to_json(first));
  EXPECT_EQ(value_of(workspace->results()).size(), 1U);
}

TEST_F(WorkspaceOfTinyModel, AStoreChangesNoNumber) {
  const RunResult with = run(*open(), study_.request("fp4"));
  const RunResult without = value_of(runner_.run(study_.request("fp4"), {}, {}));
  ASSERT_EQ(with.qa->answers.size(), without.qa->answers.size());
  for (std::size_t i = 0; i < with.qa->answers.size(); ++i) {
    EXPECT_EQ(with.qa->answers[i].prediction, without.qa->answers[i].prediction);
    EXPECT_EQ(with.qa->answers[i].smallest_margin, without.qa->answers[i].smallest_margin);
  }
  EXPECT_EQ(with.perplexity->result.mean_nll, without.perplexity->result.mean_nll);
}

TEST_F(WorkspaceOfTinyModel, TakesOverAnswersOfTheSameArithmeticOnly) {
  const auto workspace = open();
  RunRequest few = study_.request("nf4");
  few.tasks.front().sample = {Sample::Kind::first, 5, 0};
  run(*workspace, few);
  int asked = 0;
  const RunResult more = run(*workspace, study_.request("nf4"), &asked);
  EXPECT_EQ(asked, 12 - 5);
  EXPECT_EQ(more.qa->answers.size(), 12U);
  run(*workspace, study_.request("nf4:block=128"), &asked);
  EXPECT_EQ(asked, 12);
  run(*workspace, study_.request("nf4:simd=scalar"), &asked);
  EXPECT_EQ(asked, 12);
  std::ofstream(study_.file("questions.json"), std::ios::app) << "\n";
  run(*workspace, study_.request("nf4"), &asked);
  EXPECT_EQ(asked, 12);
}

TEST_F(WorkspaceOfTinyModel, KnowsWhatIsLeft) {
  const auto workspace = open();
  const std::vector<RunRequest> requests = {study_.request("fp32"), study_.request("nf4"), study_.request("int8")};
  ASSERT_TRUE(workspace->plan(requests));
  run(*workspace, requests[1]);
  ASSERT_TRUE(workspace->plan(requests));
  const auto left = value_of(open(FileAccess::read)->unfinished());
  ASSERT_EQ(left.size(), 2U);
  EXPECT_EQ(to_json(left[0]), to_json(requests[0]));
  EXPECT_EQ(to_json(left[1]), to_json(requests[2]));
}

TEST_F(WorkspaceOfTinyModel, AStopKeepsWhatWasFinishedAndGoesOn) {
  const auto workspace = open();
  std::stop_source stop;
  RunObserver observer;
  int answers = 0;
  observer.answer = [&](const QaAnswer&) {
    if (++answers == 3) stop.request_stop();
  };
  const auto store = workspace->store();
  const RunResult stopped = value_of(runner_.run(study_.request("fp32"), observer, stop.get_token(), store.get()));
  EXPECT_EQ(stopped.state, RunState::stopped);
  const auto stored = value_of(workspace->results());
  ASSERT_EQ(stored.size(), 1U);
  EXPECT_EQ(stored.front().state, RunState::stopped);
  EXPECT_EQ(stored.front().qa->answers.size(), stopped.qa->answers.size());
  const RunResult whole = run(*workspace, study_.request("fp32"));
  EXPECT_EQ(whole.state, RunState::finished);
  EXPECT_EQ(whole.qa->answers.size(), 12U);
}

TEST_F(WorkspaceOfTinyModel, TwoProcessesWriteOneFile) {
  open();
  std::vector<pid_t> children;
  for (const char* configuration : {"fp32", "nf4"}) {
    const pid_t child = ::fork();
    if (child == 0) {
      Runner runner(ResourcePaths::locate());
      const auto workspace = open();
      const auto store = workspace->store();
      const auto result = runner.run(study_.request(configuration), {}, {}, store.get());
      ::_exit(result && result->state == RunState::finished ? 0 : 1);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
  const auto results = value_of(open(FileAccess::read)->results());
  ASSERT_EQ(results.size(), 2U);
  for (const RunResult& result : results) EXPECT_EQ(result.qa->answers.size(), 12U);
}

/// Runs `work` in a process of its own; its exit code.
template <class Work>
int in_child(const Work& work) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(work());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_F(WorkspaceOfTinyModel, AFullDiskLosesNothing) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "ThreadSanitizer knows no threads in a forked process";
#endif
  // A limit on the size of files fails like a full disk, at whichever write comes there.
  int failures = 0;
  for (const rlim_t limit : {40'000U, 120'000U, 200'000U, 280'000U, 360'000U}) {
    fs::remove(study_.file("study.quantscope"));
    fs::remove(study_.file("study.quantscope-wal"));
    fs::remove(study_.file("study.quantscope-shm"));
    const int code = in_child([&] {
      std::signal(SIGXFSZ, SIG_IGN);
      const rlimit size{limit, limit};
      ::setrlimit(RLIMIT_FSIZE, &size);
      auto workspace = Workspace::open(study_.file("study.quantscope"), FileAccess::write);
      if (!workspace) return 2;
      Runner runner(ResourcePaths::locate());
      const auto store = (*workspace)->store();
      const auto result = runner.run(study_.request("nf4"), {}, {}, store.get());
      if (!result) return 2;
      const bool said = result->error && result->error->message.find("study.quantscope") != std::string::npos;
      return result->state == RunState::failed && said ? 1 : 0;
    });
    failures += code == 1 ? 1 : 0;
    const auto workspace = open();
    const auto before = value_of(workspace->results());
    const std::size_t kept = before.empty() || !before.front().qa ? 0 : before.front().qa->answers.size();
    int asked = 12;
    const RunResult whole = run(*workspace, study_.request("nf4"), &asked);
    EXPECT_EQ(whole.state, RunState::finished) << limit;
    if (code == 1 && kept < 12) {
      EXPECT_EQ(asked, 12 - static_cast<int>(kept)) << limit;
    }
  }
  EXPECT_GE(failures, 2);
}

/// Root may write everywhere unless it gives that right up.
void obey_permissions() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> none{};
  ::syscall(SYS_capset, &header, none.data());
}

TEST_F(WorkspaceOfTinyModel, AReadOnlyFileIsReadAndRefusesToBeWritten) {
  run(*open(), study_.request("nf4"));
  const fs::path file = study_.file("study.quantscope");
  fs::permissions(file, fs::perms::owner_read | fs::perms::group_read | fs::perms::others_read);
  fs::permissions(study_.folder(), fs::perms::owner_read | fs::perms::owner_exec);
  const int code = in_child([&] {
    obey_permissions();
    const auto read = Workspace::open(file, FileAccess::read);
    if (!read || (*read)->results()->size() != 1) return 3;
    const auto write = Workspace::open(file, FileAccess::write);
    const std::vector<RunRequest> requests = {study_.request("fp32")};
    const auto planned = write ? (*write)->plan(requests) : Result<void>(tl::unexpected(write.error()));
    if (planned) return 2;
    return planned.error().message.find("read-only") != std::string::npos ? 0 : 1;
  });
  fs::permissions(study_.folder(), fs::perms::owner_all);
  EXPECT_EQ(code, 0);
}

TEST_F(WorkspaceOfTinyModel, KeysDifferByEverythingThatDecidesANumber) {
  const RunResult run_now = value_of(runner_.run(study_.request("nf4"), {}, {}));
  const std::string key = run_key(run_now);
  RunResult changed = run_now;
  changed.provenance.threads = 17;
  EXPECT_EQ(evaluation_key(changed, changed.qa->task, "x"), evaluation_key(run_now, run_now.qa->task, "x"));
  const auto differs = [&](const auto& change) {
    RunResult other = run_now;
    change(other);
    return run_key(other) != key && evaluation_key(other, other.qa->task, other.qa->dataset_hash) !=
                                        evaluation_key(run_now, run_now.qa->task, run_now.qa->dataset_hash);
  };
  EXPECT_TRUE(differs([](RunResult& run) { run.provenance.fingerprint += "0"; }));
  EXPECT_TRUE(differs([](RunResult& run) { run.provenance.tokenizer += "0"; }));
  EXPECT_TRUE(differs([](RunResult& run) { run.provenance.device += "2"; }));
  EXPECT_TRUE(differs([](RunResult& run) { run.provenance.dispatch_level = "other"; }));
  EXPECT_TRUE(differs([](RunResult& run) { run.provenance.program_version += "1"; }));
  EXPECT_TRUE(differs([](RunResult& run) { run.resolved.settings.block_size = 4096; }));
  EXPECT_TRUE(differs([](RunResult& run) { run.resolved.settings.context += 1; }));
  EXPECT_TRUE(differs([](RunResult& run) { run.qa->dataset_hash += "0"; }));
  EXPECT_TRUE(differs([](RunResult& run) { run.qa->task.protocol = "other"; }));
}

TEST_F(WorkspaceOfTinyModel, KeepsNumbersThatAreNotFiniteAndTextsWithAnyByte) {
  RunResult result = value_of(runner_.run(study_.request("nf4"), {}, {}));
  result.tensors.front().error.sqnr_db = std::numeric_limits<double>::infinity();
  result.tensors.back().error.cosine = std::numeric_limits<double>::quiet_NaN();
  result.peak_device_bytes = 123;
  result.qa->answers.front().prediction = std::string("a\0b\n\"'; DROP TABLE run; --\xFF", 27);
  const auto workspace = open();
  ASSERT_TRUE(workspace->add(result));
  const RunResult stored = value_of(workspace->results()).front();
  EXPECT_EQ(stored.tensors.front().error.sqnr_db, std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(stored.tensors.back().error.cosine));
  EXPECT_EQ(stored.peak_device_bytes, 123);
  EXPECT_EQ(stored.qa->answers.front().prediction, result.qa->answers.front().prediction);
}

}  // namespace
}  // namespace quantscope
