// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/tokenizer/merge_table.h"
#include "kernels/error.h"

namespace quantscope {

/// What the smallest tokens of a vocabulary spell.
enum class BpeAlphabet : std::uint8_t {
  bytes,      ///< bytes, in byte-level text (see byte_level.h)
  characters  ///< characters as they stand
};

/// A vocabulary and its merges as files spell them.
struct BpeSource {
  BpeAlphabet alphabet = BpeAlphabet::bytes;
  std::vector<std::pair<std::string_view, std::int32_t>> vocabulary = {};
  std::vector<std::pair<std::string_view, std::string_view>> merges = {};  ///< best first
  /// The rank of each merge where several share one (then the leftmost goes first); empty if each has its own.
  std::vector<std::uint32_t> ranks = {};
  bool ignore_merges = false;  ///< a word that is itself a token is taken whole
  /// For bytes or characters that the vocabulary lacks; without it they are dropped.
  std::optional<std::int32_t> unknown_id = std::nullopt;
  bool fuse_unknown = false;   ///< one unknown id for a run of such
  bool byte_fallback = false;  ///< spell characters that the vocabulary lacks by "<0x00>".."<0xFF>" where it has these
};

/// Byte-pair encoding of single words, the algorithm of Hugging Face tokenizers (models/bpe). Immutable.
class BpeModel {
 public:
  /// Memory that encoding reuses from word to word.
  struct Scratch {
    /// A token of the word so far, in a list linked through positions.
    struct Symbol {
      std::int32_t id = 0;  ///< negative once merged into the symbol before it
      std::uint32_t previous = 0, next = 0;
    };
    std::vector<std::int32_t> ids;
    std::vector<Merge> merges;
    std::vector<Symbol> symbols;
    std::vector<std::uint64_t> heap;  ///< rank above position of the left symbol: the smallest is merged next
  };

  /// Knows no token; for structures that are filled later.
  BpeModel() = default;
  /// Fails if a merge names a token that the vocabulary lacks.
  static Result<BpeModel> build(const BpeSource& source);

  /// Cuts a word in front of each "▁" that no merge can join with what stands before it: encoding the parts one by one
  /// gives the ids of the whole, and parts repeat. Leaves the word whole where the vocabulary does not allow that.
  /// After a stop the rest is one part.
  void cut(std::string_view word, std::vector<std::string_view>& parts, const std::stop_token& stop = {}) const;

  /// Appends the ids of a word (less than 2^32 bytes; valid UTF-8 if the alphabet is characters). Time is n log n in
  /// its length. After a stop in a long word its ids are no longer those of the word.
  void encode(std::string_view word, Scratch& scratch, std::vector<std::int32_t>& ids,
              const std::stop_token& stop = {}) const;

 private:
  /// Lets a std::string_view be looked up without a copy.
  struct WordHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view word) const { return std::hash<std::string_view>{}(word); }
  };

  Result<void> add_merges(const BpeSource& source);
  void add_words(const BpeSource& source);
  void add_character(std::string_view text, std::int32_t id);
  void add_fallback(const BpeSource& source);
  bool can_cut(const BpeSource& source) const;
  /// The ids of the single bytes.
  void load_bytes(std::string_view word, std::vector<std::int32_t>& ids, const std::stop_token& stop) const;
  /// The ids of the single characters.
  void load_characters(std::string_view word, std::vector<std::int32_t>& ids, const std::stop_token& stop) const;
  std::int32_t character_id(std::string_view character) const;
  bool has_fallback(std::string_view character) const;
  /// Scans for the best merge each time: quadratic, and the fastest for words of usual length.
  void merge_short(Scratch& scratch) const;
  /// Keeps candidates in a heap and tokens in a linked list.
  void merge_long(Scratch& scratch, const std::stop_token& stop) const;
  void add_candidate(Scratch& scratch, std::uint32_t left) const;
  void apply_candidate(Scratch& scratch, std::uint64_t candidate) const;

  BpeAlphabet alphabet_ = BpeAlphabet::bytes;
  /// Ids of single bytes (alphabet of bytes) or of ASCII characters; negative where there is none.
  std::array<std::int32_t, 256> byte_ids_{};
  std::unordered_map<char32_t, std::int32_t> character_ids_;  ///< of the other characters
  std::array<std::int32_t, 256> fallback_ids_{};              ///< of "<0x00>".."<0xFF>"; negative where there is none
  bool cuts_before_space_ = false;
  std::optional<std::int32_t> unknown_id_;
  bool fuse_unknown_ = false;
  MergeTable merges_;
  std::unordered_map<std::string, std::int32_t, WordHash, std::equal_to<>> whole_words_;  ///< only for ignore_merges
};

}  // namespace quantscope
