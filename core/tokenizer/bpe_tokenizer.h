// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "core/tokenizer/added_tokens.h"
#include "core/tokenizer/bpe_model.h"
#include "core/tokenizer/normalizer.h"
#include "core/tokenizer/pre_tokenizer.h"
#include "core/tokenizer/token_decoder.h"
#include "core/tokenizer/tokenizer.h"

namespace quantscope {

/// What a tokenizer is made of; the readers of tokenizer.json and of GGUF vocabularies fill it.
struct BpeTokenizerParts {
  BpeModel model;
  Normalizer normalizer;
  PreTokenizer pre_tokenizer;
  TokenDecoder decoder;
  std::vector<AddedToken> added;    ///< ids within `pieces`
  std::vector<std::string> pieces;  ///< bytes of each id; empty where an id has no token
  /// The token of each id as the vocabulary spells it; empty where decoding only joins `pieces`.
  std::vector<std::string> spellings;
  std::vector<std::int32_t> prefix, suffix;  ///< ids that EncodeOptions::add_special puts around the text
  std::optional<std::int32_t> bos_id, eos_id;
};

/// Byte-pair encoding over bytes (GPT-2, Llama 3, Qwen 2, SmolLM) or characters (Llama 2, Mistral, Gemma):
/// repair UTF-8, cut out added tokens, normalize, cut into words, merge bytes or characters of each word.
class BpeTokenizer final : public Tokenizer {
 public:
  explicit BpeTokenizer(BpeTokenizerParts parts);

  using Tokenizer::encode;
  Result<std::vector<std::int32_t>> encode(std::string_view text, const EncodeOptions& options,
                                           const std::stop_token& stop) const override;
  std::string decode(std::span<const std::int32_t> ids, bool skip_special) const override;
  std::string piece(std::int32_t id) const override;
  std::int32_t vocabulary_size() const override { return static_cast<std::int32_t>(parts_.pieces.size()); }
  std::optional<std::int32_t> bos_id() const override { return parts_.bos_id; }
  std::optional<std::int32_t> eos_id() const override { return parts_.eos_id; }
  bool adds_bos() const override;
  bool is_special(std::int32_t id) const override { return is_known(id) && special_[static_cast<std::size_t>(id)]; }

 private:
  struct Run;

  bool is_known(std::int32_t id) const { return id >= 0 && id < vocabulary_size(); }
  void encode_section(std::string_view text, bool at_start, Run& run) const;
  void encode_words(std::string_view text, bool at_start, Run& run) const;
  void encode_word(std::string_view word, Run& run) const;

  BpeTokenizerParts parts_;
  std::vector<bool> special_;
  AddedTokenMatcher raw_matcher_;         ///< tokens looked for before normalization
  AddedTokenMatcher normalized_matcher_;  ///< and after it
};

}  // namespace quantscope
