// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "core/checkpoint/checkpoint.h"
#include "core/tokenizer/jinja/template.h"
#include "kernels/error.h"

namespace quantscope {

/// Bytes of a chat template.
inline constexpr std::size_t longest_chat_template = std::size_t{1} << 20U;

/// How a model wants a conversation written. Immutable and safe to use from several threads.
class ChatTemplate {
 public:
  /// From a Hugging Face folder: chat_template.jinja, else `chat_template` of tokenizer_config.json (text, or a list of
  /// which "default" is taken). not_found if it has neither.
  static Result<ChatTemplate> from_folder(const std::filesystem::path& folder);
  /// From `tokenizer.chat_template` of a GGUF file.
  static Result<ChatTemplate> from_gguf(const GgufVocabulary& vocabulary);
  /// Whichever the checkpoint carries.
  static Result<ChatTemplate> of(const Checkpoint& checkpoint);
  /// `special_tokens` are variables of the template: "bos_token" and the like.
  static Result<ChatTemplate> parse(std::string_view source, std::map<std::string, std::string> special_tokens);

  /// The text of a conversation, to be encoded without adding special tokens: templates write them themselves.
  /// `conversation` is a list of messages ({"role": "user", "content": "..."}), or an object that holds such a list as
  /// "messages" beside other variables of the template ("tools", "add_generation_prompt", ...).
  /// `add_generation_prompt` asks for the beginning of the answer. As in transformers' apply_chat_template(), `tools`
  /// and `documents` are none where not given; there is no strftime_now(), so that a text does not depend on the day.
  Result<std::string> render(const nlohmann::ordered_json& conversation, bool add_generation_prompt) const;

 private:
  ChatTemplate(jinja::Template parsed, std::map<std::string, std::string> special_tokens)
      : template_(std::move(parsed)), special_tokens_(std::move(special_tokens)) {}

  jinja::Template template_;
  std::map<std::string, std::string> special_tokens_;
};

}  // namespace quantscope
