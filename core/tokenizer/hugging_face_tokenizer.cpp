// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/hugging_face_tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>
#include <tuple>
#include <unordered_map>

#include "core/input/utf8.h"
#include "core/tokenizer/score_merges.h"
#include "core/tokenizer/split_patterns.h"

namespace quantscope {
namespace {

using nlohmann::json;

constexpr std::string_view mark = "\u2581";
/// tokenizer.ggml.token_type.
enum TokenType : std::int32_t { normal = 1, unknown = 2, control = 3, user_defined = 4, unused = 5 };

tl::unexpected<Error> refuse(std::string_view what) {
  return fail(ErrorCode::unsupported,
              fmt::format("The GGUF vocabulary {}, which tokenizer.json cannot say; write GGUF.", what));
}

TokenType type_of(const GgufVocabulary& vocabulary, std::size_t id) {
  return id < vocabulary.token_types.size() ? static_cast<TokenType>(vocabulary.token_types[id]) : normal;
}

bool is_filler(const GgufVocabulary& vocabulary, std::size_t id) {
  return type_of(vocabulary, id) == unused && vocabulary.tokens[id] == fmt::format("[PAD{}]", id);
}

/// Found in text as a whole, whatever the merges say.
bool is_added(TokenType type) { return type == unknown || type == control || type == user_defined; }

Result<void> check_tokens(const GgufVocabulary& vocabulary) {
  std::unordered_map<std::string_view, std::size_t> seen;
  for (std::size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    const std::string& token = vocabulary.tokens[id];
    if (!is_utf8(token)) return refuse(fmt::format("has a token ({}) that is not UTF-8", id));
    const auto [first, is_new] = seen.emplace(token, id);
    if (!is_new) return refuse(fmt::format("has the same token twice ({} and {})", first->second, id));
  }
  if (!is_utf8(vocabulary.chat_template)) return refuse("has a chat template that is not UTF-8");
  return {};
}

json added_tokens(const GgufVocabulary& vocabulary) {
  json list = json::array();
  for (std::size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    const TokenType type = type_of(vocabulary, id);
    if (!is_added(type)) continue;
    list.push_back({{"id", id},
                    {"content", vocabulary.tokens[id]},
                    {"single_word", false},
                    {"lstrip", false},
                    {"rstrip", false},
                    {"normalized", false},
                    {"special", type != user_defined}});
  }
  return list;
}

/// Token to id. Byte-level vocabularies keep added tokens apart, SentencePiece's do not.
json token_ids(const GgufVocabulary& vocabulary, bool with_added) {
  json ids = json::object();
  for (std::size_t id = 0; id < vocabulary.tokens.size(); ++id)
    if (!is_filler(vocabulary, id) && (with_added || !is_added(type_of(vocabulary, id))))
      ids[vocabulary.tokens[id]] = id;
  return ids;
}

/// What is put around a text: BOS before, EOS behind.
json post_processor(const GgufVocabulary& vocabulary, bool adds_bos, bool adds_eos) {
  if (!adds_bos && !adds_eos) return nullptr;
  json special = json::object();
  const auto token = [&](std::int32_t id, int sequence) -> json {
    const std::string& text = vocabulary.tokens.at(static_cast<std::size_t>(id));
    special[text] = {{"id", text}, {"ids", {id}}, {"tokens", {text}}};
    return {{"SpecialToken", {{"id", text}, {"type_id", sequence}}}};
  };
  const auto framed = [&](const char* name, int sequence) {
    json steps = json::array();
    if (adds_bos) steps.push_back(token(*vocabulary.bos_id, sequence));
    steps.push_back({{"Sequence", {{"id", name}, {"type_id", sequence}}}});
    if (adds_eos) steps.push_back(token(*vocabulary.eos_id, sequence));
    return steps;
  };
  const json single = framed("A", 0);
  json pair = single;
  for (const json& step : framed("B", 1)) pair.push_back(step);
  return {{"type", "TemplateProcessing"}, {"single", single}, {"pair", pair}, {"special_tokens", special}};
}

json whole_tokenizer(json parts) {
  json root = {{"version", "1.0"}, {"truncation", nullptr}, {"padding", nullptr}};
  root.update(parts);
  return root;
}

Result<json> byte_level_tokenizer(const GgufVocabulary& vocabulary) {
  const NamedPreTokenizer* named = find_named_pre_tokenizer(vocabulary.pre);
  if (named == nullptr) return refuse(fmt::format("splits words as \"{}\"", vocabulary.pre.substr(0, 80)));
  json steps = json::array();
  for (const std::string_view pattern : named->splits)
    steps.push_back(
        {{"type", "Split"}, {"pattern", {{"Regex", pattern}}}, {"behavior", "Isolated"}, {"invert", false}});
  const json byte_level = {
      {"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", false}};
  steps.push_back(byte_level);
  for (const std::string& merge : vocabulary.merges)
    if (!is_utf8(merge)) return refuse("has a merge that is not UTF-8");
  const bool adds_bos = vocabulary.bos_id && vocabulary.add_bos.value_or(named->adds_bos);
  const bool adds_eos = vocabulary.eos_id && vocabulary.add_eos.value_or(false);
  return whole_tokenizer({{"added_tokens", added_tokens(vocabulary)},
                          {"normalizer", named->nfc ? json{{"type", "NFC"}} : json()},
                          {"pre_tokenizer", {{"type", "Sequence"}, {"pretokenizers", steps}}},
                          {"post_processor", post_processor(vocabulary, adds_bos, adds_eos)},
                          {"decoder", byte_level},
                          {"model",
                           {{"type", "BPE"},
                            {"dropout", nullptr},
                            {"unk_token", nullptr},
                            {"fuse_unk", false},
                            {"byte_fallback", false},
                            {"ignore_merges", named->ignore_merges},
                            {"vocab", token_ids(vocabulary, false)},
                            {"merges", vocabulary.merges}}}});
}

/// Pairs of tokens, best first; among those that make the same token, in the order of their ids.
Result<json> merges_of_scores(const GgufVocabulary& vocabulary) {
  BpeSource source;
  if (auto added = add_score_merges(vocabulary.tokens, vocabulary.scores, source); !added)
    return tl::unexpected(added.error());
  std::unordered_map<std::string_view, std::size_t> ids;
  for (std::size_t id = 0; id < vocabulary.tokens.size(); ++id) ids.emplace(vocabulary.tokens[id], id);
  std::vector<std::tuple<std::uint32_t, std::size_t, std::size_t, std::size_t>> order;
  for (std::size_t i = 0; i < source.merges.size(); ++i) {
    const auto& [left, right] = source.merges[i];
    const std::size_t made = ids.at(std::string(left).append(right));
    if (!is_added(type_of(vocabulary, made))) order.emplace_back(source.ranks[i], made, ids.at(left), ids.at(right));
  }
  std::ranges::sort(order);
  json merges = json::array();
  for (const auto& [rank, made, left, right] : order)
    merges.push_back({vocabulary.tokens[left], vocabulary.tokens[right]});
  return merges;
}

Result<json> sentencepiece_tokenizer(const GgufVocabulary& vocabulary) {
  if (vocabulary.scores.empty()) return refuse("has no scores");
  if (vocabulary.remove_extra_whitespaces.value_or(false)) return refuse("removes extra white space");
  if (!vocabulary.bos_id && vocabulary.add_bos.value_or(true)) return refuse("does not name its BOS token");
  auto merges = merges_of_scores(vocabulary);
  if (!merges) return merges;
  const bool prefix = vocabulary.add_space_prefix.value_or(true);
  json normalizers = json::array({{{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", mark}}});
  json decoders = json::array({{{"type", "Replace"}, {"pattern", {{"String", mark}}}, {"content", " "}},
                               {{"type", "ByteFallback"}},
                               {{"type", "Fuse"}}});
  if (prefix) {
    normalizers.insert(normalizers.begin(), json{{"type", "Prepend"}, {"prepend", mark}});
    decoders.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  }
  const auto unknown_id = static_cast<std::size_t>(vocabulary.unknown_id.value_or(0));
  return whole_tokenizer(
      {{"added_tokens", added_tokens(vocabulary)},
       {"normalizer", {{"type", "Sequence"}, {"normalizers", normalizers}}},
       {"pre_tokenizer", nullptr},
       {"post_processor", post_processor(vocabulary, vocabulary.bos_id && vocabulary.add_bos.value_or(true),
                                         vocabulary.eos_id && vocabulary.add_eos.value_or(false))},
       {"decoder", {{"type", "Sequence"}, {"decoders", decoders}}},
       {"model",
        {{"type", "BPE"},
         {"dropout", nullptr},
         {"unk_token", vocabulary.tokens.at(unknown_id)},
         {"fuse_unk", true},
         {"byte_fallback", true},
         {"ignore_merges", false},
         {"vocab", token_ids(vocabulary, true)},
         {"merges", *merges}}}});
}

json tokenizer_config(const GgufVocabulary& vocabulary) {
  json config = {{"tokenizer_class", "PreTrainedTokenizerFast"}, {"clean_up_tokenization_spaces", false}};
  const auto name = [&](const char* field, std::optional<std::int32_t> id) {
    if (id) config[field] = vocabulary.tokens.at(static_cast<std::size_t>(*id));
  };
  name("bos_token", vocabulary.bos_id);
  name("eos_token", vocabulary.eos_id);
  name("unk_token", vocabulary.unknown_id);
  name("pad_token", vocabulary.padding_id);
  if (!vocabulary.chat_template.empty()) config["chat_template"] = vocabulary.chat_template;
  return config;
}

Result<void> check_ids(const GgufVocabulary& vocabulary) {
  for (const auto& id : {vocabulary.bos_id, vocabulary.eos_id, vocabulary.unknown_id, vocabulary.padding_id})
    if (id && (*id < 0 || static_cast<std::size_t>(*id) >= vocabulary.tokens.size()))
      return fail(ErrorCode::corrupt_file,
                  fmt::format("The GGUF vocabulary of {} tokens names {} as a special token; get the file again.",
                              vocabulary.tokens.size(), *id));
  return {};
}

}  // namespace

Result<std::vector<FolderText>> hugging_face_tokenizer(const GgufVocabulary& vocabulary) {
  if (vocabulary.tokens.empty()) return std::vector<FolderText>{};
  if (auto checked = check_ids(vocabulary); !checked) return tl::unexpected(std::move(checked.error()));
  if (auto checked = check_tokens(vocabulary); !checked) return tl::unexpected(std::move(checked.error()));
  if (vocabulary.model != "gpt2" && vocabulary.model != "llama")
    return refuse(fmt::format("is of the model \"{}\"", vocabulary.model.substr(0, 80)));
  const auto root = vocabulary.model == "gpt2" ? byte_level_tokenizer(vocabulary) : sentencepiece_tokenizer(vocabulary);
  if (!root) return tl::unexpected(root.error());
  return std::vector<FolderText>{{"tokenizer.json", root->dump(1) + "\n"},
                                 {"tokenizer_config.json", tokenizer_config(vocabulary).dump(1) + "\n"}};
}

}  // namespace quantscope
