// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/chat_template.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "core/checkpoint/json_document.h"
#include "core/input/bounded_file.h"
#include "core/tokenizer/json_fields.h"

namespace quantscope {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using nlohmann::ordered_json;

tl::unexpected<Error> no_template(const std::string& place) {
  return fail(
      ErrorCode::not_found,
      fmt::format("{} has no chat template; it is a model for plain text, or its chat_template.jinja is missing.",
                  place));
}

/// Text, or a list of {"name", "template"}.
std::string_view template_text(const json& config) {
  const json& value = json_field(config, "chat_template");
  if (!value.is_array()) return json_text(config, "chat_template");
  const auto chosen =
      std::ranges::find_if(value, [](const json& entry) { return json_text(entry, "name") == "default"; });
  return chosen == value.end() ? std::string_view() : json_text(*chosen, "template");
}

/// Fields like "bos_token" that hold a text or an object with its content.
std::map<std::string, std::string> special_tokens(const json& config) {
  std::map<std::string, std::string> tokens;
  for (const char* name :
       {"bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"}) {
    const json& value = json_field(config, name);
    const std::string_view text = value.is_object() ? json_text(value, "content") : json_text(config, name);
    if (!text.empty()) tokens.emplace(name, text);
  }
  return tokens;
}

struct FromSource {
  Result<ChatTemplate> operator()(std::monostate) const { return no_template("The checkpoint"); }
  Result<ChatTemplate> operator()(const fs::path& path) const {
    return ChatTemplate::from_folder(path.has_filename() && path.extension() == ".json" ? path.parent_path() : path);
  }
  Result<ChatTemplate> operator()(const GgufVocabulary& vocabulary) const {
    return ChatTemplate::from_gguf(vocabulary);
  }
};

bool are_messages(const ordered_json& value) {
  return value.is_array() &&
         std::ranges::all_of(value, [](const ordered_json& message) { return message.is_object(); });
}

}  // namespace

Result<ChatTemplate> ChatTemplate::parse(std::string_view source, std::map<std::string, std::string> special_tokens) {
  if (source.size() > longest_chat_template) {
    return fail(ErrorCode::unsupported, "The chat template is longer than 1 MiB.", "chat_template");
  }
  Result<jinja::Template> parsed = jinja::Template::parse(source);
  if (!parsed) return tl::unexpected(parsed.error());
  return ChatTemplate(std::move(*parsed), std::move(special_tokens));
}

Result<ChatTemplate> ChatTemplate::from_folder(const fs::path& folder) {
  std::error_code ignored;
  const fs::path config_file = folder / "tokenizer_config.json", template_file = folder / "chat_template.jinja";
  json config;
  if (fs::exists(config_file, ignored)) {
    Result<JsonDocument> document = open_json(config_file);
    if (!document) return tl::unexpected(document.error());
    config = std::move(document->root);
  }
  if (fs::exists(template_file, ignored)) {
    const Result<std::string> text = read_bounded_file(template_file, longest_chat_template, "chat template");
    if (!text) return tl::unexpected(text.error());
    return parse(*text, special_tokens(config));
  }
  const std::string_view text = template_text(config);
  if (text.empty()) return no_template(folder.string());
  return parse(text, special_tokens(config));
}

Result<ChatTemplate> ChatTemplate::from_gguf(const GgufVocabulary& vocabulary) {
  if (vocabulary.chat_template.empty()) return no_template("The GGUF file");
  std::map<std::string, std::string> tokens;
  const auto add = [&](const char* name, std::optional<std::int32_t> id) {
    const bool known = id && *id >= 0 && static_cast<std::size_t>(*id) < vocabulary.tokens.size();
    if (known) tokens.emplace(name, vocabulary.tokens[static_cast<std::size_t>(*id)]);
  };
  add("bos_token", vocabulary.bos_id);
  add("eos_token", vocabulary.eos_id);
  add("unk_token", vocabulary.unknown_id);
  add("pad_token", vocabulary.padding_id);
  return parse(vocabulary.chat_template, std::move(tokens));
}

Result<ChatTemplate> ChatTemplate::of(const Checkpoint& checkpoint) {
  return std::visit(FromSource{}, checkpoint.tokenizer());
}

Result<std::string> ChatTemplate::render(const ordered_json& conversation, bool add_generation_prompt) const {
  ordered_json variables = {
      {"tools", nullptr}, {"documents", nullptr}, {"add_generation_prompt", add_generation_prompt}};
  for (const auto& [name, token] : special_tokens_) variables[name] = token;
  if (conversation.is_object()) {
    for (const auto& [name, value] : conversation.items()) variables[name] = value;
  } else {
    variables["messages"] = conversation;
  }
  if (!variables.contains("messages") || !are_messages(variables["messages"])) {
    return fail(ErrorCode::invalid_argument,
                "A conversation is a JSON list of messages like {\"role\": \"user\", \"content\": \"Hello\"}.");
  }
  return template_.render(variables);
}

}  // namespace quantscope
