// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/evaluate/question_answering.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "core/evaluate/answer_text.h"
#include "core/model/generate.h"

namespace quantscope {
namespace {

using Ids = std::vector<std::int32_t>;

/// A prompt's ids, cut on the left to what leaves room for the answer. A cut takes BOS too, as lm-eval does.
struct Prompt {
  Ids ids;
  bool cut_left = false;
};

Prompt make_prompt(const Tokenizer& tokenizer, const QaStory& story, std::size_t question, std::int64_t longest) {
  Prompt prompt{tokenizer.encode(coqa_prompt(story, question)), false};
  const auto length = static_cast<std::int64_t>(prompt.ids.size());
  if (length <= longest) return prompt;
  prompt.ids.erase(prompt.ids.begin(), prompt.ids.end() - longest);
  prompt.cut_left = true;
  return prompt;
}

/// The cached keys and values of the last prompt, kept so that the next one computes only what differs. The branch
/// point comes from comparing ids, never from tokenizing parts of the text.
class SharedPrefix {
 public:
  explicit SharedPrefix(Decoder& decoder) : decoder_(decoder), sequence_(decoder.new_sequence()) {}

  /// Makes the sequence hold exactly `ids`, with the last one just appended; returns how many were computed.
  Result<std::int64_t> load(const Ids& ids) {
    const auto differing = std::ranges::mismatch(ids, ids_).in1;
    // The last id is always computed: the head is asked about its row.
    const auto shared = std::min<std::int64_t>(differing - ids.begin(), static_cast<std::int64_t>(ids.size()) - 1);
    sequence_.truncate(shared);
    ids_.clear();
    const std::span<const std::int32_t> rest = std::span(ids).subspan(static_cast<std::size_t>(shared));
    if (auto appended = decoder_.append(sequence_, rest); !appended) return tl::unexpected(appended.error());
    ids_ = ids;
    return static_cast<std::int64_t>(rest.size());
  }

  Decoder::Sequence& sequence() { return sequence_; }

 private:
  Decoder& decoder_;
  Decoder::Sequence sequence_;
  Ids ids_;
};

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

/// Asks one item after the other; everything that stays the same between them.
class Interview {
 public:
  Interview(Decoder& decoder, const Tokenizer& tokenizer, const QaDataset& dataset, const QaOptions& options,
            std::int64_t longest_prompt)
      : decoder_(decoder),
        tokenizer_(tokenizer),
        dataset_(dataset),
        max_tokens_(options.max_tokens),
        answer_end_(options.answer_end),
        longest_prompt_(longest_prompt),
        end_ids_(end_ids_of(decoder, tokenizer)),
        prefix_(decoder) {}

  Result<QaAnswer> ask(const QaItem& item, const std::stop_token& stop) {
    const Prompt prompt = make_prompt(tokenizer_, dataset_.stories[item.story], item.question, longest_prompt_);
    if (prompt.ids.empty()) return fail(ErrorCode::internal, "The tokenizer made no tokens of a prompt.");
    const auto computed = prefix_.load(prompt.ids);
    if (!computed) return tl::unexpected(computed.error());
    auto generation = generate(stop);
    if (!generation) return tl::unexpected(generation.error());
    const auto margin = smallest_margin(*generation);
    if (!margin) return tl::unexpected(margin.error());
    QaAnswer answer = describe(item);
    answer.prediction = first_answer_line(tokenizer_.decode(ids_of(generation->tokens), true), answer_end_);
    for (std::size_t s = 0; s < answer.scores.size(); ++s) {
      answer.scores[s] = score_answer(answer.prediction, answer.references, static_cast<Scorer>(s));
    }
    answer.prompt_tokens = static_cast<std::int64_t>(prompt.ids.size());
    answer.computed_tokens = *computed;
    answer.generated_tokens = static_cast<std::int64_t>(generation->tokens.size());
    answer.cut_left = prompt.cut_left;
    answer.stop = stop_name(generation->reason);
    answer.smallest_margin = *margin;
    return answer;
  }

 private:
  Result<Generation> generate(const std::stop_token& stop) {
    const auto keep_going = [&](std::span<const GeneratedToken> tokens) {
      return !stop.stop_requested() && !is_answer_complete(tokenizer_.decode(ids_of(tokens), true), answer_end_);
    };
    auto generation = generate_greedy(decoder_, prefix_.sequence(), max_tokens_, end_ids_, keep_going);
    if (generation && stop.stop_requested()) return cancelled();
    return generation;
  }

  /// An end token is not among the generated ones, so its step is asked for again.
  Result<float> smallest_margin(const Generation& generation) {
    std::optional<float> smallest;
    if (generation.reason == StopReason::end_token) {
      const auto end = decoder_.top();
      if (!end) return tl::unexpected(end.error());
      smallest = end->margin;
    }
    for (const GeneratedToken& token : generation.tokens) {
      smallest = std::min(smallest.value_or(token.margin), token.margin);
    }
    return smallest.value_or(0.0F);
  }

  QaAnswer describe(const QaItem& item) const {
    const QaStory& story = dataset_.stories[item.story];
    const QaQuestion& question = story.questions[item.question];
    QaAnswer answer;
    answer.item = item;
    answer.story_id = story.id;
    answer.source = story.source;
    answer.turn = question.turn;
    answer.references = question.references;
    return answer;
  }

  Decoder& decoder_;
  const Tokenizer& tokenizer_;
  const QaDataset& dataset_;
  std::int64_t max_tokens_;
  AnswerEnd answer_end_;
  std::int64_t longest_prompt_;
  Ids end_ids_;
  SharedPrefix prefix_;
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
  Interview interview(decoder, tokenizer, dataset, options, *longest);
  std::vector<QaAnswer> answers;
  answers.reserve(items.size());
  const auto total = static_cast<std::int64_t>(items.size());
  for (const QaItem& item : items) {
    if (stop.stop_requested()) return cancelled();
    const auto done = static_cast<std::int64_t>(answers.size());
    if (progress) progress({"Questions", done, total, dataset.stories[item.story].id});
    auto answer = interview.ask(item, stop);
    if (!answer) return tl::unexpected(answer.error());
    if (on_answer) on_answer(*answer);
    answers.push_back(std::move(*answer));
  }
  if (progress) progress({"Questions", total, total, {}});
  return answers;
}

}  // namespace quantscope
