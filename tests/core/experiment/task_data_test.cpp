// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/experiment/task_data.h"

#include <gtest/gtest.h>

#include "core/experiment/file_hash.h"
#include "core/experiment/resource_paths.h"
#include "tests/support/loaded_model.h"
#include "tests/support/reference_data.h"
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

TEST(LoadTaskData, SaysThatATextWasReadWithoutItsByteOrderMark) {
  QUANTSCOPE_REQUIRE_SHARED();
  const auto tokenizer = testing::value_of(
      Tokenizer::from_json(testing::shared_folder() / "data" / "tokenizers" / "smollm_135m" / "tokenizer.json"));
  const testing::TemporaryFolder folder;
  const auto load = [&](std::string_view bytes) {
    Task task;
    task.kind = TaskKind::perplexity;
    task.data = folder.write("text.txt", bytes).string();
    RunRequest request;
    request.tasks = {task};
    return testing::value_of(load_task_data(request, tokenizer.get(), ModelDescription(), ResourcePaths::locate()));
  };
  std::string text;
  for (int i = 0; i < 512; ++i) text += "A cat sat. ";
  const std::string with_mark = "\xEF\xBB\xBF" + text;
  const TaskData plain = load(text), marked = load(with_mark);
  EXPECT_EQ(plain.text_name, "text.txt");
  EXPECT_EQ(marked.text_name, "text.txt (without its byte order mark)");
  EXPECT_EQ(marked.text_ids, plain.text_ids);
  EXPECT_EQ(marked.text_hash, plain.text_hash) << "the same tokens can be paired and pooled";
  EXPECT_NE(marked.text_hash, hash_bytes(with_mark)) << "the hash of the file is that of windows with the mark in them";
}

TEST(LoadTaskData, SizesTheCacheByTokensNotByBytes) {
  QUANTSCOPE_REQUIRE_SHARED();
  const auto tokenizer = testing::value_of(
      Tokenizer::from_json(testing::shared_folder() / "data" / "tokenizers" / "smollm_135m" / "tokenizer.json"));
  std::string words, digits;
  for (int i = 0; i < 500; ++i) words += "nevertheless ";
  for (int i = 0; i < 3000; ++i) digits += "7";  // a token each
  const testing::TemporaryFolder folder;
  RunRequest request;
  Task task;
  task.kind = TaskKind::jsonl;
  task.data = folder
                  .write("records.jsonl", R"({"prompt": ")" + words + R"(", "completion": "a"})" + "\n" +
                                              R"({"prompt": ")" + digits + R"(", "completion": "b"})" + "\n")
                  .string();
  request.tasks = {task};
  ModelDescription model;
  model.context = 8192;
  const TaskData data = testing::value_of(load_task_data(request, tokenizer.get(), model, ResourcePaths::locate()));
  EXPECT_GT(data.context, 3000);
}

}  // namespace
}  // namespace quantscope
