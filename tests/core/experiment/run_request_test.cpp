// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/experiment/run_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/experiment/runner.h"
#include "tests/support/loaded_model.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_study.h"

namespace quantscope {
namespace {

using ::testing::HasSubstr;
using testing::value_of;

std::vector<Task> tasks_of(const std::vector<TaskKind>& kinds) {
  std::vector<Task> tasks;
  for (const TaskKind kind : kinds) tasks.emplace_back().kind = kind;
  return tasks;
}

TEST(Tasks, HaveNamesThatReadBack) {
  ASSERT_EQ(all_tasks().size(), 6U);
  for (const TaskKind kind : all_tasks()) EXPECT_EQ(value_of(parse_task(task_name(kind))), kind);
}

TEST(Tasks, OfOneRunEachHaveTheirPlace) {
  EXPECT_TRUE(check_tasks({}));
  for (const TaskKind questions : {TaskKind::coqa, TaskKind::squad, TaskKind::jsonl})
    EXPECT_TRUE(check_tasks(tasks_of({questions, TaskKind::perplexity, TaskKind::kl, TaskKind::speed})));
}

TEST(Tasks, ThatWouldTakeEachOthersPlaceAreRefused) {
  for (const TaskKind kind : all_tasks())
    EXPECT_FALSE(check_tasks(tasks_of({kind, TaskKind::speed, kind}))) << task_name(kind);
  const auto two = check_tasks(tasks_of({TaskKind::coqa, TaskKind::perplexity, TaskKind::squad}));
  ASSERT_FALSE(two);
  EXPECT_EQ(two.error().code, ErrorCode::invalid_argument);
  EXPECT_THAT(two.error().message, HasSubstr("one result of questions, so coqa and squad cannot"));
  EXPECT_THAT(two.error().message, HasSubstr("one after the other"));
  EXPECT_FALSE(check_tasks(tasks_of({TaskKind::squad, TaskKind::jsonl})));
}

TEST(Tasks, FromJsonAreRefusedBeforeAnythingRuns) {
  const testing::TemporaryFolder folder;
  const testing::TinyStudy study(folder.path() / "study");
  RunRequest request = study.request("nf4");
  request.tasks.push_back(request.tasks.back());
  const RunRequest read = value_of(run_request_from_json(to_json(request)));
  Runner runner(ResourcePaths::locate());
  const auto refused = runner.run(read, {}, {});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("perplexity and perplexity cannot be tasks of the same run"));
}

}  // namespace
}  // namespace quantscope
