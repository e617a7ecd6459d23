// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/evaluate/question_answering.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <numeric>
#include <unordered_map>
#include <utility>

#include "core/evaluate/answer_text.h"
#include "core/evaluate/qa_prompt.h"
#include "core/model/branched_generation.h"

namespace quantscope {
namespace {

using Ids = std::vector<std::int32_t>;

/// A prompt's ids, cut on the left to what leaves room for the answer. A cut takes BOS too, as lm-eval does.
struct Prompt {
  Ids ids;
  bool cut_left = false;
};

Prompt make_prompt(const Tokenizer& tokenizer, const QaDataset& dataset, const QaItem& item, std::int64_t longest) {
  Prompt prompt{tokenizer.encode(qa_prompt(dataset, item)), false};
  const auto length = static_cast<std::int64_t>(prompt.ids.size());
  if (length <= longest) return prompt;
  prompt.ids.erase(prompt.ids.begin(), prompt.ids.end() - longest);
  prompt.cut_left = true;
  return prompt;
}

Ids ids_of(std::span<const GeneratedToken> tokens) {
  Ids ids;
  ids.reserve(tokens.size());
  for (const GeneratedToken& token : tokens) ids.push_back(token.id);
  return ids;
}

Ids end_ids_of(const Decoder& decoder, const Tokenizer& tokenizer) {
  Ids ids = decoder.model().description().end_ids;
  if (const auto eos = tokenizer.eos_id(); eos && std::ranges::find(ids, *eos) == ids.end()) ids.push_back(*eos);
  return ids;
}

std::string stop_name(StopReason reason) {
  switch (reason) {
    case StopReason::end_token: return "end";
    case StopReason::stopped_by_caller: return "newline";
    case StopReason::max_tokens: break;
  }
  return "length";
}

/// Items whose prompts are computed together: indices into the asked items.
using Group = std::vector<std::size_t>;

/// The items of each story, the story with the longest prompt first, so that what is left at the end is short.
/// Unshared: each item alone, as asked.
std::vector<Group> group_items(const QaDataset& dataset, std::span<const QaItem> items, bool share_prefixes) {
  std::vector<Group> groups;
  std::vector<std::size_t> longest;  // bytes
  std::unordered_map<std::size_t, std::size_t> group_of_story;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const auto [found, added] = group_of_story.try_emplace(items[i].story, groups.size());
    if (added || !share_prefixes) {
      found->second = groups.size();
      groups.emplace_back();
      longest.push_back(0);
    }
    groups[found->second].push_back(i);
    if (share_prefixes) longest[found->second] = std::max(longest[found->second], qa_prompt(dataset, items[i]).size());
  }
  std::vector<std::size_t> order(groups.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::stable_sort(order, std::greater<>(), [&](std::size_t group) { return longest[group]; });
  std::vector<Group> ordered;
  for (const std::size_t group : order) ordered.push_back(std::move(groups[group]));
  return ordered;
}

/// What stays the same between the questions, and the answers so far.
class Interview {
 public:
  Interview(Decoder& decoder, const Tokenizer& tokenizer, const QaDataset& dataset, std::span<const QaItem> items,
            const QaOptions& options, std::int64_t longest_prompt)
      : decoder_(decoder),
        tokenizer_(tokenizer),
        dataset_(dataset),
        items_(items),
        options_(options),
        longest_prompt_(longest_prompt),
        answer_end_(options.answer_end.value_or(answer_end(dataset.prompt))),
        end_ids_(end_ids_of(decoder, tokenizer)),
        groups_(group_items(dataset, items, options.share_prefixes)),
        answers_(items.size()) {}

  /// Answers in the order of the items; `on_answer` hears of each as soon as it is there.
  Result<std::vector<QaAnswer>> ask_all(const std::function<void(const QaAnswer&)>& on_answer, std::stop_token stop) {
    BranchOptions branches;
    branches.max_tokens = options_.max_tokens;
    branches.end_ids = end_ids_;
    branches.most_branches = options_.share_prefixes ? options_.most_branches : 1;
    branches.stop = std::move(stop);
    branches.keep_going = [&](std::span<const GeneratedToken> tokens) {
      return !is_answer_complete(tokenizer_.decode(ids_of(tokens), true), answer_end_);
    };
    branches.on_result = [&](const BranchResult& result) {
      const std::size_t index = groups_[result.group][result.prompt];
      answers_[index] = describe(index, result);
      if (on_answer) on_answer(answers_[index]);
    };
    auto done = generate_branches(
        decoder_, groups_.size(), [&](std::size_t group) { return prompts_of(groups_[group]); }, branches);
    if (!done) return tl::unexpected(done.error());
    return std::move(answers_);
  }

