// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/gguf_vocabulary.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <system_error>

#include "core/input/bounded_file.h"
#include "core/tokenizer/chat_template.h"
#include "core/tokenizer/json_fields.h"
#include "core/tokenizer/json_parts.h"
#include "core/tokenizer/merge_text.h"
#include "core/tokenizer/post_processor_json.h"
#include "core/tokenizer/sentencepiece_vocabulary.h"
#include "core/tokenizer/split_patterns.h"

namespace quantscope {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

/// tokenizer.ggml.token_type.
enum TokenType : std::int32_t { normal = 1, control = 3, user_defined = 4, unused = 5 };

/// No real vocabulary has more; bounds what a hostile id can make us allocate.
constexpr std::int32_t most_tokens = 1 << 22;

/// Names of pre-tokenizers that are written. Others of named_pre_tokenizers() are older names for the same splits.
constexpr std::array<std::string_view, 9> written_names = {
    "llama-bpe", "qwen2", "smollm", "gpt-2", "tekken", "gpt-4o", "qwen35", "deepseek-v3", "deepseek-coder"};

tl::unexpected<Error> refuse(const fs::path& file, std::string_view what) {
  return fail(ErrorCode::unsupported,
              fmt::format("{} {}, which cannot be written to GGUF; write safetensors.", file.filename().string(), what),
              file.string());
}

/// The splits that a byte-level pre_tokenizer applies, or nothing if it does anything else.
std::optional<std::vector<std::string>> splits_of(const std::vector<const json*>& parts) {
  std::vector<std::string> splits;
  for (const json* part : parts) {
    const std::string_view type = json_text(*part, "type");
    if (type == "Split") {
      if (json_text(*part, "behavior") != "Isolated" || json_flag(*part, "invert", false)) return std::nullopt;
      splits.emplace_back(json_text(json_field(*part, "pattern"), "Regex"));
    } else if (type == "Digits" && json_flag(*part, "individual_digits", false)) {
      splits.emplace_back(kSingleDigit);
    } else if (type == "ByteLevel") {
      if (json_flag(*part, "add_prefix_space", true) || part != parts.back()) return std::nullopt;
      if (json_flag(*part, "use_regex", true)) splits.emplace_back(kGpt2Split);
    } else {
      return std::nullopt;
    }
  }
  const bool byte_level = !parts.empty() && json_text(*parts.back(), "type") == "ByteLevel";
  return byte_level ? std::optional(splits) : std::nullopt;
}

Result<std::string> pre_tokenizer_name(const json& root, const fs::path& file) {
  const auto parts = sequence_parts(json_field(root, "pre_tokenizer"), "pretokenizers", "pre_tokenizer");
  if (!parts) return tl::unexpected(parts.error());
  const auto splits = splits_of(*parts);
  const bool ignore_merges = json_flag(json_field(root, "model"), "ignore_merges", false);
  for (const std::string_view name : written_names) {
    const NamedPreTokenizer* known = find_named_pre_tokenizer(name);
    if (known != nullptr && splits && std::ranges::equal(known->splits, *splits) &&
        known->ignore_merges == ignore_merges)
      return std::string(name);
  }
  return refuse(file, "splits words in a way that GGUF has no name for here");
}

Result<void> check_model(const json& root, const fs::path& file) {
  const json& model = json_field(root, "model");
  if (json_text(model, "type") != "BPE") return refuse(file, "is no BPE");
  return {};
}

Result<void> put_token(GgufVocabulary& vocabulary, std::optional<std::int32_t> id, std::string text, TokenType type,
                       const fs::path& file) {
  if (!id || *id >= most_tokens)
    return fail(ErrorCode::corrupt_file,
                fmt::format("The token \"{}\" of {} has no valid id; get the tokenizer's files again.",
                            text.substr(0, 80), file.filename().string()),
                file.string());
  for (auto next = std::ssize(vocabulary.tokens); next <= *id; ++next) {
    vocabulary.tokens.push_back(fmt::format("[PAD{}]", next));
    vocabulary.token_types.push_back(unused);
  }
  vocabulary.tokens[static_cast<std::size_t>(*id)] = std::move(text);
  vocabulary.token_types[static_cast<std::size_t>(*id)] = type;
  return {};
}

Result<void> add_tokens(GgufVocabulary& vocabulary, const json& root, const fs::path& file) {
  const json& tokens = json_field(json_field(root, "model"), "vocab");
  if (!tokens.is_object()) return refuse(file, "has no list of tokens");
  for (const auto& [text, id] : tokens.get_ref<const json::object_t&>())
    if (auto put = put_token(vocabulary, json_token_id(id), text, normal, file); !put) return put;
  for (const json& added : json_field(root, "added_tokens")) {
    const TokenType type = json_flag(added, "special", false) ? control : user_defined;
    auto put = put_token(vocabulary, json_token_id(json_field(added, "id")), std::string(json_text(added, "content")),
                         type, file);
    if (!put) return put;
  }
  return {};
}

Result<void> add_merges(GgufVocabulary& vocabulary, const json& root, const fs::path& file) {
  for (const json& merge : json_field(json_field(root, "model"), "merges")) {
    if (merge.is_string()) {
      vocabulary.merges.push_back(merge.get<std::string>());
    } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
      vocabulary.merges.push_back(merge[0].get<std::string>() + " " + merge[1].get<std::string>());
    } else {
      return refuse(file, fmt::format("has a merge (number {}) that is no pair of tokens", vocabulary.merges.size()));
    }
    if (!split_merge(vocabulary.merges.back())) return refuse(file, "has a merge with a space in a token");
  }
  return {};
}

