// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/tokenizer/merge_table.h"
#include "kernels/error.h"

namespace quantscope {

/// A vocabulary and its merges as files spell them, in byte-level text.
struct BpeSource {
  std::vector<std::pair<std::string_view, std::int32_t>> vocabulary = {};
  std::vector<std::pair<std::string_view, std::string_view>> merges = {};  ///< best first
  bool ignore_merges = false;  ///< a word that is itself a token is taken whole
  std::optional<std::int32_t> unknown_id =
      std::nullopt;           ///< for bytes that are not in the vocabulary; without it they are dropped
  bool fuse_unknown = false;  ///< one unknown id for a run of such bytes
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

  /// Appends the ids of a word (raw bytes, less than 2^32). Time is n log n in its length.
  void encode(std::string_view word, Scratch& scratch, std::vector<std::int32_t>& ids) const;

 private:
  /// Lets a std::string_view be looked up without a copy.
  struct WordHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view word) const { return std::hash<std::string_view>{}(word); }
  };

  Result<void> add_merges(const BpeSource& source);
  void add_words(const BpeSource& source);
  /// The ids of the single bytes.
  void load_bytes(std::string_view word, std::vector<std::int32_t>& ids) const;
  /// Scans for the best merge each time: quadratic, and the fastest for words of usual length.
  void merge_short(Scratch& scratch) const;
  /// Keeps candidates in a heap and tokens in a linked list.
  void merge_long(Scratch& scratch) const;
  void add_candidate(Scratch& scratch, std::uint32_t left) const;
  void apply_candidate(Scratch& scratch, std::uint64_t candidate) const;

  std::array<std::int32_t, 256> byte_ids_{};
  std::optional<std::int32_t> unknown_id_;
  bool fuse_unknown_ = false;
  MergeTable merges_;
  std::unordered_map<std::string, std::int32_t, WordHash, std::equal_to<>> whole_words_;  ///< only for ignore_merges
};

}  // namespace quantscope
