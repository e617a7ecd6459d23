// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/bpe_tokenizer.h"

#include "core/input/utf8.h"
#include "core/tokenizer/characters.h"
#include "core/tokenizer/word_cache.h"

namespace quantscope {
namespace {

std::vector<AddedToken> tokens_looked_for(const BpeTokenizerParts& parts, bool normalized) {
  std::vector<AddedToken> tokens;
  for (AddedToken token : parts.added) {
    if (token.normalized != normalized) continue;
    if (normalized) token.content = parts.normalizer.normalize(token.content);
    tokens.push_back(std::move(token));
  }
  return tokens;
}

}  // namespace

/// The state of one call of encode().
struct BpeTokenizer::Run {
  bool parse_special;
  const std::stop_token& stop;
  WordCache cache;
  TextArena arena;
  BpeModel::Scratch scratch;
  std::vector<std::string_view> parts;
  std::vector<std::int32_t> ids;
};

BpeTokenizer::BpeTokenizer(BpeTokenizerParts parts)
    : parts_(std::move(parts)),
      special_(parts_.pieces.size()),
      raw_matcher_(tokens_looked_for(parts_, false)),
      normalized_matcher_(tokens_looked_for(parts_, true)) {
  for (const AddedToken& token : parts_.added) special_[static_cast<std::size_t>(token.id)] = token.special;
}

Result<std::vector<std::int32_t>> BpeTokenizer::encode(std::string_view text, const EncodeOptions& options,
                                                       const std::stop_token& stop) const {
  Run run{options.parse_special, stop, WordCache(text.size()), {}, {}, {}, {}};
  run.ids.reserve(text.size() / 3 + 2);
  if (!is_utf8(text)) text = run.arena.emplace_back(replace_invalid_utf8(text));
  if (options.add_special) run.ids = parts_.prefix;
  for (const TextSection& section : raw_matcher_.split(text, options.parse_special, stop)) {
    if (section.id) {
      run.ids.push_back(*section.id);
    } else {
      encode_section(section.text, section.text.data() == text.data(), run);
    }
  }
  if (options.add_special) run.ids.insert(run.ids.end(), parts_.suffix.begin(), parts_.suffix.end());
  if (stop.stop_requested()) return cancelled();
  return std::move(run.ids);
}

void BpeTokenizer::encode_section(std::string_view text, bool at_start, Run& run) const {
  // White space cut off the start still counts as the start of the whole text.
  if (parts_.normalizer.strips_left() && leading_space_length(text) > 0) at_start = false;
  if (parts_.normalizer.may_change(text)) text = run.arena.emplace_back(parts_.normalizer.normalize(text, run.stop));
  for (const TextSection& section : normalized_matcher_.split(text, run.parse_special, run.stop)) {
    if (section.id) {
      run.ids.push_back(*section.id);
    } else {
      encode_words(section.text, at_start && section.text.data() == text.data(), run);
    }
  }
}

void BpeTokenizer::encode_words(std::string_view text, bool at_start, Run& run) const {
  for (const std::string_view word : parts_.pre_tokenizer.split(text, at_start, run.arena, run.stop)) {
    run.parts.clear();
    parts_.model.cut(word, run.parts, run.stop);
    for (const std::string_view part : run.parts) {
      if (run.stop.stop_requested()) return;
      encode_word(part, run);
    }
  }
}

void BpeTokenizer::encode_word(std::string_view word, Run& run) const {
  if (word.size() > WordCache::kLongestWord) {
    parts_.model.encode(word, run.scratch, run.ids, run.stop);
    return;
  }
  WordCache::Entry& entry = run.cache.place(word);
  const std::size_t first = run.ids.size();
  if (entry.word == word) {
    run.ids.resize(first + entry.count);
    std::copy_n(run.ids.begin() + static_cast<std::ptrdiff_t>(entry.first), entry.count,
                run.ids.begin() + static_cast<std::ptrdiff_t>(first));
    return;
  }
  parts_.model.encode(word, run.scratch, run.ids, run.stop);
  entry = {word, first, run.ids.size() - first};
}

std::string BpeTokenizer::decode(std::span<const std::int32_t> ids, bool skip_special) const {
  const bool joins = parts_.spellings.empty();
  std::string bytes;
  std::vector<std::string> tokens;
  for (const std::int32_t id : ids) {
    if (!is_known(id) || (skip_special && is_special(id))) continue;
    const auto index = static_cast<std::size_t>(id);
    if (joins) {
      bytes += parts_.pieces[index];
    } else if (!parts_.spellings[index].empty()) {
      tokens.push_back(parts_.spellings[index]);
    }
  }
  if (!joins) return parts_.decoder.decode(std::move(tokens));
  return is_utf8(bytes) ? bytes : replace_invalid_utf8(bytes);
}

std::string BpeTokenizer::piece(std::int32_t id) const {
  return is_known(id) ? parts_.pieces[static_cast<std::size_t>(id)] : std::string();
}

bool BpeTokenizer::adds_bos() const {
  return !parts_.prefix.empty() && parts_.bos_id && parts_.prefix.front() == *parts_.bos_id;
}

}  // namespace quantscope
