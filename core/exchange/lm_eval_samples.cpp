// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/exchange/lm_eval_samples.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/evaluate/qa_prompt.h"
#include "core/input/bounded_json.h"

namespace quantscope {
namespace {
using nlohmann::json;

/// A line holds one question with its dialogue: some hundred values.
constexpr JsonLimits line_limits = {.values = 1'000'000};

const json* member(const json& value, std::string_view key) {
  if (!value.is_object()) return nullptr;
  const auto found = value.find(key);
  return found == value.end() ? nullptr : &*found;
}

/// The first text found by always going to the first entry: lm-eval nests answers and prompts by request and filter.
const std::string* first_text(const json* value) {
  while (value != nullptr && value->is_structured() && !value->empty()) value = &*value->begin();
  return value != nullptr && value->is_string() ? value->get_ptr<const std::string*>() : nullptr;
}

/// What is read of one line.
struct Sample {
  std::string story_id, question;
  std::int64_t turn = 0;
  const std::string* generated = nullptr;
  const std::string* prompt = nullptr;
};

/// Number and text of the last question, in either of the two layouts: an object of columns or a list of turns.
bool read_question(const json& questions, Sample& sample) {
  const json* list = member(questions, "input_text");
  if (list == nullptr) list = &questions;
  if (!list->is_array() || list->empty()) return false;
  const json& last = list->back();
  const json* text = last.is_string() ? &last : member(last, "input_text");
  if (text == nullptr || !text->is_string()) return false;
  sample.turn = static_cast<std::int64_t>(list->size());
  sample.question = text->get<std::string>();
  return true;
}

bool read_sample(const json& line, Sample& sample) {
  const json* doc = member(line, "doc");
  const json* id = doc == nullptr ? nullptr : member(*doc, "id");
  const json* questions = doc == nullptr ? nullptr : member(*doc, "questions");
  if (id == nullptr || !id->is_string() || questions == nullptr || !read_question(*questions, sample)) return false;
  sample.story_id = id->get<std::string>();
  sample.generated = first_text(member(line, "filtered_resps"));
  if (sample.generated == nullptr) sample.generated = first_text(member(line, "resps"));
  sample.prompt = first_text(member(line, "arguments"));
  return sample.generated != nullptr;
}

/// Whether the file's own score of the answer, if it has one, is ours too.
bool same_score(const json& line, const QaScore& ours) {
  const auto agrees = [&](const char* key, double value) {
    const json* theirs = member(line, key);
    return theirs == nullptr || !theirs->is_number() || std::abs(theirs->get<double>() - value) < 1e-6;
  };
  return agrees("f1", ours.f1) && agrees("em", ours.em);
}

class SamplesReader {
 public:
  SamplesReader(const QaDataset& dataset, std::string_view file)
      : dataset_(dataset), file_(file), collector_(dataset, file) {}

  Result<void> read_line(std::string_view text) {
    ++line_;
    if (text.find_first_not_of(" \t\r") == std::string_view::npos) return {};
    const auto value = parse_bounded_json(text, fmt::format("{}: line {}", file_, line_), line_limits);
    if (!value) return tl::unexpected(value.error());
    const json& line = *value;
    Sample sample;
    if (!read_sample(line, sample)) return wrong("lacks doc.id, doc.questions or an answer in resps");
    const auto item = collector_.find(sample.story_id, sample.turn);
    if (!item) return {};
    if (dataset_.stories[item->story].questions[item->question].text != sample.question)
      return wrong("asks another question than the data set does there; give the data set that was answered");
    if (!has_our_prompt(sample, *item)) ++other_prompts_;
    const QaAnswer* answer = collector_.add(*item, *sample.generated);
    if (answer != nullptr && !same_score(line, answer->scores[static_cast<std::size_t>(Scorer::lm_eval)]))
      ++other_scores_;
    return {};
  }

