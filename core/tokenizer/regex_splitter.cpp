// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/regex_splitter.h"

namespace quantscope {
namespace {

bool joins_previous(const PatternSection& previous, const PatternSection& section, SplitBehavior behavior) {
  switch (behavior) {
    case SplitBehavior::contiguous: return previous.is_match == section.is_match;
    case SplitBehavior::merged_with_previous: return section.is_match && !previous.is_match;
    case SplitBehavior::merged_with_next: return previous.is_match && !section.is_match;
    case SplitBehavior::isolated:
    case SplitBehavior::removed: return false;
  }
  return false;
}

void join_sections(std::string_view text, std::span<const PatternSection> sections, SplitBehavior behavior,
                   std::vector<std::string_view>& pieces) {
  for (std::size_t i = 0; i < sections.size();) {
    std::size_t last = i;
    while (last + 1 < sections.size() && joins_previous(sections[last], sections[last + 1], behavior)) ++last;
    const std::size_t begin = sections[i].begin, end = sections[last].end;
    const bool dropped = behavior == SplitBehavior::removed && sections[i].is_match;
    if (end > begin && !dropped) pieces.push_back(text.substr(begin, end - begin));
    i = last + 1;
  }
}

}  // namespace

Result<RegexSplitter> RegexSplitter::compile(const SplitRule& rule) {
  if (rule.pattern.empty()) return fail(ErrorCode::corrupt_file, "A split pattern is empty.");
  if (rule.literal) return RegexSplitter(TextPattern::literal(rule.pattern), rule);
  Result<TextPattern> pattern = TextPattern::expression(rule.pattern);
  if (!pattern) return tl::unexpected(pattern.error());
  return RegexSplitter(std::move(*pattern), rule);
}

void RegexSplitter::split(std::span<const std::string_view> texts, std::vector<std::string_view>& pieces,
                          const std::stop_token& stop) const {
  const MatchScratch scratch;
  std::vector<PatternSection> sections;
  for (const std::string_view text : texts) {
    if (stop.stop_requested()) return;
    sections.clear();
    pattern_.find(text, scratch, sections, stop);
    if (invert_) {
      for (PatternSection& section : sections) section.is_match = !section.is_match;
    }
    join_sections(text, sections, behavior_, pieces);
  }
}

}  // namespace quantscope
