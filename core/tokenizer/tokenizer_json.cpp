// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/tokenizer_json.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/tokenizer/bpe_tokenizer.h"
#include "core/tokenizer/json_fields.h"
#include "core/tokenizer/json_parts.h"
#include "core/tokenizer/merge_text.h"
#include "core/tokenizer/normalizer_json.h"
#include "core/tokenizer/post_processor_json.h"
#include "core/tokenizer/pre_tokenizer_json.h"
#include "core/tokenizer/token_decoder_json.h"
#include "core/tokenizer/vocabulary_spellings.h"

namespace quantscope {
namespace {

using nlohmann::json;

tl::unexpected<Error> malformed(std::string_view what) {
  return fail(ErrorCode::corrupt_file, fmt::format("{}; get the tokenizer's files again.", what));
}

Result<std::vector<AddedToken>> read_added_tokens(const json& list) {
  std::vector<AddedToken> tokens;
  for (const json& entry : list) {
    const std::optional<std::int32_t> id = json_token_id(json_field(entry, "id"));
    const std::string_view content = json_text(entry, "content");
    if (!id) return malformed(fmt::format("The added token \"{}\" has no valid id", content.substr(0, 80)));
    if (content.empty()) continue;
    tokens.push_back({.id = *id,
                      .content = std::string(content),
                      .special = json_flag(entry, "special", false),
                      .normalized = json_flag(entry, "normalized", true),
                      .lstrip = json_flag(entry, "lstrip", false),
                      .rstrip = json_flag(entry, "rstrip", false),
                      .single_word = json_flag(entry, "single_word", false)});
  }
  return tokens;
}

Result<void> check_model(const json& model) {
  const std::string_view type = json_text(model, "type");
  if (type != "BPE") return refuse_part("model", type);
  for (const char* affix : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    if (!json_text(model, affix).empty()) return refuse_part("model", fmt::format("BPE with {}", affix));
  }
  const json& dropout = json_field(model, "dropout");
  if (dropout.is_number() && dropout.get<double>() > 0) return refuse_part("model", "BPE with dropout");
  return {};
}

Result<void> read_vocabulary(const json& vocabulary, BpeSource& source) {
  if (!vocabulary.is_object() || vocabulary.empty()) return malformed("model.vocab is not a list of tokens");
  source.vocabulary.reserve(vocabulary.size());
  for (const auto& [text, value] : vocabulary.get_ref<const json::object_t&>()) {
    const std::optional<std::int32_t> id = json_token_id(value);
    if (!id) return malformed(fmt::format("The token \"{}\" of model.vocab has no valid id", text.substr(0, 80)));
    source.vocabulary.emplace_back(text, *id);
  }
  return {};
}

/// "left right", or ["left", "right"].
std::optional<std::pair<std::string_view, std::string_view>> read_merge(const json& value) {
  if (value.is_array() && value.size() == 2 && value[0].is_string() && value[1].is_string()) {
    return std::pair<std::string_view, std::string_view>(value[0].get_ref<const std::string&>(),
                                                         value[1].get_ref<const std::string&>());
  }
  if (!value.is_string()) return std::nullopt;
  return split_merge(value.get_ref<const std::string&>());
}

Result<void> read_merges(const json& merges, BpeSource& source) {
  if (!merges.is_array()) return malformed("model.merges is not a list");
  source.merges.reserve(merges.size());
  for (const json& value : merges) {
    const auto merge = read_merge(value);
    if (!merge) return malformed(fmt::format("Entry {} of model.merges is not a pair of tokens", source.merges.size()));
    source.merges.push_back(*merge);
  }
  return {};
}

/// The result points into `model`.
Result<BpeSource> read_model(const json& model, BpeAlphabet alphabet) {
  BpeSource source{.alphabet = alphabet};
  if (const Result<void> checked = check_model(model); !checked) return tl::unexpected(checked.error());
  if (const Result<void> read = read_vocabulary(json_field(model, "vocab"), source); !read) {
    return tl::unexpected(read.error());
  }
  if (const Result<void> read = read_merges(json_field(model, "merges"), source); !read) {
    return tl::unexpected(read.error());
  }
  source.ignore_merges = json_flag(model, "ignore_merges", false);
  source.fuse_unknown = json_flag(model, "fuse_unk", false);
  source.byte_fallback = json_flag(model, "byte_fallback", false);
  if (const std::string_view unknown = json_text(model, "unk_token"); !unknown.empty()) {
    source.unknown_id = json_token_id(json_field(json_field(model, "vocab"), std::string(unknown).c_str()));
  }
  return source;
}

std::optional<std::int32_t> id_of(std::string_view content, const BpeTokenizerParts& parts,
                                  const std::vector<std::string>& spellings) {
  if (content.empty()) return std::nullopt;
  const auto added = std::ranges::find(parts.added, content, &AddedToken::content);
  if (added != parts.added.end()) return added->id;
  const auto spelling = std::ranges::find(spellings, content);
  if (spelling == spellings.end()) return std::nullopt;
  return static_cast<std::int32_t>(spelling - spellings.begin());
}

/// Everything but the pipeline; `parts` has its decoder already.
Result<void> add_vocabulary(const json& root, BpeAlphabet alphabet, const SpecialTokenNames& names,
                            BpeTokenizerParts& parts) {
  const Result<BpeSource> source = read_model(json_field(root, "model"), alphabet);
  if (!source) return tl::unexpected(source.error());
  Result<std::vector<AddedToken>> added = read_added_tokens(json_field(root, "added_tokens"));
  if (!added) return tl::unexpected(added.error());
  Result<std::vector<std::string>> spellings = vocabulary_spellings(source->vocabulary, *added);
  if (!spellings) return tl::unexpected(spellings.error());
  Result<BpeModel> model = BpeModel::build(*source);
  if (!model) return tl::unexpected(model.error());
  for (const AddedToken& token : *added) {  // decoded as they are found
    if (token.normalized) (*spellings)[static_cast<std::size_t>(token.id)] = parts.normalizer.normalize(token.content);
  }
  parts.added = std::move(*added);
  parts.model = std::move(*model);
  parts.bos_id = id_of(names.bos, parts, *spellings);
  parts.eos_id = id_of(names.eos, parts, *spellings);
  // Hugging Face's decoders read added tokens like all others.
  for (const std::string& spelling : *spellings) parts.pieces.push_back(parts.decoder.token_bytes(spelling));
  if (!parts.decoder.only_byte_level()) parts.spellings = std::move(*spellings);
  return {};
}

/// What lies around the model; gives the alphabet it is to have.
Result<BpeAlphabet> add_pipeline(const json& root, BpeTokenizerParts& parts) {
  Result<Normalizer> normalizer = read_normalizer(json_field(root, "normalizer"));
  if (!normalizer) return tl::unexpected(normalizer.error());
  Result<PreTokenizerSpec> pre_tokenizer = read_pre_tokenizer(json_field(root, "pre_tokenizer"));
  if (!pre_tokenizer) return tl::unexpected(pre_tokenizer.error());
  Result<TextFrame> frame = read_post_processor(json_field(root, "post_processor"));
  if (!frame) return tl::unexpected(frame.error());
  Result<TokenDecoder> decoder = read_token_decoder(json_field(root, "decoder"));
  if (!decoder) return tl::unexpected(decoder.error());
  parts.normalizer = std::move(*normalizer);
  parts.pre_tokenizer = std::move(pre_tokenizer->steps);
  parts.decoder = std::move(*decoder);
  parts.prefix = std::move(frame->prefix);
  parts.suffix = std::move(frame->suffix);
  return pre_tokenizer->byte_level ? BpeAlphabet::bytes : BpeAlphabet::characters;
}

bool frame_is_known(const BpeTokenizerParts& parts) {
  const auto known = [&](std::int32_t id) { return static_cast<std::size_t>(id) < parts.pieces.size(); };
  return std::ranges::all_of(parts.prefix, known) && std::ranges::all_of(parts.suffix, known);
}

/// A token name is a string, or an object with its content.
std::string token_name(const json& config, const char* field) {
  const json& value = json_field(config, field);
  return std::string(value.is_object() ? json_text(value, "content") : json_text(config, field));
}

}  // namespace

SpecialTokenNames read_special_names(const json& config) {
  return {token_name(config, "bos_token"), token_name(config, "eos_token")};
}

Result<std::shared_ptr<const Tokenizer>> build_json_tokenizer(const json& root, const SpecialTokenNames& names) {
  BpeTokenizerParts parts;
  // The pipeline first: it says best what kind of tokenizer this is.
  const Result<BpeAlphabet> alphabet = add_pipeline(root, parts);
  if (!alphabet) return tl::unexpected(alphabet.error());
  if (const Result<void> read = add_vocabulary(root, *alphabet, names, parts); !read) {
    return tl::unexpected(read.error());
  }
  if (!frame_is_known(parts)) return malformed("The post_processor's template has an id that the vocabulary lacks");
  if (!parts.bos_id && !parts.prefix.empty()) parts.bos_id = parts.prefix.front();
  return std::make_shared<const BpeTokenizer>(std::move(parts));
}

}  // namespace quantscope
