// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/evaluate/scorers.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>
#include <vector>

#include "core/evaluate/unicode_text.h"

namespace quantscope {
namespace {

using Words = std::vector<std::u32string>;

struct ScorerNames {
  Scorer scorer;
  std::string_view name;
  std::string_view label;
};
constexpr std::array<ScorerNames, 3> scorer_names = {{
    {Scorer::lm_eval, "lm-eval", "lm-eval 3.0"},
    {Scorer::official, "official", "official (leave-one-out)"},
    {Scorer::max, "max", "plain maximum"},
}};

bool is_ascii_punctuation(char32_t c) {
  return (c >= U'!' && c <= U'/') || (c >= U':' && c <= U'@') || (c >= U'[' && c <= U'`') || (c >= U'{' && c <= U'~');
}

bool is_article(std::u32string_view word) { return word == U"a" || word == U"an" || word == U"the"; }

/// Lower-cased, without ASCII punctuation. Deleting joins the neighbours: "U.S." becomes "us".
std::u32string bare_text(std::string_view answer) {
  std::u32string text = lower_case(to_code_points(answer));
  std::erase_if(text, is_ascii_punctuation);
  return text;
}

/// Replaces each article by a space. An article is a whole run of word characters, not a part between spaces: the
/// typographic dash in "the\u2014end" is no word character, so its "the" goes.
std::u32string without_articles(std::u32string_view text) {
  std::u32string result;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at;
    while (end < text.size() && is_python_word_character(text[end])) ++end;
    if (end == at) {
      result += text[at++];
      continue;
    }
    const std::u32string_view word = text.substr(at, end - at);
    result += is_article(word) ? std::u32string_view(U" ") : word;
    at = end;
  }
  return result;
}

Words split_at_white_space(std::u32string_view text) {
  Words words;
  bool inside = false;
  for (const char32_t c : text) {
    const bool ink = !is_python_white_space(c);
    if (ink && !inside) words.emplace_back();
    if (ink) words.back() += c;
    inside = ink;
  }
  return words;
}

Words normalized_words(std::string_view answer) { return split_at_white_space(without_articles(bare_text(answer))); }

/// How many words two sorted lists have in common, each as often as it stands in both.
std::size_t common_words(const Words& a, const Words& b) {
  std::size_t common = 0;
  for (auto i = a.begin(), j = b.begin(); i != a.end() && j != b.end();) {
    if (*i == *j) {
      ++common, ++i, ++j;
    } else if (*i < *j) {
      ++i;
    } else {
      ++j;
    }
  }
  return common;
}

QaScore score_against(const Words& prediction, const Words& reference) {
  const double em = prediction == reference ? 1.0 : 0.0;
  if (prediction.empty() || reference.empty()) return {em, em};
  Words sorted_prediction = prediction, sorted_reference = reference;
  std::ranges::sort(sorted_prediction);
  std::ranges::sort(sorted_reference);
  const auto common = static_cast<double>(common_words(sorted_prediction, sorted_reference));
  if (common == 0) return {0.0, em};
  const double precision = common / static_cast<double>(prediction.size());
  const double recall = common / static_cast<double>(reference.size());
  return {2 * precision * recall / (precision + recall), em};
}

/// The references whose lower-case raw text has not appeared before; the first spelling stays.
std::vector<std::string> distinct_references(std::span<const std::string> references) {
  std::vector<std::string> distinct;
  std::vector<std::u32string> seen;
  for (const std::string& reference : references) {
    std::u32string lower = lower_case(to_code_points(reference));
    if (std::ranges::find(seen, lower) != seen.end()) continue;
    seen.push_back(std::move(lower));
    distinct.push_back(reference);
  }
  return distinct;
}

QaScore best(std::span<const QaScore> scores) {
  QaScore result;
  for (const QaScore& score : scores) {
    result.f1 = std::max(result.f1, score.f1);
    result.em = std::max(result.em, score.em);
  }
  return result;
}

/// Mean over i of the best score against all references but the i-th; with one reference, the score against it.
QaScore leave_one_out(std::vector<QaScore> scores) {
  if (scores.size() <= 1) return best(scores);
  QaScore sum;
  for (std::size_t left_out = 0; left_out < scores.size(); ++left_out) {
    const QaScore kept = std::exchange(scores[left_out], QaScore{});
    const QaScore rest = best(scores);
    scores[left_out] = kept;
    sum.f1 += rest.f1;
    sum.em += rest.em;
  }
  const auto count = static_cast<double>(scores.size());
  return {sum.f1 / count, sum.em / count};
}

std::vector<QaScore> score_each(std::string_view prediction, std::span<const std::string> references) {
  const Words predicted = normalized_words(prediction);
  std::vector<QaScore> scores;
  scores.reserve(references.size());
  for (const std::string& reference : references) {
    scores.push_back(score_against(predicted, normalized_words(reference)));
  }
  return scores;
}

}  // namespace

std::string_view scorer_name(Scorer scorer) { return scorer_names[static_cast<std::size_t>(scorer)].name; }

std::string_view scorer_label(Scorer scorer) { return scorer_names[static_cast<std::size_t>(scorer)].label; }

std::optional<Scorer> parse_scorer(std::string_view name) {
  const auto found = std::ranges::find(scorer_names, name, &ScorerNames::name);
  if (found == scorer_names.end()) return std::nullopt;
  return found->scorer;
}

std::string normalize_answer(std::string_view answer) {
  std::u32string joined;
  for (const std::u32string& word : normalized_words(answer)) {
    if (!joined.empty()) joined += U' ';
    joined += word;
  }
  return to_utf8(joined);
}

QaScore score_answer(std::string_view prediction, std::span<const std::string> references, Scorer scorer) {
  switch (scorer) {
    case Scorer::lm_eval: return leave_one_out(score_each(prediction, distinct_references(references)));
    case Scorer::official: return leave_one_out(score_each(prediction, references));
    case Scorer::max: break;
  }
  return best(score_each(prediction, references));
}

}  // namespace quantscope