 private:
  PromptGroup prompts_of(const Group& group) {
    PromptGroup prompts;
    for (const std::size_t index : group) {
      const QaItem& item = items_[index];
      Prompt prompt = make_prompt(tokenizer_, dataset_, item, longest_prompt_);
      answers_[index].prompt_tokens = static_cast<std::int64_t>(prompt.ids.size());
      answers_[index].cut_left = prompt.cut_left;
      prompts.push_back(std::move(prompt.ids));
    }
    return prompts;
  }

  QaAnswer describe(std::size_t index, const BranchResult& result) const {
    const QaItem& item = items_[index];
    const QaStory& story = dataset_.stories[item.story];
    const QaQuestion& question = story.questions[item.question];
    QaAnswer answer = answers_[index];
    answer.item = item;
    answer.story_id = story.id;
    answer.source = story.source;
    answer.turn = question.turn;
    answer.references = question.references;
    const Ids ids = ids_of(result.generation.tokens);
    answer.prediction = first_answer_line(tokenizer_.decode(ids, true), answer_end_);
    for (std::size_t s = 0; s < answer.scores.size(); ++s)
      answer.scores[s] = score_answer(answer.prediction, answer.references, static_cast<Scorer>(s));
    answer.computed_tokens = result.computed_tokens;
    answer.generated_tokens = static_cast<std::int64_t>(ids.size());
    answer.stop = stop_name(result.generation.reason);
    answer.smallest_margin = result.smallest_margin;
    return answer;
  }

  Decoder& decoder_;
  const Tokenizer& tokenizer_;
  const QaDataset& dataset_;
  std::span<const QaItem> items_;
  const QaOptions& options_;
  std::int64_t longest_prompt_;
  AnswerEnd answer_end_;
  Ids end_ids_;
  std::vector<Group> groups_;
  std::vector<QaAnswer> answers_;  // in the order of the items
};

/// Tokens that are left for the prompt when the answer takes all it may.
Result<std::int64_t> longest_prompt(const Decoder& decoder, const QaOptions& options) {
  const std::int64_t trained = decoder.model().description().context;
  const std::int64_t wanted = options.context > 0 ? options.context : trained;
  const std::int64_t context = std::min(wanted, decoder.capacity());
  if (options.max_tokens < 1) return fail(ErrorCode::invalid_argument, "An answer needs at least one token.");
  if (context <= options.max_tokens) {
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("A context of {} tokens leaves no room for a prompt before {} answer tokens; choose a longer "
                    "context.",
                    context, options.max_tokens));
  }
  return context - options.max_tokens;
}

Result<void> check_items(const QaDataset& dataset, std::span<const QaItem> items) {
  for (const QaItem& item : items) {
    if (item.story >= dataset.stories.size() || item.question >= dataset.stories[item.story].questions.size()) {
      return fail(ErrorCode::invalid_argument,
                  fmt::format("{} has no question {} in story {}.", dataset.name, item.question + 1, item.story + 1));
    }
  }
  return {};
}

}  // namespace

Result<std::vector<QaAnswer>> evaluate_qa(Decoder& decoder, const Tokenizer& tokenizer, const QaDataset& dataset,
                                          std::span<const QaItem> items, const QaOptions& options,
                                          const std::function<void(const QaAnswer&)>& on_answer,
                                          const ProgressFn& progress, std::stop_token stop) {
  const auto longest = longest_prompt(decoder, options);
  if (!longest) return tl::unexpected(longest.error());
  if (auto checked = check_items(dataset, items); !checked) return tl::unexpected(checked.error());
  if (stop.stop_possible()) decoder.model().backend().set_stop_token(stop);
  Interview interview(decoder, tokenizer, dataset, items, options, *longest);
  const auto total = static_cast<std::int64_t>(items.size());
  std::int64_t finished = 0;
  const auto report = [&](const std::string& story) {
    if (progress) progress({"Questions", finished, total, story});
  };
  report({});
  return interview.ask_all(
      [&](const QaAnswer& answer) {
        if (on_answer) on_answer(answer);
        ++finished;
        report(answer.story_id);
      },
      std::move(stop));
}

}  // namespace quantscope
