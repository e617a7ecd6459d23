// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/evaluate/qa_prompt.h"
#include "core/experiment/run_result.h"

namespace quantscope {

/// Bytes of a file of answers. Those of lm-eval repeat story and dialogue for each question, which makes some 4 kB: 35
/// MB for the 7,983 questions of CoQA's development set.
inline constexpr std::uintmax_t largest_import = std::uintmax_t{256} << 20U;

/// Answers that another program gave to questions of a data set, scored by this one.
struct ImportedAnswers {
  std::vector<QaAnswer> answers;   ///< in the order of the data set, each question at most once
  std::string protocol;            ///< prompt_name() where all prompts are those of this program, else unknown_prompt
  std::vector<std::string> notes;  ///< sentences that count and name what was left out, is missing or differs
  Items items = Items::all;        ///< last where only last questions of stories are answered, and others were there
  std::int64_t asked = 0;          ///< questions of this choice that the data set has
};

/// Collects answers as a reader finds them; checks that each belongs to a question of the data set and comes once.
/// Questions are looked up in trees: a file may hold millions of answers to as many stories. `dataset` must outlive it.
class AnswerCollector {
 public:
  AnswerCollector(const QaDataset& dataset, std::string_view file);

  /// The question with this number (1, 2, ...) of the story with this id; nothing, and a note, where there is none.
  std::optional<QaItem> find(const std::string& story_id, std::int64_t turn);
  /// Takes the text that the other program generated; the first of several for one question counts.
  const QaAnswer* add(const QaItem& item, std::string_view generated);

  /// Fails when nothing was taken.
  Result<ImportedAnswers> finish(std::string protocol, std::vector<std::string> notes);

 private:
  using Place = std::pair<std::size_t, std::size_t>;  ///< story, question

  const QaDataset& dataset_;
  std::string file_;
  std::map<std::pair<std::string_view, std::int64_t>, QaItem> questions_;  ///< by id of the story and turn
  std::set<Place> answered_;
  std::vector<QaAnswer> answers_;
  std::vector<std::string> unknown_, repeated_;

  void note_missing(ImportedAnswers& imported) const;
};

/// The answers as a finished run, named after the file. `task` says where the data set lies; which of its questions
/// were answered is seen in the answers.
RunResult imported_run(const ImportedAnswers& imported, const QaDataset& dataset, const Task& task,
                       const std::string& file);

}  // namespace quantscope
