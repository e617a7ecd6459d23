// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/evaluate/qa_prompt.h"

#include <array>

namespace quantscope {
namespace {

struct PromptRule {
  std::string_view name;
  AnswerEnd end;
};

/// By QaPrompt.
constexpr std::array<PromptRule, 4> rules = {{
    {"coqa-lm-eval-3", AnswerEnd::next_question},
    {"squad-lm-eval-3", AnswerEnd::newline},
    {"question-1", AnswerEnd::next_question},
    {"completion-1", AnswerEnd::first_line},
}};

std::string dialogue_prompt(const QaStory& story, std::size_t first, std::size_t question) {
  std::string prompt = story.text.empty() ? std::string() : story.text + "\n\n";
  for (std::size_t turn = first; turn < question; ++turn) {
    const QaQuestion& earlier = story.questions[turn];
    if (earlier.references.empty()) continue;
    prompt += "Q: " + earlier.text + "\n\nA: " + earlier.references.front() + "\n\n";
  }
  return prompt + "Q: " + story.questions[question].text + "\n\nA:";
}

std::string squad_prompt(const QaStory& story, std::size_t question) {
  return "Title: " + story.title + "\n\nBackground: " + story.text + "\n\nQuestion: " + story.questions[question].text +
         "\n\nAnswer:";
}

}  // namespace

std::string qa_prompt(const QaDataset& dataset, const QaItem& item) {
  const QaStory& story = dataset.stories[item.story];
  switch (dataset.prompt) {
    case QaPrompt::dialogue: break;
    case QaPrompt::squad: return squad_prompt(story, item.question);
    case QaPrompt::single_question: return dialogue_prompt(story, item.question, item.question);
    case QaPrompt::completion: return story.text;
  }
  return dialogue_prompt(story, 0, item.question);
}

std::string_view prompt_name(QaPrompt prompt) { return rules[static_cast<std::size_t>(prompt)].name; }

AnswerEnd answer_end(QaPrompt prompt) { return rules[static_cast<std::size_t>(prompt)].end; }

}  // namespace quantscope
