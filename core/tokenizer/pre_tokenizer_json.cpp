// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/pre_tokenizer_json.h"

#include <optional>
#include <vector>

#include "core/tokenizer/json_fields.h"
#include "core/tokenizer/json_parts.h"
#include "core/tokenizer/split_patterns.h"

namespace quantscope {
namespace {

using nlohmann::json;

std::optional<SplitBehavior> behavior_named(std::string_view name) {
  if (name == "Isolated") return SplitBehavior::isolated;
  if (name == "Removed") return SplitBehavior::removed;
  if (name == "Contiguous") return SplitBehavior::contiguous;
  if (name == "MergedWithPrevious") return SplitBehavior::merged_with_previous;
  if (name == "MergedWithNext") return SplitBehavior::merged_with_next;
  return std::nullopt;
}

Result<void> add_split(const SplitRule& rule, PreTokenizer& pre_tokenizer) {
  Result<RegexSplitter> splitter = RegexSplitter::compile(rule);
  if (!splitter) return tl::unexpected(splitter.error());
  pre_tokenizer.add(std::move(*splitter));
  return {};
}

Result<void> read_split(const json& value, PreTokenizer& pre_tokenizer) {
  const json& pattern = json_field(value, "pattern");
  const bool literal = pattern.contains("String");
  const std::string_view text = json_text(pattern, literal ? "String" : "Regex");
  const std::optional<SplitBehavior> behavior = behavior_named(json_text(value, "behavior"));
  if (text.empty() || !behavior) {
    return fail(ErrorCode::corrupt_file,
                "A Split pre-tokenizer lacks its pattern or has an unknown behavior; get the tokenizer's files again.");
  }
  return add_split({std::string(text), literal, *behavior, json_flag(value, "invert", false)}, pre_tokenizer);
}

Result<void> read_byte_level(const json& value, PreTokenizer& pre_tokenizer) {
  if (json_flag(value, "add_prefix_space", true)) pre_tokenizer.add(PrefixSpace{});
  if (!json_flag(value, "use_regex", true)) return {};
  return add_split({.pattern = std::string(kGpt2Split)}, pre_tokenizer);
}

Result<void> read_digits(const json& value, PreTokenizer& pre_tokenizer) {
  const bool individual = json_flag(value, "individual_digits", false);
  return add_split({.pattern = std::string(individual ? kSingleDigit : kDigitRun)}, pre_tokenizer);
}

Result<void> read_punctuation(const json& value, PreTokenizer& pre_tokenizer) {
  const std::string_view name = json_text(value, "behavior");
  const std::optional<SplitBehavior> behavior = name.empty() ? SplitBehavior::isolated : behavior_named(name);
  if (!behavior) return refuse_part("pre_tokenizer", "Punctuation with an unknown behavior");
  return add_split({.pattern = std::string(kPunctuation), .behavior = *behavior}, pre_tokenizer);
}

Result<void> read_delimiter(const json& value, PreTokenizer& pre_tokenizer) {
  const std::string delimiter(json_text(value, "delimiter"));
  return add_split({delimiter, true, SplitBehavior::removed}, pre_tokenizer);
}

Result<void> read_metaspace(const json& value, PreTokenizer& pre_tokenizer) {
  Result<std::string> mark = read_space_mark(value);
  if (!mark) return tl::unexpected(mark.error());
  const Result<PrependScheme> scheme = read_prepend_scheme(value);
  if (!scheme) return tl::unexpected(scheme.error());
  pre_tokenizer.add(
      Metaspace{.replacement = std::move(*mark), .prepend = *scheme, .split = json_flag(value, "split", true)});
  return {};
}

Result<void> read_step(const json& value, PreTokenizer& pre_tokenizer) {
  const std::string_view type = json_text(value, "type");
  if (type == "ByteLevel") return read_byte_level(value, pre_tokenizer);
  if (type == "Split") return read_split(value, pre_tokenizer);
  if (type == "Digits") return read_digits(value, pre_tokenizer);
  if (type == "Punctuation") return read_punctuation(value, pre_tokenizer);
  if (type == "CharDelimiterSplit") return read_delimiter(value, pre_tokenizer);
  if (type == "Metaspace") return read_metaspace(value, pre_tokenizer);
  if (type == "WhitespaceSplit") {
    return add_split({.pattern = R"(\s)", .behavior = SplitBehavior::removed}, pre_tokenizer);
  }
  if (type == "Whitespace") {
    return add_split({std::string(kWordOrRest), false, SplitBehavior::removed, true}, pre_tokenizer);
  }
  return refuse_part("pre_tokenizer", type);
}

}  // namespace

Result<PrependScheme> read_prepend_scheme(const json& value) {
  const std::string_view scheme = json_text(value, "prepend_scheme");
  if (scheme == "always") return PrependScheme::always;
  if (scheme == "first") return PrependScheme::first;
  if (scheme == "never") return PrependScheme::never;
  if (!scheme.empty()) return refuse_part("prepend_scheme", scheme);
  return json_flag(value, "add_prefix_space", true) ? PrependScheme::always : PrependScheme::never;
}

Result<PreTokenizerSpec> read_pre_tokenizer(const json& value) {
  const auto parts = sequence_parts(value, "pretokenizers", "pre_tokenizer");
  if (!parts) return tl::unexpected(parts.error());
  PreTokenizerSpec spec;
  for (const json* part : *parts) {
    // ByteLevel respells the text, so a step after it would see other characters than one before it.
    if (spec.byte_level) return refuse_part("pre_tokenizer", "ByteLevel before another");
    if (const Result<void> read = read_step(*part, spec.steps); !read) return tl::unexpected(read.error());
    spec.byte_level = json_text(*part, "type") == "ByteLevel";
  }
  return spec;
}

}  // namespace quantscope
