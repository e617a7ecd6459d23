// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/exchange/imported_answers.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "core/evaluate/qa_prompt.h"
#include "core/experiment/file_hash.h"

namespace quantscope {
namespace {

std::string named(const QaStory& story, std::int64_t turn) { return fmt::format("{} turn {}", story.id, turn); }

/// "3 answers ... (a turn 1, b turn 2, c turn 1)."
void add_note(std::vector<std::string>& notes, const std::vector<std::string>& names, std::string_view what) {
  if (names.empty()) return;
  constexpr std::size_t shown = 5;
  const auto first = names.begin();
  const auto last = first + static_cast<std::ptrdiff_t>(std::min(names.size(), shown));
  notes.push_back(fmt::format("{} {} ({}{}).", names.size(), what, fmt::join(first, last, ", "),
                              names.size() > shown ? ", ..." : ""));
}

/// Tells two imports of files with one name apart.
std::string fingerprint_of(const std::vector<QaAnswer>& answers) {
  std::string text;
  for (const QaAnswer& answer : answers)
    text += fmt::format("{} {} {}\n", answer.item.story, answer.item.question, answer.prediction);
  return hash_bytes(text);
}

}  // namespace

AnswerCollector::AnswerCollector(const QaDataset& dataset, std::string_view file) : dataset_(dataset), file_(file) {
  for (std::size_t story = 0; story < dataset.stories.size(); ++story) {
    const auto& questions = dataset.stories[story].questions;
    for (std::size_t question = 0; question < questions.size(); ++question)
      if (!questions[question].references.empty())
        questions_.emplace(std::pair(std::string_view(dataset.stories[story].id), std::int64_t(question) + 1),
                           QaItem{story, question});
  }
}

std::optional<QaItem> AnswerCollector::find(const std::string& story_id, std::int64_t turn) {
  const auto found = questions_.find({story_id, turn});
  if (found != questions_.end()) return found->second;
  unknown_.push_back(fmt::format("{} turn {}", story_id, turn));
  return std::nullopt;
}

const QaAnswer* AnswerCollector::add(const QaItem& item, std::string_view generated) {
  const QaStory& story = dataset_.stories[item.story];
  const QaQuestion& question = story.questions[item.question];
  if (!answered_.emplace(item.story, item.question).second) {
    repeated_.push_back(named(story, question.turn));
    return nullptr;
  }
  QaAnswer& answer = answers_.emplace_back();
  answer.item = item;
  answer.story_id = story.id;
  answer.source = story.source;
  answer.turn = question.turn;
  answer.references = question.references;
  answer.prediction = first_answer_line(generated, answer_end(dataset_.prompt));
  for (std::size_t i = 0; i < answer.scores.size(); ++i)
    answer.scores[i] = score_answer(answer.prediction, answer.references, static_cast<Scorer>(i));
  answer.stop = "imported";
  return &answer;
}

/// Says how many questions the data set has, and which of them have no answer.
void AnswerCollector::note_missing(ImportedAnswers& imported) const {
  const auto last = choose_items(dataset_, Items::last, {}), all = choose_items(dataset_, Items::all, {});
  if (!last || !all) return;  // not where answers belong to questions
  std::set<Place> ends;
  for (const QaItem& item : *last) ends.emplace(item.story, item.question);
  bool only_last = last->size() < all->size();
  for (const Place& answered : answered_) only_last = only_last && ends.contains(answered);
  imported.items = only_last ? Items::last : Items::all;
  std::vector<std::string> missing;
  for (const QaItem& item : only_last ? *last : *all) {
    ++imported.asked;
    const QaStory& story = dataset_.stories[item.story];
    if (!answered_.contains({item.story, item.question}))
      missing.push_back(named(story, story.questions[item.question].turn));
  }
  add_note(imported.notes, missing,
           fmt::format("of {} {} have no answer in {} and are not counted", imported.asked,
                       imported.items == Items::last ? "last questions of the stories" : "questions", file_));
}

Result<ImportedAnswers> AnswerCollector::finish(std::string protocol, std::vector<std::string> notes) {
  if (answers_.empty())
    return fail(ErrorCode::invalid_argument,
                fmt::format("No answer of {} belongs to a question of {}; give the data set that they answer.", file_,
                            dataset_.name),
                file_);
  std::ranges::sort(answers_, {},
                    [](const QaAnswer& answer) { return std::pair(answer.item.story, answer.item.question); });
  add_note(notes, unknown_, "answers belong to no question of the data set and were left out");
  add_note(notes, repeated_, "answers came again and were left out");
  ImportedAnswers imported{std::move(answers_), std::move(protocol), std::move(notes)};
  note_missing(imported);
  return imported;
}

RunResult imported_run(const ImportedAnswers& imported, const QaDataset& dataset, const Task& task,
                       const std::string& file) {
  RunResult run;
  run.request.model = "imported:" + file;
  run.request.tasks = {task};
  run.request.tasks.front().items = imported.items;
  run.resolved.summary = "Answers of another program, read from " + file + ".";
  run.provenance.program_version = QUANTSCOPE_VERSION;
  run.provenance.checkpoint = file;
  run.provenance.fingerprint = fingerprint_of(imported.answers);
  run.provenance.device = "another program";
  run.provenance.imported_from = file;
  QaOutcome& qa = run.qa.emplace();
  qa.task = run.request.tasks.front();
  qa.asked = imported.asked;
  qa.task.protocol = imported.protocol;
  qa.dataset_name = dataset.name;
  qa.dataset_hash = dataset.hash;
  qa.notes = dataset.notes();
  qa.notes.insert(qa.notes.end(), imported.notes.begin(), imported.notes.end());
  qa.answers = imported.answers;
  return run;
}

}  // namespace quantscope
