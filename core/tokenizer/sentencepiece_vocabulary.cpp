// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/sentencepiece_vocabulary.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "core/tokenizer/json_fields.h"
#include "core/tokenizer/json_parts.h"

namespace quantscope {
namespace {

using nlohmann::json;

constexpr std::string_view mark = "\u2581";
/// tokenizer.ggml.token_type.
enum TokenType : std::int32_t { normal = 1, unknown = 2, byte = 6 };

tl::unexpected<Error> refuse(const std::filesystem::path& file, std::string_view what) {
  return fail(ErrorCode::unsupported,
              fmt::format("{} {}, which cannot be written to GGUF; write safetensors.", file.filename().string(), what),
              file.string());
}

bool replaces_spaces(const json& part) {
  return json_text(part, "type") == "Replace" && json_text(json_field(part, "pattern"), "String") == " " &&
         json_text(part, "content") == mark;
}

bool prepends_mark(const json& part) {
  return json_text(part, "type") == "Prepend" && json_text(part, "prepend") == mark;
}

/// Cuts at spaces, of which none are left.
bool does_nothing(const json& part) {
  return json_text(part, "type") == "Split" && json_text(json_field(part, "pattern"), "String") == " ";
}

/// Whether a mark is put before the text; nothing where the steps do anything else. One way is a normalizer, the other
/// a Metaspace pre-tokenizer that does not cut.
std::optional<bool> space_prefix(const std::vector<const json*>& normalizers, const std::vector<const json*>& splits) {
  if (!normalizers.empty()) {
    const bool prefix = normalizers.size() == 2 && prepends_mark(*normalizers.front());
    const bool known = replaces_spaces(*normalizers.back()) && (prefix || normalizers.size() == 1);
    const bool whole = splits.empty() || (splits.size() == 1 && does_nothing(*splits.front()));
    return known && whole ? std::optional(prefix) : std::nullopt;
  }
  if (splits.size() != 1 || json_text(*splits.front(), "type") != "Metaspace") return std::nullopt;
  const json& metaspace = *splits.front();
  const std::string_view replacement = json_text(metaspace, "replacement"),
                         scheme = json_text(metaspace, "prepend_scheme");
  if (replacement != mark || json_flag(metaspace, "split", true)) return std::nullopt;
  if (scheme.empty()) return json_flag(metaspace, "add_prefix_space", true);
  return scheme != "never";
}

/// "left right" or ["left", "right"] as one text; empty for anything else.
std::string merged_text(const json& merge) {
  if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string())
    return merge[0].get<std::string>() + merge[1].get<std::string>();
  if (!merge.is_string()) return {};
  std::string text = merge.get<std::string>();
  const std::size_t space = text.find(' ');
  return space == std::string::npos ? std::string() : text.erase(space, 1);
}

Result<void> add_scores(const json& root, const std::filesystem::path& file, GgufVocabulary& vocabulary) {
  std::unordered_map<std::string_view, std::size_t> ids;
  for (std::size_t id = 0; id < vocabulary.tokens.size(); ++id) ids.emplace(vocabulary.tokens[id], id);
  constexpr float unset = 1.0F;
  vocabulary.scores.assign(vocabulary.tokens.size(), unset);
  float score = 1.0F;
  std::size_t last = vocabulary.tokens.size();
  for (const json& merge : json_field(json_field(root, "model"), "merges")) {
    const auto found = ids.find(merged_text(merge));
    if (found == ids.end()) return refuse(file, "has a merge that makes no token");
    if (found->second == last) continue;
    last = found->second;
    if (vocabulary.scores[last] != unset)
      return refuse(file, fmt::format("makes the token {} by merges of different rank", found->first));
    vocabulary.scores[last] = score -= 1.0F;
  }
  std::ranges::replace(vocabulary.scores, unset, score - 1.0F);
  return {};
}

void mark_types(const json& model, GgufVocabulary& vocabulary) {
  const std::string_view unknown_text = json_text(model, "unk_token");
  for (std::size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    const std::string& token = vocabulary.tokens[id];
    std::int32_t& type = vocabulary.token_types[id];
    const bool spells_byte = token.size() == 6 && token.starts_with("<0x") && token.ends_with('>');
    if (type == normal && spells_byte) type = byte;
    if (token != unknown_text) continue;
    type = unknown;
    vocabulary.unknown_id = static_cast<std::int32_t>(id);
  }
}

}  // namespace

bool is_sentencepiece_style(const json& root) { return json_flag(json_field(root, "model"), "byte_fallback", false); }

Result<void> add_sentencepiece_parts(const json& root, const std::filesystem::path& file, GgufVocabulary& vocabulary) {
  const auto normalizers = sequence_parts(json_field(root, "normalizer"), "normalizers", "normalizer");
  if (!normalizers) return tl::unexpected(normalizers.error());
  const auto splits = sequence_parts(json_field(root, "pre_tokenizer"), "pretokenizers", "pre_tokenizer");
  if (!splits) return tl::unexpected(splits.error());
  const auto prefix = space_prefix(*normalizers, *splits);
  const json& model = json_field(root, "model");
  if (!prefix || json_flag(model, "ignore_merges", false))
    return refuse(file, "treats spaces otherwise than SentencePiece");
  vocabulary.add_space_prefix = prefix;
  mark_types(model, vocabulary);
  return add_scores(root, file, vocabulary);
}

}  // namespace quantscope
