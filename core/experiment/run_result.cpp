// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/experiment/run_result.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

namespace quantscope {
namespace {

constexpr std::uint64_t bootstrap_seed = 20'180'821;  // any fixed number: the same runs give the same interval

template <double QaScore::*figure>
MeanEstimate mean_of(const std::vector<QaAnswer>& answers, Scorer scorer) {
  std::vector<double> values;
  values.reserve(answers.size());
  for (const QaAnswer& answer : answers) values.push_back(answer.scores[static_cast<std::size_t>(scorer)].*figure);
  return estimate_mean(values);
}

template <std::int64_t QaAnswer::*count>
std::int64_t sum_of(const std::vector<QaAnswer>& answers) {
  std::int64_t sum = 0;
  for (const QaAnswer& answer : answers) sum += answer.*count;
  return sum;
}

using ItemKey = std::pair<std::size_t, std::size_t>;

ItemKey key_of(const QaAnswer& answer) { return {answer.item.story, answer.item.question}; }

/// Whether scores of the two runs mean the same.
Result<void> check_protocols(const RunResult& base, const RunResult& other) {
  if (!base.qa || !other.qa)
    return fail(ErrorCode::invalid_argument, "Both runs need answers to questions before they can be compared.");
  if (base.qa->dataset_hash != other.qa->dataset_hash)
    return fail(ErrorCode::invalid_argument,
                fmt::format("The runs answered different datasets ({} and {}): their scores cannot be paired.",
                            base.qa->dataset_name, other.qa->dataset_name));
  if (base.qa->task.protocol != other.qa->task.protocol)
    return fail(ErrorCode::invalid_argument, fmt::format("The runs used different prompts ({} and {}).",
                                                         base.qa->task.protocol, other.qa->task.protocol));
  if (base.qa->task.scorer != other.qa->task.scorer)
    return fail(ErrorCode::invalid_argument,
                fmt::format("The runs are scored in different ways ({} and {}).", scorer_label(base.qa->task.scorer),
                            scorer_label(other.qa->task.scorer)));
  return {};
}

Result<void> check_texts(const PerplexityOutcome& base, const PerplexityOutcome& other) {
  if (base.text_hash != other.text_hash)
    return fail(ErrorCode::invalid_argument,
                fmt::format("The runs read different texts ({} and {}): their perplexities cannot be paired.",
                            base.text_name, other.text_name));
  if (base.task.protocol != other.task.protocol)
    return fail(ErrorCode::invalid_argument,
                fmt::format("The runs used different protocols ({} and {}).", base.task.protocol, other.task.protocol));
  if (base.result.tokens != other.result.tokens)
    return fail(ErrorCode::invalid_argument,
                fmt::format("The runs used different tokenizers ({} and {} tokens of the same text): their "
                            "perplexities cannot be paired.",
                            base.result.tokens, other.result.tokens));
  return {};
}

/// Mean negative log-likelihoods of a window in two runs.
struct WindowPair {
  double base = 0, other = 0;
};

Result<WindowPair> pair_window(const PerplexityChunk& base, const PerplexityChunk& other) {
  const auto scored = static_cast<double>(base.scored);
  const WindowPair pair{base.nll_sum / scored, other.nll_sum / scored};
  if (base.scored != other.scored || base.scored < 1 || !std::isfinite(pair.base) || !std::isfinite(pair.other))
    return fail(ErrorCode::invalid_argument,
                fmt::format("Window {} has no likelihoods that can be paired.", other.index));
  return pair;
}

/// Tokenizers show in the number of tokens of a prompt; of imported answers it is not known.
bool same_prompt_length(const QaAnswer& a, const QaAnswer& b) {
  return a.prompt_tokens == b.prompt_tokens || a.prompt_tokens == 0 || b.prompt_tokens == 0;
}

}  // namespace

MeanEstimate QaOutcome::f1(Scorer scorer) const { return mean_of<&QaScore::f1>(answers, scorer); }

MeanEstimate QaOutcome::em(Scorer scorer) const { return mean_of<&QaScore::em>(answers, scorer); }

std::int64_t QaOutcome::prompt_tokens() const { return sum_of<&QaAnswer::prompt_tokens>(answers); }

std::int64_t QaOutcome::computed_prompt_tokens() const { return sum_of<&QaAnswer::computed_tokens>(answers); }

std::vector<DomainScore> QaOutcome::domains(Scorer scorer) const {
  std::map<std::string_view, std::vector<QaAnswer>> by_domain;
  for (const QaAnswer& answer : answers) by_domain[coqa_domain(answer.source)].push_back(answer);
  std::vector<DomainScore> scores;
  for (const auto& [domain, own] : by_domain)
    scores.push_back({std::string(domain), mean_of<&QaScore::f1>(own, scorer), mean_of<&QaScore::em>(own, scorer)});
  return scores;
}

std::string run_name(const RunResult& result) {
  const std::string& file = result.provenance.imported_from;
  return file.empty() ? configuration_text(result.request.settings) : file;
}

Result<PairedComparison> compare_runs(const RunResult& base, const RunResult& other, Scorer scorer) {
  if (auto comparable = check_protocols(base, other); !comparable) return tl::unexpected(comparable.error());
  std::map<ItemKey, const QaAnswer*> by_item;
  for (const QaAnswer& answer : base.qa->answers) by_item.emplace(key_of(answer), &answer);
  std::vector<double> base_f1, other_f1, base_em, other_em;
  std::vector<std::int64_t> stories;
  for (const QaAnswer& answer : other.qa->answers) {
    const auto found = by_item.find(key_of(answer));
    if (found == by_item.end()) continue;
    const QaScore& before = found->second->scores[static_cast<std::size_t>(scorer)];
    const QaScore& after = answer.scores[static_cast<std::size_t>(scorer)];
    if (!same_prompt_length(*found->second, answer))
      return fail(ErrorCode::invalid_argument, "The runs used different tokenizers: their scores cannot be paired.");
    base_f1.push_back(before.f1);
    other_f1.push_back(after.f1);
    base_em.push_back(before.em);
    other_em.push_back(after.em);
    stories.push_back(static_cast<std::int64_t>(answer.item.story));
  }
  if (base_f1.empty()) return fail(ErrorCode::invalid_argument, "The runs have no question in common.");
  if (base_f1.size() < std::min(base.qa->answers.size(), other.qa->answers.size()))
    return fail(ErrorCode::invalid_argument,
                fmt::format("The runs answered different samples: {} and {} questions, {} of them in common.",
                            base.qa->answers.size(), other.qa->answers.size(), base_f1.size()));
  return compare_paired(base_f1, other_f1, stories, base_em, other_em, bootstrap_seed);
}

Result<PairedComparison> compare_perplexities(const RunResult& base, const RunResult& other) {
  if (!base.perplexity || !other.perplexity)
    return fail(ErrorCode::invalid_argument, "Both runs need a perplexity before they can be compared.");
  if (auto comparable = check_texts(*base.perplexity, *other.perplexity); !comparable)
    return tl::unexpected(comparable.error());
  std::map<std::int64_t, const PerplexityChunk*> by_index;
  for (const PerplexityChunk& chunk : base.perplexity->result.chunks) by_index.emplace(chunk.index, &chunk);
  std::vector<double> base_nll, other_nll;
  for (const PerplexityChunk& chunk : other.perplexity->result.chunks) {
    const auto found = by_index.find(chunk.index);
    if (found == by_index.end()) continue;
    const auto pair = pair_window(*found->second, chunk);
    if (!pair) return tl::unexpected(pair.error());
    base_nll.push_back(pair->base);
    other_nll.push_back(pair->other);
  }
  if (base_nll.empty()) return fail(ErrorCode::invalid_argument, "The runs have no window of the text in common.");
  return compare_paired(base_nll, other_nll, {}, {}, {}, bootstrap_seed);
}

}  // namespace quantscope
