// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/error.h"

namespace quantscope {

struct QaQuestion {
  int turn = 1;  ///< 1-based, as in the file
  std::string text;
  std::vector<std::string> references;  ///< first the gold answer used as history, "" = none exists; empty: not asked
};

struct QaStory {
  std::string id;
  std::string source;  ///< domain: "mctest", "wikipedia", ...
  std::string title;   ///< SQuAD only
  std::string text;
  std::vector<QaQuestion> questions;
};

/// How a question becomes a prompt; see qa_prompt.h.
enum class QaPrompt : std::uint8_t { dialogue, squad, single_question, completion };

/// Questions about passages, in file order.
struct QaDataset {
  std::string name;  ///< "CoQA dev", or what the file calls itself
  std::vector<QaStory> stories;
  QaPrompt prompt = QaPrompt::dialogue;
  std::vector<std::string> repairs;  ///< sentences that count and name what was left out of the file
  bool single_reference = false;     ///< no question has more than one reference: scores are not comparable with papers
  bool bundled_sample = false;       ///< the program's own sample: every score says so
  std::string hash;                  ///< XXH3-128 of the file's bytes, 32 hex digits as `xxh128sum` prints them
  /// Sentences to show beside every score from it; empty when there is nothing to say.
  std::vector<std::string> notes() const;
};

/// CoQA in three layouts. Official: {version, data: [{id, source, story, questions, answers, additional_answers}]} with
/// lists of turns {input_text, turn_id}. Hugging Face exports, a JSON list or one object a line: EleutherAI/coqa with
/// objects of columns {input_text: [...], turn_id: [...]}, and stanfordnlp/coqa with plain questions, no id and no
/// additional answers. Turns with a blank question or gold answer are left out and counted in `repairs`.
/// References of a question are the answer of `answers`, then those of additional_answers "0", "1", "2", all kept.
/// Turns must be numbered 1, 2, ... and every list must have one entry a question. Root fields of our own: `name` (else
/// the file name) and `quantscope_sample: true`, which marks the bundled sample. At most 64 MiB. Errors name the story
/// and the field, or the byte. Source: stanfordnlp/coqa-baselines, scripts/evaluate-v1.0.py.
Result<QaDataset> read_coqa(const std::filesystem::path& path, const std::stop_token& stop = {});
/// The same from the file's bytes; `file_name` is for messages.
Result<QaDataset> parse_coqa(std::string_view bytes, std::string_view file_name, const std::stop_token& stop = {});

/// SQuAD 1.1 and 2.0. Official: {version, data: [{title, paragraphs: [{context, qas: [{id, question, answers,
/// is_impossible}]}]}]}; Hugging Face export, a list or one object a line: {id, title, context, question, answers:
/// {text: [...]}}. A paragraph is a story. An unanswerable question has the one reference "". In the official layout a
/// question without answers that is not marked is_impossible is left out and counted in `repairs`.
Result<QaDataset> read_squad(const std::filesystem::path& path, const std::stop_token& stop = {});
Result<QaDataset> parse_squad(std::string_view bytes, std::string_view file_name, const std::stop_token& stop = {});

/// One record a line, or a list of them: {context, question, answers: [...] or answer, id?, source?} or {prompt,
/// completion, id?, source?}, the same kind throughout. Records with the same context that follow each other are one
/// story; context may be missing. Records without answer or question are left out and counted in `repairs`.
Result<QaDataset> read_records(const std::filesystem::path& path, const std::stop_token& stop = {});
Result<QaDataset> parse_records(std::string_view bytes, std::string_view file_name, const std::stop_token& stop = {});

/// What the official CoQA script calls the domain of a source: "children_stories" for "mctest"; other sources are
/// domains of their own.
std::string_view coqa_domain(std::string_view source);

enum class Items : std::uint8_t { last, all };  ///< last turn of each story (as lm-eval), or every turn

/// Which items are asked. Text form: all, first:N, random:N:SEED.
struct Sample {
  enum class Kind : std::uint8_t { all, first, random } kind = Kind::all;
  std::int64_t count = 0;
  std::uint64_t seed = 0;
  bool operator==(const Sample&) const = default;
};
Result<Sample> parse_sample(std::string_view text);
std::string sample_text(const Sample& sample);

struct QaItem {
  std::size_t story = 0;     ///< index into QaDataset::stories
  std::size_t question = 0;  ///< index into QaStory::questions
};

/// Items in file order. `stories` [first, last) limits to a range of stories (last = 0: all). Random sampling draws
/// without replacement (partial Fisher-Yates with PCG32, stream 0, random.h) and keeps file order. A sample larger than
/// what there is takes everything. Fails when nothing is left.
Result<std::vector<QaItem>> choose_items(const QaDataset& dataset, Items items, const Sample& sample,
                                         std::size_t first_story = 0, std::size_t last_story = 0);

}  // namespace quantscope
