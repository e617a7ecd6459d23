// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/experiment/compare_runs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>
#include <utility>

#include "core/evaluate/qa_prompt.h"

namespace quantscope {
namespace {

constexpr std::uint64_t bootstrap_seed = 20'180'821;  // any fixed number: the same runs give the same interval

template <class... Parts>
tl::unexpected<Error> refuse(fmt::format_string<Parts...> sentence, Parts&&... parts) {
  return fail(ErrorCode::invalid_argument, fmt::format(sentence, std::forward<Parts>(parts)...));
}

using ItemKey = std::pair<std::size_t, std::size_t>;

ItemKey key_of(const QaAnswer& answer) { return {answer.item.story, answer.item.question}; }

Result<void> check_tokenizers(const RunResult& base, const RunResult& other) {
  const std::string &a = base.provenance.tokenizer, &b = other.provenance.tokenizer;
  if (a.empty() || b.empty() || a == b) return {};
  return refuse("The runs used different tokenizers ({} has {}, {} has {}): their figures cannot be paired.",
                run_name(base), a, run_name(other), b);
}

/// Whether scores of the two runs mean the same.
Result<void> check_protocols(const RunResult& base, const RunResult& other) {
  if (!base.qa || !other.qa) return refuse("Both runs need answers to questions before they can be compared.");
  if (base.qa->dataset_hash != other.qa->dataset_hash)
    return refuse("The runs answered different datasets ({} and {}): their scores cannot be paired.",
                  base.qa->dataset_name, other.qa->dataset_name);
  const std::string &prompt = base.qa->task.protocol, &other_prompt = other.qa->task.protocol;
  if (prompt != other_prompt) return refuse("The runs used different prompts ({} and {}).", prompt, other_prompt);
  if (prompt == unknown_prompt)
    return refuse(
        "With which prompts the answers of {} and {} were made is not known, so their scores cannot be paired; import "
        "them with --protocol where you know it.",
        run_name(base), run_name(other));
  if (base.qa->task.scorer != other.qa->task.scorer)
    return refuse("The runs are scored in different ways ({} and {}).", scorer_label(base.qa->task.scorer),
                  scorer_label(other.qa->task.scorer));
  return check_tokenizers(base, other);
}

Result<void> check_texts(const PerplexityOutcome& base, const PerplexityOutcome& other) {
  if (base.text_hash != other.text_hash)
    return refuse("The runs read different texts ({} and {}): their perplexities cannot be paired.", base.text_name,
                  other.text_name);
  if (base.task.protocol != other.task.protocol)
    return refuse("The runs used different protocols ({} and {}).", base.task.protocol, other.task.protocol);
  if (base.result.tokens != other.result.tokens)
    return refuse(
        "The runs used different tokenizers ({} and {} tokens of the same text): their perplexities cannot be paired.",
        base.result.tokens, other.result.tokens);
  return {};
}

/// The items that one run has of a task.
struct OwnItems {
  const RunResult& run;
  const Task& task;
  std::int64_t count = 0;  ///< that are there
  std::int64_t asked = 0;  ///< that the task asks for; 0: not known

  /// Whether no more can come. Answers of another program are what they are.
  bool are_final() const {
    if (!run.provenance.imported_from.empty()) return true;
    return asked > 0 ? count >= asked : run.state == RunState::finished;
  }
  std::int64_t in_the_end() const { return are_final() || asked == 0 ? count : asked; }
};

bool same_choice(const Task& a, const Task& b) {
  const auto choice = [](const Task& task) {
    return std::tie(task.items, task.sample, task.first_story, task.last_story, task.first_chunk, task.last_chunk);
  };
  return choice(a) == choice(b);
}

/// How many items both were asked for; refuses runs of which one has or will have what the other will never have.
/// `common`: items that both have; `items`: "questions" or "windows".
Result<std::int64_t> check_items(const OwnItems& base, const OwnItems& other, std::int64_t common,
                                 std::string_view items) {
  const std::string base_name = run_name(base.run), other_name = run_name(other.run);
  const std::int64_t base_lacks = other.count - common, other_lacks = base.count - common;
  const bool differ = (base.are_final() && base_lacks > 0) || (other.are_final() && other_lacks > 0);
  if (differ)
    return refuse("The runs have different {}: {} has {} and {} {}, {} of them in common; {} lacks {}, {} lacks {}.",
                  items, base_name, base.count, other_name, other.count, common, base_name, base_lacks, other_name,
                  other_lacks);
  if (common == 0) return refuse("The runs have none of the {} in common.", items);
  const std::int64_t asked = std::max(base.in_the_end(), other.in_the_end());
  const bool both_final = base.are_final() && other.are_final();
  const bool both_open = !base.are_final() && !other.are_final();
  const bool other_end = base.in_the_end() != other.in_the_end() && base.asked > 0 && other.asked > 0;
  if (!both_final && (other_end || (both_open && !same_choice(base.task, other.task))))
    return refuse("The runs were asked for different {}: {} for {} and {} for {}.", items, base_name, base.in_the_end(),
                  other_name, other.in_the_end());
  return asked;
}

/// Mean negative log-likelihoods of a window in two runs.
struct WindowPair {
  double base = 0, other = 0;
};

Result<WindowPair> pair_window(const PerplexityChunk& base, const PerplexityChunk& other) {
  const auto scored = static_cast<double>(base.scored);
  const WindowPair pair{base.nll_sum / scored, other.nll_sum / scored};
  if (base.scored != other.scored || base.scored < 1 || !std::isfinite(pair.base) || !std::isfinite(pair.other))
    return refuse("Window {} has no likelihoods that can be paired.", other.index);
  return pair;
}

/// Scores of the questions that both runs answered, in the order of `other`.
struct PairedScores {
  std::vector<double> base_f1, other_f1, base_em, other_em;
  std::vector<std::int64_t> stories;

