// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/text_pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <fmt/format.h>
#include <pcre2.h>

#include <array>
#include <cstdint>
#include <optional>

#include "core/input/utf8.h"
#include "core/tokenizer/oniguruma_pattern.h"

namespace quantscope {
namespace {

std::string pcre2_message(int code) {
  std::array<PCRE2_UCHAR, 256> text{};
  pcre2_get_error_message(code, text.data(), text.size());
  return reinterpret_cast<const char*>(text.data());
}

/// The first match at or after `from`.
std::optional<PatternSection> next_match(const pcre2_code* code, pcre2_match_data* data, std::string_view text,
                                         std::size_t from) {
  const int found = pcre2_match(code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), from, PCRE2_NO_UTF_CHECK,
                                data, nullptr);
  if (found < 0) return std::nullopt;
  const PCRE2_SIZE* offsets = pcre2_get_ovector_pointer(data);
  return PatternSection{offsets[0], offsets[1], true};
}

void append_match(PatternSection match, std::size_t& done, std::vector<PatternSection>& sections) {
  if (done < match.begin) sections.push_back({done, match.begin, false});
  sections.push_back(match);
  done = match.end;
}

}  // namespace

MatchScratch::MatchScratch() : data_(pcre2_match_data_create(1, nullptr), &pcre2_match_data_free) {}

Result<TextPattern> TextPattern::expression(std::string_view oniguruma) {
  const Result<std::string> pattern = pcre2_pattern(oniguruma);
  if (!pattern) return tl::unexpected(pattern.error());
  int error = 0;
  PCRE2_SIZE offset = 0;
  pcre2_code* code =
      pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern->data()), pattern->size(),
                    PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C, &error, &offset, nullptr);
  if (code == nullptr) {
    return fail(ErrorCode::unsupported, fmt::format("The pattern \"{1}\" cannot be compiled: {0}.",
                                                    pcre2_message(error), oniguruma.substr(0, 200)));
  }
  // Without a just-in-time compiler on this machine pcre2_match() interprets the pattern: slower, same result.
  pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
  TextPattern compiled;
  compiled.code_.reset(code, [](const pcre2_code* owned) { pcre2_code_free(const_cast<pcre2_code*>(owned)); });
  return compiled;
}

TextPattern TextPattern::literal(std::string_view text) {
  TextPattern pattern;
  pattern.literal_ = text;
  return pattern;
}

void TextPattern::find(std::string_view text, const MatchScratch& scratch, std::vector<PatternSection>& sections,
                       const std::stop_token& stop) const {
  if (code_) {
    find_expression(text, scratch, sections, stop);
  } else {
    find_literal(text, sections, stop);
  }
}

void TextPattern::find_literal(std::string_view text, std::vector<PatternSection>& sections,
                               const std::stop_token& stop) const {
  std::size_t done = 0;
  for (std::size_t at = text.find(literal_); at != std::string_view::npos; at = text.find(literal_, done)) {
    if (stop.stop_requested()) break;
    append_match({at, at + literal_.size(), true}, done, sections);
  }
  if (done < text.size()) sections.push_back({done, text.size(), false});
}

void TextPattern::find_expression(std::string_view text, const MatchScratch& scratch,
                                  std::vector<PatternSection>& sections, const std::stop_token& stop) const {
  std::size_t done = 0, from = 0;
  bool after_match = false;
  while (from <= text.size() && !stop.stop_requested()) {
    const std::optional<PatternSection> match = next_match(code_.get(), scratch.data(), text, from);
    if (!match) break;
    const bool empty = match->begin == match->end;
    from = match->end;
    if (!(empty && after_match && match->end == done)) append_match(*match, done, sections);
    after_match = true;
    if (empty) from += from < text.size() ? first_utf8_part(text.substr(from)).length : 1;
  }
  if (done < text.size()) sections.push_back({done, text.size(), false});
}

std::string TextPattern::replace(std::string_view text, std::string_view replacement,
                                 const std::stop_token& stop) const {
  std::vector<PatternSection> sections;
  find(text, MatchScratch(), sections, stop);
  std::string replaced;
  replaced.reserve(text.size());
  const std::size_t limit = 64 * text.size() + 4096;
  for (const PatternSection& section : sections) {
    if (stop.stop_requested()) break;
    const bool replaces = section.is_match && replaced.size() < limit;
    replaced += replaces ? replacement : text.substr(section.begin, section.end - section.begin);
  }
  return replaced;
}

}  // namespace quantscope
