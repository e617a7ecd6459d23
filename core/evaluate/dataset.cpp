// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/evaluate/dataset.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <numeric>
#include <optional>

#include "core/evaluate/random.h"

namespace quantscope {
namespace {

/// The whole of `text` as a decimal number, or nothing.
template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

tl::unexpected<Error> bad_sample(std::string_view text) {
  return fail(ErrorCode::invalid_argument,
              fmt::format("'{}' is not a sample; write all, first:N or random:N:SEED with N at least 1.", text));
}

std::vector<QaItem> items_of_stories(const QaDataset& dataset, Items items, std::size_t first, std::size_t last) {
  std::vector<QaItem> chosen;
  for (std::size_t story = first; story < last; ++story) {
    const auto& questions = dataset.stories[story].questions;
    const std::size_t before = chosen.size();
    for (std::size_t question = 0; question < questions.size(); ++question)
      if (!questions[question].references.empty()) chosen.push_back({story, question});
    if (items == Items::last && chosen.size() > before + 1)
      chosen.erase(chosen.begin() + static_cast<std::ptrdiff_t>(before), chosen.end() - 1);
  }
  return chosen;
}

/// `count` of `items` without replacement, in their own order: the first `count` steps of a Fisher-Yates shuffle of the
/// indices (step i exchanges i with i + below(size - i)), then sorted.
std::vector<QaItem> draw_items(const std::vector<QaItem>& items, std::size_t count, std::uint64_t seed) {
  std::vector<std::uint32_t> order(items.size());
  std::iota(order.begin(), order.end(), 0U);
  Pcg32 random(seed);
  for (std::size_t i = 0; i < count; ++i) {
    std::swap(order[i], order[i + random.below(static_cast<std::uint32_t>(order.size() - i))]);
  }
  order.resize(count);
  std::ranges::sort(order);
  std::vector<QaItem> drawn;
  drawn.reserve(count);
  for (const std::uint32_t index : order) drawn.push_back(items[index]);
  return drawn;
}

}  // namespace

std::vector<std::string> QaDataset::notes() const {
  std::vector<std::string> sentences = repairs;
  if (single_reference && prompt == QaPrompt::dialogue) {
    sentences.emplace_back(
        "Single-reference file: every question has one reference answer, so the three scorers agree and scores are not "
        "comparable with published CoQA results, which use four.");
  }
  if (bundled_sample) {
    sentences.emplace_back(
        "Bundled sample dataset, written for this program: not CoQA; its scores only compare runs of this program with "
        "each other.");
  }
  return sentences;
}

Result<Sample> parse_sample(std::string_view text) {
  if (text == "all") return Sample{};
  Sample sample;
  std::string_view rest;
  if (text.starts_with("first:")) {
    sample.kind = Sample::Kind::first;
    rest = text.substr(6);
  } else if (text.starts_with("random:")) {
    sample.kind = Sample::Kind::random;
    rest = text.substr(7);
    const std::size_t colon = rest.find(':');
    if (colon == std::string_view::npos) return bad_sample(text);
    const auto seed = parse_number<std::uint64_t>(rest.substr(colon + 1));
    if (!seed) return bad_sample(text);
    sample.seed = *seed;
    rest = rest.substr(0, colon);
  } else {
    return bad_sample(text);
  }
  const auto count = parse_number<std::int64_t>(rest);
  if (!count || *count < 1) return bad_sample(text);
  sample.count = *count;
  return sample;
}

std::string sample_text(const Sample& sample) {
  switch (sample.kind) {
    case Sample::Kind::all: break;
    case Sample::Kind::first: return fmt::format("first:{}", sample.count);
    case Sample::Kind::random: return fmt::format("random:{}:{}", sample.count, sample.seed);
  }
  return "all";
}

Result<std::vector<QaItem>> choose_items(const QaDataset& dataset, Items items, const Sample& sample,
                                         std::size_t first_story, std::size_t last_story) {
  const std::size_t stories = dataset.stories.size();
  const std::size_t end = last_story == 0 ? stories : std::min(last_story, stories);
  std::vector<QaItem> chosen = items_of_stories(dataset, items, first_story, end);
  if (chosen.empty()) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("No questions are left: stories {} to {} were asked for and {} has {} stories; choose a "
                            "range inside them.",
                            first_story, last_story == 0 ? stories : last_story, dataset.name, stories));
  }
  if (chosen.size() > std::numeric_limits<std::uint32_t>::max()) {
    return fail(ErrorCode::unsupported, fmt::format("{} has more than 2^32 questions.", dataset.name));
  }
  if (sample.kind == Sample::Kind::all) return chosen;
  if (sample.count < 1) {
    return fail(ErrorCode::invalid_argument,
                "A sample must have at least one item; write all, first:N or random:N:SEED.");
  }
  const std::size_t count = std::min(chosen.size(), static_cast<std::size_t>(sample.count));
  if (sample.kind == Sample::Kind::random) return draw_items(chosen, count, sample.seed);
  chosen.resize(count);
  return chosen;
}

std::string_view coqa_domain(std::string_view source) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 4> names = {
      {{"mctest", "children_stories"}, {"gutenberg", "literature"}, {"race", "mid-high_school"}, {"cnn", "news"}}};
  for (const auto& [file_name, domain] : names)
    if (source == file_name) return domain;
  return source;
}

}  // namespace quantscope