std::optional<std::int32_t> id_of(const GgufVocabulary& vocabulary, const json& config, const char* field) {
  const json& value = json_field(config, field);
  const std::string_view name = value.is_object() ? json_text(value, "content") : json_text(config, field);
  const auto found = std::ranges::find(vocabulary.tokens, name);
  if (name.empty() || found == vocabulary.tokens.end()) return std::nullopt;
  return static_cast<std::int32_t>(found - vocabulary.tokens.begin());
}

/// The template, or that called "default" of several.
Result<std::string> chat_template(const json& config, const fs::path& folder) {
  const fs::path file = folder / "chat_template.jinja";
  std::error_code ignored;
  if (fs::exists(file, ignored)) return read_bounded_file(file, longest_chat_template, "chat template");
  const json& value = json_field(config, "chat_template");
  if (value.is_string()) return value.get<std::string>();
  for (const json& entry : value.is_array() ? value : json::array())
    if (json_text(entry, "name") == "default") return std::string(json_text(entry, "template"));
  return std::string();
}

Result<void> add_special_tokens(GgufVocabulary& vocabulary, const json& root, const fs::path& file) {
  const fs::path config_file = file.parent_path() / "tokenizer_config.json";
  json config;
  std::error_code ignored;
  if (fs::exists(config_file, ignored)) {
    auto document = open_json(config_file);
    if (!document) return tl::unexpected(document.error());
    config = std::move(document->root);
  }
  const auto frame = read_post_processor(json_field(root, "post_processor"));
  if (!frame) return tl::unexpected(frame.error());
  vocabulary.bos_id = id_of(vocabulary, config, "bos_token");
  vocabulary.eos_id = id_of(vocabulary, config, "eos_token");
  if (!vocabulary.unknown_id) vocabulary.unknown_id = id_of(vocabulary, config, "unk_token");
  vocabulary.padding_id = id_of(vocabulary, config, "pad_token");
  vocabulary.add_bos = !frame->prefix.empty();
  vocabulary.add_eos = !frame->suffix.empty();
  if (frame->prefix.size() > 1 || frame->suffix.size() > 1) return refuse(file, "puts several tokens around a text");
  if (!frame->prefix.empty()) vocabulary.bos_id = frame->prefix.front();
  if (!frame->suffix.empty()) vocabulary.eos_id = frame->suffix.front();
  auto chat = chat_template(config, file.parent_path());
  if (!chat) return tl::unexpected(chat.error());
  vocabulary.chat_template = std::move(*chat);
  return {};
}

Result<GgufVocabulary> byte_level_vocabulary(const json& root, const fs::path& file) {
  GgufVocabulary vocabulary;
  vocabulary.model = "gpt2";
  auto pre = pre_tokenizer_name(root, file);
  if (!pre) return tl::unexpected(pre.error());
  vocabulary.pre = std::move(*pre);
  vocabulary.add_space_prefix = false;
  for (const auto add : {add_tokens, add_merges})
    if (auto added = add(vocabulary, root, file); !added) return tl::unexpected(added.error());
  return vocabulary;
}

Result<GgufVocabulary> sentencepiece_vocabulary(const json& root, const fs::path& file) {
  GgufVocabulary vocabulary;
  vocabulary.model = "llama";
  vocabulary.pre = "default";
  if (auto added = add_tokens(vocabulary, root, file); !added) return tl::unexpected(added.error());
  if (auto added = add_sentencepiece_parts(root, file, vocabulary); !added) return tl::unexpected(added.error());
  return vocabulary;
}

Result<GgufVocabulary> convert(const fs::path& file, const ModelDescription& model) {
  const auto document = open_json(file);
  if (!document) return tl::unexpected(document.error());
  const json& root = document->root;
  if (auto checked = check_model(root, file); !checked) return tl::unexpected(checked.error());
  auto converted =
      is_sentencepiece_style(root) ? sentencepiece_vocabulary(root, file) : byte_level_vocabulary(root, file);
  if (!converted) return converted;
  GgufVocabulary& vocabulary = *converted;
  if (auto added = add_special_tokens(vocabulary, root, file); !added) return tl::unexpected(added.error());
  if (!vocabulary.eos_id && !model.end_ids.empty()) vocabulary.eos_id = model.end_ids.front();
  for (const std::int32_t id : model.end_ids)
    if (id != vocabulary.eos_id && !vocabulary.eot_id) vocabulary.eot_id = id;
  return converted;
}

}  // namespace

Result<GgufVocabulary> gguf_vocabulary(const Checkpoint& checkpoint) {
  if (const auto* own = std::get_if<GgufVocabulary>(&checkpoint.tokenizer())) return *own;
  const auto* file = std::get_if<fs::path>(&checkpoint.tokenizer());
  if (file == nullptr) return GgufVocabulary{};
  return convert(*file, checkpoint.model());
}

}  // namespace quantscope
