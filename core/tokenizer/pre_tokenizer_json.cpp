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

Result<void> read_step(const json& value, PreTokenizer& pre_tokenizer) {
  const std::string_view type = json_text(value, "type");
  if (type == "ByteLevel") return read_byte_level(value, pre_tokenizer);
  if (type == "Split") return read_split(value, pre_tokenizer);
  if (type == "Digits") {
    const bool individual = json_flag(value, "individual_digits", false);
    return add_split({.pattern = std::string(individual ? kSingleDigit : kDigitRun)}, pre_tokenizer);
  }
  return refuse_part("pre_tokenizer", type);
}

}  // namespace

Result<PreTokenizer> read_pre_tokenizer(const json& value) {
  const auto parts = sequence_parts(value, "pretokenizers", "pre_tokenizer");
  if (!parts) return tl::unexpected(parts.error());
  if (parts->empty()) return refuse_part("pre_tokenizer", "");
  PreTokenizer pre_tokenizer;
  for (const json* part : *parts) {
    if (const Result<void> read = read_step(*part, pre_tokenizer); !read) return tl::unexpected(read.error());
    const bool is_byte_level = json_text(*part, "type") == "ByteLevel";
    // ByteLevel respells the text, so a step after it would see other characters than one before it.
    if (is_byte_level && part != parts->back()) return refuse_part("pre_tokenizer", "ByteLevel before another");
    if (!is_byte_level && part == parts->back()) return refuse_part("pre_tokenizer", "without ByteLevel at its end");
  }
  return pre_tokenizer;
}

Result<bool> read_nfc(const json& normalizer) {
  const auto parts = sequence_parts(normalizer, "normalizers", "normalizer");
  if (!parts) return tl::unexpected(parts.error());
  for (const json* part : *parts) {
    if (json_text(*part, "type") != "NFC") return refuse_part("normalizer", json_text(*part, "type"));
  }
  return !parts->empty();
}

Result<void> check_decoder(const json& decoder) {
  const auto parts = sequence_parts(decoder, "decoders", "decoder");
  if (!parts) return tl::unexpected(parts.error());
  bool byte_level = false;
  for (const json* part : *parts) {
    const std::string_view type = json_text(*part, "type");
    if (type != "ByteLevel" && type != "Fuse") return refuse_part("decoder", type);
    byte_level = byte_level || type == "ByteLevel";
  }
  if (!byte_level) return refuse_part("decoder", "");
  return {};
}

}  // namespace quantscope