  void add(const QaAnswer& before, const QaAnswer& after, Scorer scorer) {
    const QaScore &a = before.scores[static_cast<std::size_t>(scorer)],
                  &b = after.scores[static_cast<std::size_t>(scorer)];
    base_f1.push_back(a.f1);
    other_f1.push_back(b.f1);
    base_em.push_back(a.em);
    other_em.push_back(b.em);
    stories.push_back(static_cast<std::int64_t>(after.item.story));
  }
};

/// Tokenizers show in the number of tokens of a prompt, too; of imported answers it is not known.
bool same_prompt_length(const QaAnswer& a, const QaAnswer& b) {
  return a.prompt_tokens == b.prompt_tokens || a.prompt_tokens == 0 || b.prompt_tokens == 0;
}

Result<PairedScores> pair_scores(const QaOutcome& base, const QaOutcome& other, Scorer scorer) {
  std::map<ItemKey, const QaAnswer*> by_item;
  for (const QaAnswer& answer : base.answers) by_item.emplace(key_of(answer), &answer);
  PairedScores scores;
  for (const QaAnswer& answer : other.answers) {
    const auto found = by_item.find(key_of(answer));
    if (found == by_item.end()) continue;
    if (!same_prompt_length(*found->second, answer))
      return refuse("The runs used different tokenizers: their scores cannot be paired.");
    scores.add(*found->second, answer, scorer);
  }
  return scores;
}

OwnItems windows_of(const RunResult& run, const Task& task, std::size_t count, std::int64_t asked) {
  return {run, task, static_cast<std::int64_t>(count), asked};
}

OwnItems questions_of(const RunResult& run) { return {run, run.qa->task, std::ssize(run.qa->answers), run.qa->asked}; }

}  // namespace

Result<PairedComparison> compare_runs(const RunResult& base, const RunResult& other, Scorer scorer) {
  if (auto comparable = check_protocols(base, other); !comparable) return tl::unexpected(comparable.error());
  const auto scores = pair_scores(*base.qa, *other.qa, scorer);
  if (!scores) return tl::unexpected(scores.error());
  const auto asked = check_items(questions_of(base), questions_of(other), std::ssize(scores->stories), "questions");
  if (!asked) return tl::unexpected(asked.error());
  PairedComparison comparison = compare_paired(scores->base_f1, scores->other_f1, scores->stories, scores->base_em,
                                               scores->other_em, bootstrap_seed);
  comparison.asked = *asked;
  return comparison;
}

Result<PairedComparison> compare_perplexities(const RunResult& base, const RunResult& other) {
  if (!base.perplexity || !other.perplexity) return refuse("Both runs need a perplexity before they can be compared.");
  const PerplexityOutcome &before = *base.perplexity, &after = *other.perplexity;
  auto comparable = check_texts(before, after);
  if (comparable) comparable = check_tokenizers(base, other);
  if (!comparable) return tl::unexpected(comparable.error());
  std::map<std::int64_t, const PerplexityChunk*> by_index;
  for (const PerplexityChunk& chunk : before.result.chunks) by_index.emplace(chunk.index, &chunk);
  std::vector<double> base_nll, other_nll;
  for (const PerplexityChunk& chunk : after.result.chunks) {
    const auto found = by_index.find(chunk.index);
    if (found == by_index.end()) continue;
    const auto pair = pair_window(*found->second, chunk);
    if (!pair) return tl::unexpected(pair.error());
    base_nll.push_back(pair->base);
    other_nll.push_back(pair->other);
  }
  const auto asked = check_items(windows_of(base, before.task, before.result.chunks.size(), before.asked),
                                 windows_of(other, after.task, after.result.chunks.size(), after.asked),
                                 std::ssize(base_nll), "windows");
  if (!asked) return tl::unexpected(asked.error());
  PairedComparison comparison = compare_paired(base_nll, other_nll, {}, {}, {}, bootstrap_seed);
  comparison.asked = *asked;
  return comparison;
}

Result<void> check_divergences(const RunResult& first, const RunResult& other) {
  if (!first.kl || !other.kl) return refuse("Both runs need a KL divergence.");
  const KlOutcome &a = *first.kl, &b = *other.kl;
  if (first.provenance.fingerprint != other.provenance.fingerprint)
    return refuse("The runs are of different checkpoints: their divergences are from different bases.");
  if (a.base != b.base) return refuse("The divergences are from different bases ({} and {}).", a.base, b.base);
  if (a.text_hash != b.text_hash)
    return refuse("The divergences are of different texts ({} and {}).", a.text_name, b.text_name);
  if (a.task.protocol != b.task.protocol)
    return refuse("The divergences follow different protocols ({} and {}).", a.task.protocol, b.task.protocol);
  if (auto same = check_tokenizers(first, other); !same) return same;
  std::int64_t common = 0;
  for (const KlChunk& chunk : b.result.chunks)
    common += std::ranges::count(a.result.chunks, chunk.index, &KlChunk::index);
  const auto asked = check_items(windows_of(first, a.task, a.result.chunks.size(), a.asked),
                                 windows_of(other, b.task, b.result.chunks.size(), b.asked), common, "windows");
  if (!asked) return tl::unexpected(asked.error());
  return {};
}

}  // namespace quantscope
