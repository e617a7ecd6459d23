// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/token_decoder.h"

#include <algorithm>

#include "core/input/utf8.h"
#include "core/tokenizer/byte_level.h"

namespace quantscope {
namespace {

using Tokens = std::vector<std::string>;

std::string joined(const Tokens& tokens, std::string_view separator) {
  std::string text;
  for (const std::string& token : tokens) {
    if (&token != tokens.data()) text += separator;
    text += token;
  }
  return text;
}

void perform(const DecodeByteLevel&, Tokens& tokens) {
  std::string bytes;
  for (const std::string& token : tokens) bytes += decoded_piece(token);
  tokens = {replace_invalid_utf8(bytes)};
}

void flush(std::string& run, Tokens& tokens) {
  if (run.empty()) return;
  const bool valid = is_utf8(run);
  if (valid) tokens.push_back(run);
  for (std::size_t i = 0; !valid && i < run.size(); ++i) tokens.emplace_back("\xEF\xBF\xBD");
  run.clear();
}

void perform(const DecodeByteFallback&, Tokens& tokens) {
  Tokens decoded;
  std::string run;
  for (std::string& token : tokens) {
    if (const std::optional<unsigned char> byte = byte_of_token(token)) {
      run.push_back(static_cast<char>(*byte));
      continue;
    }
    flush(run, decoded);
    decoded.push_back(std::move(token));
  }
  flush(run, decoded);
  tokens = std::move(decoded);
}

void perform(const DecodeFuse&, Tokens& tokens) { tokens = {joined(tokens, "")}; }

void perform(const DecodeStrip& strip, Tokens& tokens) {
  for (std::string& token : tokens) {
    std::string_view left = token;
    for (std::size_t i = 0; i < strip.start && left.starts_with(strip.character); ++i) {
      left.remove_prefix(strip.character.size());
    }
    for (std::size_t i = 0; i < strip.stop && left.ends_with(strip.character); ++i) {
      left.remove_suffix(strip.character.size());
    }
    token = std::string(left);
  }
}

void perform(const DecodeReplace& replace, Tokens& tokens) {
  for (std::string& token : tokens) token = replace.pattern.replace(token, replace.content);
}

void perform(const DecodeMetaspace& metaspace, Tokens& tokens) {
  const TextPattern mark = TextPattern::literal(metaspace.replacement);
  for (std::string& token : tokens) {
    const bool first = &token == tokens.data() && metaspace.prepend != PrependScheme::never;
    token = mark.replace(token, first ? "" : " ");
  }
}

/// What a step makes of a token that stands somewhere in the middle.
struct MiddleToken {
  std::string bytes;

  void operator()(const DecodeByteLevel&) { bytes = decoded_piece(bytes); }
  void operator()(const DecodeByteFallback&) {
    if (const auto byte = byte_of_token(bytes)) bytes.assign(1, static_cast<char>(*byte));
  }
  void operator()(const DecodeFuse&) {}
  void operator()(const DecodeStrip&) {}
  void operator()(const DecodeReplace& replace) {
    if (is_utf8(bytes)) bytes = replace.pattern.replace(bytes, replace.content);
  }
  void operator()(const DecodeMetaspace& metaspace) {
    bytes = TextPattern::literal(metaspace.replacement).replace(bytes, " ");
  }
};

}  // namespace

void TokenDecoder::add(Step step) { steps_.push_back(std::move(step)); }

bool TokenDecoder::only_byte_level() const {
  const auto is = [](const Step& step, auto kind) { return std::holds_alternative<decltype(kind)>(step); };
  const bool any = std::ranges::any_of(steps_, [&](const Step& step) { return is(step, DecodeByteLevel{}); });
  return any && std::ranges::all_of(
                    steps_, [&](const Step& step) { return is(step, DecodeByteLevel{}) || is(step, DecodeFuse{}); });
}

std::string TokenDecoder::decode(std::vector<std::string> tokens) const {
  if (steps_.empty()) return replace_invalid_utf8(joined(tokens, " "));
  for (const Step& step : steps_) {
    std::visit([&tokens](const auto& kind) { perform(kind, tokens); }, step);
  }
  return replace_invalid_utf8(joined(tokens, ""));
}

std::string TokenDecoder::token_bytes(std::string_view token) const {
  MiddleToken middle{std::string(token)};
  for (const Step& step : steps_) std::visit(middle, step);
  return middle.bytes;
}

}  // namespace quantscope
