// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/experiment/task_data.h"

#include <gtest/gtest.h>

#include "core/experiment/resource_paths.h"
#include "tests/support/temporary_folder.h"

namespace quantscope {
namespace {

TEST(GuessQuestionTask, KnowsLayoutsByTheirFields) {
  const testing::TemporaryFolder folder;
  const auto guess = [&](const char* bytes) { return guess_question_task(folder.write("file", bytes)); };
  EXPECT_EQ(guess(R"({"version": "1.0", "data": [{"id": "x", "story": "Text"}]})"), TaskKind::coqa);
  EXPECT_EQ(guess(R"({"source": "x", "story": "A \"question\" is asked", "questions": ["Who?"]})"), TaskKind::coqa);
  EXPECT_EQ(guess(R"({"data": [{"title": "T", "paragraphs": [{"context": "C", "qas": []}]}]})"), TaskKind::squad);
  EXPECT_EQ(guess(R"({"id": "a", "context": "C", "question": "Q", "answers": {"text": [], "answer_start": []}})"),
            TaskKind::squad);
  EXPECT_EQ(guess(R"({"context": "C", "question": "Q", "answers": ["A"]})"), TaskKind::jsonl);
  EXPECT_EQ(guess(R"({"prompt": "P", "completion": "C"})"), TaskKind::jsonl);
  EXPECT_EQ(guess("nothing"), TaskKind::coqa);
  EXPECT_EQ(guess_question_task(folder.path() / "missing"), TaskKind::coqa);
  EXPECT_EQ(guess_question_task(ResourcePaths::locate().resources / "sample_coqa.json"), TaskKind::coqa);
}

}  // namespace
}  // namespace quantscope
