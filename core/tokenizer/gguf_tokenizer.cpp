// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/gguf_tokenizer.h"

#include <fmt/format.h>

#include <limits>

#include "core/tokenizer/bpe_tokenizer.h"
#include "core/tokenizer/byte_level.h"
#include "core/tokenizer/merge_text.h"
#include "core/tokenizer/score_merges.h"
#include "core/tokenizer/split_patterns.h"

namespace quantscope {
namespace {

/// Values of tokenizer.ggml.token_type whose tokens are looked for in text (llama-vocab.cpp, cache_special_tokens).
enum TokenType : std::int32_t { kUnknown = 2, kControl = 3, kUserDefined = 4 };

Result<const NamedPreTokenizer*> choose_pre_tokenizer(const GgufVocabulary& vocabulary) {
  if (const NamedPreTokenizer* found = find_named_pre_tokenizer(vocabulary.pre)) return found;
  std::string known;
  for (const NamedPreTokenizer& named : named_pre_tokenizers()) {
    for (const std::string_view name : named.names) known += fmt::format("{}{}", known.empty() ? "" : ", ", name);
  }
  return fail(ErrorCode::unsupported,
              fmt::format("The GGUF pre-tokenizer \"{}\" is not known; known ones are {}.",
                          vocabulary.pre.substr(0, 80), known),
              "tokenizer.ggml.pre");
}

Result<void> check_sizes(const GgufVocabulary& vocabulary) {
  const std::size_t tokens = vocabulary.tokens.size();
  if (tokens == 0 || tokens > std::size_t{std::numeric_limits<std::int32_t>::max()}) {
    return fail(ErrorCode::corrupt_file, fmt::format("The GGUF vocabulary has {} tokens; get the file again.", tokens),
                "tokenizer.ggml.tokens");
  }
  if (!vocabulary.token_types.empty() && vocabulary.token_types.size() != tokens) {
    return fail(ErrorCode::corrupt_file,
                fmt::format("The GGUF vocabulary has {} tokens but {} token types; get the file again.", tokens,
                            vocabulary.token_types.size()),
                "tokenizer.ggml.token_type");
  }
  if (!vocabulary.scores.empty() && vocabulary.scores.size() != tokens) {
    return fail(ErrorCode::corrupt_file,
                fmt::format("The GGUF vocabulary has {} tokens but {} scores; get the file again.", tokens,
                            vocabulary.scores.size()),
                "tokenizer.ggml.scores");
  }
  for (const std::optional<std::int32_t>& id : {vocabulary.bos_id, vocabulary.eos_id, vocabulary.unknown_id}) {
    if (!id || (*id >= 0 && static_cast<std::size_t>(*id) < tokens)) continue;
    return fail(
        ErrorCode::corrupt_file,
        fmt::format("The GGUF vocabulary of {} tokens names {} as its BOS, EOS or unknown id; get the file again.",
                    tokens, *id),
        "tokenizer.ggml.bos_token_id");
  }
  return {};
}

std::vector<AddedToken> added_tokens(const GgufVocabulary& vocabulary) {
  std::vector<AddedToken> added;
  for (std::size_t id = 0; id < vocabulary.token_types.size(); ++id) {
    const std::int32_t type = vocabulary.token_types[id];
    if (type != kUnknown && type != kControl && type != kUserDefined) continue;
    if (vocabulary.tokens[id].empty()) continue;
    added.push_back(
        {.id = static_cast<std::int32_t>(id), .content = vocabulary.tokens[id], .special = type != kUserDefined});
  }
  return added;
}

/// The tokens under their ids; the result points into `vocabulary`.
BpeSource token_source(const GgufVocabulary& vocabulary) {
  BpeSource source;
  source.vocabulary.reserve(vocabulary.tokens.size());
  for (const std::string& token : vocabulary.tokens) {
    source.vocabulary.emplace_back(token, static_cast<std::int32_t>(source.vocabulary.size()));
  }
  return source;
}

Result<void> add_listed_merges(const GgufVocabulary& vocabulary, BpeSource& source) {
  source.merges.reserve(vocabulary.merges.size());
  for (const std::string& text : vocabulary.merges) {
    const auto merge = split_merge(text);
    if (!merge) {
      return fail(ErrorCode::corrupt_file,
                  fmt::format("Merge {} (\"{}\") is not a pair of tokens; get the file again.", source.merges.size(),
                              text.substr(0, 80)),
                  "tokenizer.ggml.merges");
    }
    source.merges.push_back(*merge);
  }
  return {};
}

Result<void> add_model(const GgufVocabulary& vocabulary, const BpeSource& source, BpeTokenizerParts& parts) {
  parts.added = added_tokens(vocabulary);
  Result<BpeModel> model = BpeModel::build(source);
  if (!model) return tl::unexpected(model.error());
  parts.model = std::move(*model);
  return {};
}

void add_frame(const GgufVocabulary& vocabulary, bool adds_bos, BpeTokenizerParts& parts) {
  if (parts.bos_id && vocabulary.add_bos.value_or(adds_bos)) parts.prefix.push_back(*parts.bos_id);
  if (parts.eos_id && vocabulary.add_eos.value_or(false)) parts.suffix.push_back(*parts.eos_id);
}

Result<void> add_splits(const NamedPreTokenizer& named, PreTokenizer& pre_tokenizer) {
  for (const std::string_view pattern : named.splits) {
    Result<RegexSplitter> splitter = RegexSplitter::compile({.pattern = std::string(pattern)});
    if (!splitter) return tl::unexpected(splitter.error());
    pre_tokenizer.add(std::move(*splitter));
  }
  return {};
}

/// Model "gpt2".
Result<BpeTokenizerParts> byte_level_parts(const GgufVocabulary& vocabulary) {
  const Result<const NamedPreTokenizer*> named = choose_pre_tokenizer(vocabulary);
  if (!named) return tl::unexpected(named.error());
  BpeTokenizerParts parts;
  if ((*named)->nfc) parts.normalizer.add(NormalForm::nfc);
  if (const Result<void> added = add_splits(**named, parts.pre_tokenizer); !added) {
    return tl::unexpected(added.error());
  }
  BpeSource source = token_source(vocabulary);
  source.ignore_merges = (*named)->ignore_merges;
  if (const Result<void> added = add_listed_merges(vocabulary, source); !added) return tl::unexpected(added.error());
  if (const Result<void> added = add_model(vocabulary, source, parts); !added) return tl::unexpected(added.error());
  for (const std::string& token : vocabulary.tokens) parts.pieces.push_back(decoded_piece(token));
  // Unlike tokenizer.json's decoder, llama.cpp writes these tokens as they stand.
  for (const AddedToken& token : parts.added) parts.pieces[static_cast<std::size_t>(token.id)] = token.content;
  parts.bos_id = vocabulary.bos_id;
  parts.eos_id = vocabulary.eos_id;
  add_frame(vocabulary, (*named)->adds_bos, parts);
  return parts;
}

/// The steps around a SentencePiece model, as tokenizer.json has them for Llama 2 and Mistral.
void add_space_marks(bool prefix, BpeTokenizerParts& parts) {
  constexpr std::string_view mark = "\u2581";
  if (prefix) parts.normalizer.add(PrependText{std::string(mark)});
  parts.normalizer.add(ReplaceText{TextPattern::literal(" "), std::string(mark)});
  parts.decoder.add(DecodeReplace{TextPattern::literal(mark), " "});
  parts.decoder.add(DecodeByteFallback{});
  parts.decoder.add(DecodeFuse{});
  if (prefix) parts.decoder.add(DecodeStrip{.character = " ", .start = 1});
}

/// llama.cpp's defaults for "llama": unknown 0, BOS 1, EOS 2.
std::optional<std::int32_t> id_or_default(std::optional<std::int32_t> id, std::int32_t fallback,
                                          const GgufVocabulary& vocabulary) {
  if (id || static_cast<std::size_t>(fallback) >= vocabulary.tokens.size()) return id;
  return fallback;
}

/// Model "llama".
Result<BpeTokenizerParts> sentencepiece_parts(const GgufVocabulary& vocabulary) {
  if (vocabulary.remove_extra_whitespaces.value_or(false)) {
    return fail(ErrorCode::unsupported, "SentencePiece vocabularies that remove extra white space are not supported.",
                "tokenizer.ggml.remove_extra_whitespaces");
  }
  BpeTokenizerParts parts;
  add_space_marks(vocabulary.add_space_prefix.value_or(true), parts);
  BpeSource source = token_source(vocabulary);
  source.alphabet = BpeAlphabet::characters;
  source.byte_fallback = source.fuse_unknown = true;
  source.unknown_id = id_or_default(vocabulary.unknown_id, 0, vocabulary);
  if (const Result<void> added = add_score_merges(vocabulary.tokens, vocabulary.scores, source); !added) {
    return tl::unexpected(added.error());
  }
  if (const Result<void> added = add_model(vocabulary, source, parts); !added) return tl::unexpected(added.error());
  for (const std::string& token : vocabulary.tokens) parts.pieces.push_back(parts.decoder.token_bytes(token));
  parts.spellings = vocabulary.tokens;
  parts.bos_id = id_or_default(vocabulary.bos_id, 1, vocabulary);
  parts.eos_id = id_or_default(vocabulary.eos_id, 2, vocabulary);
  add_frame(vocabulary, true, parts);
  return parts;
}

Result<BpeTokenizerParts> tokenizer_parts(const GgufVocabulary& vocabulary) {
  if (vocabulary.model == "gpt2") return byte_level_parts(vocabulary);
  if (vocabulary.model == "llama") return sentencepiece_parts(vocabulary);
  return fail(ErrorCode::unsupported,
              fmt::format("The GGUF vocabulary \"{}\" is not supported; supported are \"gpt2\" and \"llama\".",
                          vocabulary.model.substr(0, 80)),
              "tokenizer.ggml.model");
}

}  // namespace

Result<std::shared_ptr<const Tokenizer>> build_gguf_tokenizer(const GgufVocabulary& vocabulary) {
  if (const Result<void> checked = check_sizes(vocabulary); !checked) return tl::unexpected(checked.error());
  Result<BpeTokenizerParts> parts = tokenizer_parts(vocabulary);
  if (!parts) return tl::unexpected(parts.error());
  return std::make_shared<const BpeTokenizer>(std::move(*parts));
}

}  // namespace quantscope