  Result<ImportedAnswers> finish() {
    std::vector<std::string> notes;
    if (other_prompts_ > 0)
      notes.push_back(fmt::format("{} prompts of {} are missing or not those of this program.", other_prompts_, file_));
    if (other_scores_ > 0)
      notes.push_back(fmt::format("{} scores written in {} differ from those of this program.", other_scores_, file_));
    const std::string_view protocol = other_prompts_ > 0 ? unknown_prompt : prompt_name(dataset_.prompt);
    return collector_.finish(std::string(protocol), std::move(notes));
  }

 private:
  /// A prompt shorter than its story is told without ours, which would be made anew for each of many lines.
  bool has_our_prompt(const Sample& sample, const QaItem& item) const {
    return sample.prompt != nullptr && sample.prompt->size() >= dataset_.stories[item.story].text.size() &&
           *sample.prompt == qa_prompt(dataset_, item);
  }

  tl::unexpected<Error> wrong(std::string_view problem) const {
    return fail(ErrorCode::corrupt_file, fmt::format("{}: line {} {}.", file_, line_, problem), file_);
  }

  const QaDataset& dataset_;
  std::string file_;
  AnswerCollector collector_;
  std::int64_t line_ = 0, other_prompts_ = 0, other_scores_ = 0;
};

/// The turns up to and with the asked one, as lm-eval's data set has them.
json doc_of(const QaStory& story, std::size_t question) {
  json texts = json::array(), turns = json::array(), answers = json::array();
  for (std::size_t i = 0; i <= question; ++i) {
    texts.push_back(story.questions[i].text);
    turns.push_back(story.questions[i].turn);
    answers.push_back(story.questions[i].references.empty() ? "" : story.questions[i].references.front());
  }
  return {{"id", story.id},
          {"source", story.source},
          {"story", story.text},
          {"questions", {{"input_text", texts}, {"turn_id", turns}}},
          {"answers", {{"input_text", answers}, {"turn_id", turns}}}};
}

bool is_question_of(const QaDataset& dataset, const QaItem& item) {
  return item.story < dataset.stories.size() && item.question < dataset.stories[item.story].questions.size();
}

json sample_of(const QaAnswer& answer, const QaDataset& dataset, std::size_t number, bool with_prompt) {
  const QaScore& score = answer.scores[static_cast<std::size_t>(Scorer::lm_eval)];
  json sample = {{"doc_id", number},
                 {"doc", doc_of(dataset.stories[answer.item.story], answer.item.question)},
                 {"target", answer.references},
                 {"resps", json::array({json::array({answer.prediction})})},
                 {"filtered_resps", json::array({answer.prediction})},
                 {"filter", "none"},
                 {"metrics", {"em", "f1"}},
                 {"em", score.em},
                 {"f1", score.f1}};
  // Answers to other prompts do not get ours.
  if (with_prompt) sample["arguments"] = {{"gen_args_0", {{"arg_0", qa_prompt(dataset, answer.item)}}}};
  return sample;
}

}  // namespace

Result<ImportedAnswers> parse_lm_eval_samples(std::string_view bytes, const QaDataset& dataset, std::string_view file) {
  SamplesReader reader(dataset, file);
  while (!bytes.empty()) {
    const std::size_t end = std::min(bytes.find('\n'), bytes.size());
    if (auto read = reader.read_line(bytes.substr(0, end)); !read) return tl::unexpected(read.error());
    bytes.remove_prefix(std::min(end + 1, bytes.size()));
  }
  return reader.finish();
}

Result<std::string> lm_eval_samples(const QaOutcome& outcome, const QaDataset& dataset) {
  std::string lines;
  const bool with_prompt = outcome.task.protocol == prompt_name(dataset.prompt);
  for (const QaAnswer& answer : outcome.answers) {
    if (!is_question_of(dataset, answer.item))
      return fail(ErrorCode::corrupt_file,
                  fmt::format("The answers of this run are damaged: one belongs to question {} of story {}, which {} "
                              "does not have. Restore a copy of the workspace, or run the questions again.",
                              answer.item.question, answer.item.story, dataset.name));
    const auto number = static_cast<std::size_t>(&answer - outcome.answers.data());
    lines +=
        sample_of(answer, dataset, number, with_prompt).dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
  }
  return lines;
}

}  // namespace quantscope
