// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/gguf_tokenizer.h"

#include <fmt/format.h>

#include <limits>

#include "core/tokenizer/bpe_tokenizer.h"
#include "core/tokenizer/byte_level.h"
#include "core/tokenizer/merge_text.h"
#include "core/tokenizer/split_patterns.h"
#include "core/tokenizer/vocabulary_spellings.h"

namespace quantscope {
namespace {

/// Values of tokenizer.ggml.token_type whose tokens are looked for in text (llama-vocab.cpp, cache_special_tokens).
enum TokenType : std::int32_t { kUnknown = 2, kControl = 3, kUserDefined = 4 };

Result<const NamedPreTokenizer*> choose_pre_tokenizer(const GgufVocabulary& vocabulary) {
  if (vocabulary.model != "gpt2") {
    return fail(ErrorCode::unsupported,
                fmt::format("The GGUF vocabulary \"{}\" is not supported: only byte-level BPE (\"gpt2\") is; "
                            "SentencePiece-style vocabularies are not supported yet.",
                            vocabulary.model.substr(0, 80)),
                "tokenizer.ggml.model");
  }
  if (const NamedPreTokenizer* found = find_named_pre_tokenizer(vocabulary.pre)) return found;
  std::string known;
  for (const NamedPreTokenizer& named : named_pre_tokenizers()) {
    known += known.empty() ? named.name : fmt::format(", {}", named.name);
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
  for (const std::optional<std::int32_t>& id : {vocabulary.bos_id, vocabulary.eos_id}) {
    if (!id || (*id >= 0 && static_cast<std::size_t>(*id) < tokens)) continue;
    return fail(
        ErrorCode::corrupt_file,
        fmt::format("The GGUF vocabulary of {} tokens names {} as its BOS or EOS id; get the file again.", tokens, *id),
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

/// The result points into `vocabulary`.
Result<BpeSource> bpe_source(const GgufVocabulary& vocabulary, bool ignore_merges) {
  BpeSource source;
  source.ignore_merges = ignore_merges;
  source.vocabulary.reserve(vocabulary.tokens.size());
  for (const std::string& token : vocabulary.tokens) {
    source.vocabulary.emplace_back(token, static_cast<std::int32_t>(source.vocabulary.size()));
  }
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
  return source;
}

Result<void> add_vocabulary(const GgufVocabulary& vocabulary, bool ignore_merges, BpeTokenizerParts& parts) {
  const Result<BpeSource> source = bpe_source(vocabulary, ignore_merges);
  if (!source) return tl::unexpected(source.error());
  parts.added = added_tokens(vocabulary);
  Result<std::vector<std::string>> pieces = vocabulary_spellings(source->vocabulary, parts.added);
  if (!pieces) return tl::unexpected(pieces.error());
  for (std::string& piece : *pieces) piece = decoded_piece(piece);
  Result<BpeModel> model = BpeModel::build(*source);
  if (!model) return tl::unexpected(model.error());
  // Unlike tokenizer.json's decoder, llama.cpp writes these tokens as they stand.
  for (const AddedToken& token : parts.added) (*pieces)[static_cast<std::size_t>(token.id)] = token.content;
  parts.pieces = std::move(*pieces);
  parts.model = std::move(*model);
  return {};
}

Result<void> add_splits(const NamedPreTokenizer& named, PreTokenizer& pre_tokenizer) {
  for (const std::string_view pattern : named.splits) {
    Result<RegexSplitter> splitter = RegexSplitter::compile({.pattern = std::string(pattern)});
    if (!splitter) return tl::unexpected(splitter.error());
    pre_tokenizer.add(std::move(*splitter));
  }
  return {};
}

}  // namespace

Result<std::shared_ptr<const Tokenizer>> build_gguf_tokenizer(const GgufVocabulary& vocabulary) {
  const Result<const NamedPreTokenizer*> named = choose_pre_tokenizer(vocabulary);
  if (!named) return tl::unexpected(named.error());
  if (const Result<void> checked = check_sizes(vocabulary); !checked) return tl::unexpected(checked.error());
  BpeTokenizerParts parts;
  if ((*named)->nfc) parts.normalizer.add(NormalForm::nfc);
  if (const Result<void> added = add_splits(**named, parts.pre_tokenizer); !added) {
    return tl::unexpected(added.error());
  }
  if (const Result<void> added = add_vocabulary(vocabulary, (*named)->ignore_merges, parts); !added) {
    return tl::unexpected(added.error());
  }
  parts.bos_id = vocabulary.bos_id;
  parts.eos_id = vocabulary.eos_id;
  if (parts.bos_id && vocabulary.add_bos.value_or((*named)->adds_bos)) parts.prefix.push_back(*parts.bos_id);
  if (parts.eos_id && vocabulary.add_eos.value_or(false)) parts.suffix.push_back(*parts.eos_id);
  return std::make_shared<const BpeTokenizer>(std::move(parts));
}

}  // namespace quantscope
