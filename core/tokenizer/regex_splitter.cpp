// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/regex_splitter.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <fmt/format.h>
#include <pcre2.h>

#include <array>
#include <cstdint>

#include "core/tokenizer/oniguruma_pattern.h"
#include "core/tokenizer/utf8.h"

namespace quantscope {
namespace {

using MatchData = std::unique_ptr<pcre2_match_data, decltype(&pcre2_match_data_free)>;

/// A stretch of the text: a match, or what lies before, between or after matches.
struct Section {
  std::size_t begin = 0, end = 0;
  bool is_match = false;
};

std::string pcre2_message(int code) {
  std::array<PCRE2_UCHAR, 256> text{};
  pcre2_get_error_message(code, text.data(), text.size());
  return reinterpret_cast<const char*>(text.data());
}

/// The section of the next match at or after `from`; a section at the end of the text when there is none.
Section next_match(const pcre2_code* code, pcre2_match_data* data, std::string_view text, std::size_t from) {
  const int found = pcre2_match(code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), from, PCRE2_NO_UTF_CHECK,
                                data, nullptr);
  if (found < 0) return {text.size(), text.size(), false};
  const PCRE2_SIZE* offsets = pcre2_get_ovector_pointer(data);
  return {offsets[0], offsets[1], true};
}

void find_sections(const pcre2_code* code, pcre2_match_data* data, std::string_view text,
                   std::vector<Section>& sections) {
  std::size_t done = 0, from = 0;
  while (from < text.size()) {
    const Section match = next_match(code, data, text, from);
    if (done < match.begin) sections.push_back({done, match.begin, false});
    if (!match.is_match) return;
    sections.push_back(match);
    done = from = match.end;
    if (match.begin == match.end && from < text.size()) from += first_utf8_part(text.substr(from)).length;
  }
  if (done < text.size()) sections.push_back({done, text.size(), false});
}

bool joins_previous(const Section& previous, const Section& section, SplitBehavior behavior) {
  switch (behavior) {
    case SplitBehavior::contiguous: return previous.is_match == section.is_match;
    case SplitBehavior::merged_with_previous: return section.is_match && !previous.is_match;
    case SplitBehavior::merged_with_next: return previous.is_match && !section.is_match;
    case SplitBehavior::isolated:
    case SplitBehavior::removed: return false;
  }
  return false;
}

void join_sections(std::string_view text, std::span<const Section> sections, SplitBehavior behavior,
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
  const Result<std::string> pattern = rule.literal ? Result<std::string>(rule.pattern) : pcre2_pattern(rule.pattern);
  if (!pattern) return tl::unexpected(pattern.error());
  int error = 0;
  PCRE2_SIZE offset = 0;
  const std::uint32_t syntax = rule.literal ? PCRE2_LITERAL : PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C;
  pcre2_code* code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern->data()), pattern->size(), PCRE2_UTF | syntax,
                                   &error, &offset, nullptr);
  if (code == nullptr) {
    return fail(ErrorCode::unsupported, fmt::format("The split pattern \"{1}\" cannot be compiled: {0}.",
                                                    pcre2_message(error), rule.pattern.substr(0, 200)));
  }
  // Without a just-in-time compiler on this machine pcre2_match() interprets the pattern: slower, same result.
  pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
  RegexSplitter splitter;
  splitter.code_.reset(code, [](const pcre2_code* owned) { pcre2_code_free(const_cast<pcre2_code*>(owned)); });
  splitter.behavior_ = rule.behavior;
  splitter.invert_ = rule.invert;
  return splitter;
}

void RegexSplitter::split(std::span<const std::string_view> texts, std::vector<std::string_view>& pieces) const {
  const MatchData data(pcre2_match_data_create(1, nullptr), &pcre2_match_data_free);
  std::vector<Section> sections;
  for (const std::string_view text : texts) {
    sections.clear();
    find_sections(code_.get(), data.get(), text, sections);
    if (invert_) {
      for (Section& section : sections) section.is_match = !section.is_match;
    }
    join_sections(text, sections, behavior_, pieces);
  }
}

}  // namespace quantscope
