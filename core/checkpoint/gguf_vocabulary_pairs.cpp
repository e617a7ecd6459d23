// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/gguf_vocabulary_pairs.h"

#include <fmt/format.h>

namespace quantscope {
namespace {

constexpr std::int32_t unused_token = 5;

void add_id(GgufPairs& pairs, std::string_view name, std::optional<std::int32_t> id) {
  if (id) pairs.u32(fmt::format("tokenizer.ggml.{}_token_id", name), static_cast<std::uint32_t>(*id));
}

void add_flag(GgufPairs& pairs, std::string_view name, std::optional<bool> value) {
  if (value) pairs.boolean(fmt::format("tokenizer.ggml.{}", name), *value);
}

void add_tokens(GgufPairs& pairs, const GgufVocabulary& vocabulary, std::size_t size) {
  std::vector<std::string> tokens = vocabulary.tokens;
  std::vector<std::int32_t> types = vocabulary.token_types;
  std::vector<float> scores = vocabulary.scores;
  for (std::size_t id = tokens.size(); id < size; ++id) tokens.push_back(fmt::format("[PAD{}]", id));
  if (!types.empty()) types.resize(size, unused_token);
  if (!scores.empty()) scores.resize(size, -1000.0F);
  pairs.texts("tokenizer.ggml.tokens", tokens);
  if (!scores.empty()) pairs.f32s("tokenizer.ggml.scores", scores);
  if (!types.empty()) pairs.i32s("tokenizer.ggml.token_type", types);
}

}  // namespace

Result<void> add_vocabulary_pairs(GgufPairs& pairs, const GgufVocabulary& vocabulary, std::int64_t vocabulary_size) {
  if (vocabulary.tokens.empty()) {
    pairs.text("tokenizer.ggml.model", "none");
    return {};
  }
  if (static_cast<std::int64_t>(vocabulary.tokens.size()) > vocabulary_size)
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("The tokenizer has {} tokens, more than the {} rows of the embedding; use the tokenizer that "
                    "belongs to the model.",
                    vocabulary.tokens.size(), vocabulary_size));
  pairs.text("tokenizer.ggml.model", vocabulary.model);
  if (!vocabulary.pre.empty()) pairs.text("tokenizer.ggml.pre", vocabulary.pre);
  add_tokens(pairs, vocabulary, static_cast<std::size_t>(vocabulary_size));
  if (!vocabulary.merges.empty()) pairs.texts("tokenizer.ggml.merges", vocabulary.merges);
  add_id(pairs, "bos", vocabulary.bos_id);
  add_id(pairs, "eos", vocabulary.eos_id);
  add_id(pairs, "eot", vocabulary.eot_id);
  add_id(pairs, "unknown", vocabulary.unknown_id);
  add_id(pairs, "padding", vocabulary.padding_id);
  add_flag(pairs, "add_bos_token", vocabulary.add_bos);
  add_flag(pairs, "add_eos_token", vocabulary.add_eos);
  add_flag(pairs, "add_space_prefix", vocabulary.add_space_prefix);
  add_flag(pairs, "remove_extra_whitespaces", vocabulary.remove_extra_whitespaces);
  if (!vocabulary.chat_template.empty()) pairs.text("tokenizer.chat_template", vocabulary.chat_template);
  return {};
}

}  // namespace quantscope
