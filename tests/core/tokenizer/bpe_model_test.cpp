// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/bpe_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

namespace quantscope {
namespace {

using ::testing::ElementsAre;
using Ids = std::vector<std::int32_t>;

/// A vocabulary over "abc" with random merges, and the textbook algorithm on it.
class RandomVocabulary {
 public:
  explicit RandomVocabulary(unsigned seed) {
    tokens_ = {"a", "b", "c"};
    std::mt19937 random(seed);
    while (tokens_.size() < 60) {
      const std::string left = tokens_[random() % tokens_.size()], right = tokens_[random() % tokens_.size()];
      if (left.size() + right.size() > 40 || ids().contains(left + right)) continue;
      merges_.emplace_back(left, right);
      tokens_.push_back(left + right);
    }
  }

  BpeSource source() const {
    BpeSource source;
    for (const auto& [token, id] : ids()) source.vocabulary.emplace_back(tokens_[static_cast<std::size_t>(id)], id);
    for (const auto& [left, right] : merges_) source.merges.emplace_back(left, right);
    return source;
  }

  /// Joins the leftmost pair of the best merge until no merge applies.
  Ids encode_plainly(std::string_view word) const {
    std::vector<std::string> parts;
    for (const char letter : word) parts.emplace_back(1, letter);
    for (bool merged = true; merged;) {
      merged = false;
      for (const auto& [left, right] : merges_) {
        if (merged) break;
        for (std::size_t i = 0; i + 1 < parts.size() && !merged; ++i) {
          if (parts[i] != left || parts[i + 1] != right) continue;
          parts[i] += parts[i + 1];
          parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(i) + 1);
          merged = true;
        }
      }
    }
    Ids result;
    for (const std::string& part : parts) result.push_back(ids().at(part));
    return result;
  }

 private:
  std::map<std::string, std::int32_t> ids() const {
    std::map<std::string, std::int32_t> ids;
    for (const std::string& token : tokens_) ids.emplace(token, static_cast<std::int32_t>(ids.size()));
    return ids;
  }

  std::vector<std::string> tokens_;
  std::vector<std::pair<std::string, std::string>> merges_;
};

Ids encode(const BpeModel& model, std::string_view word) {
  BpeModel::Scratch scratch;
  Ids ids;
  model.encode(word, scratch, ids);
  return ids;
}

BpeModel model_of(const BpeSource& source) {
  auto model = BpeModel::build(source);
  EXPECT_TRUE(model) << model.error().message;
  return std::move(*model);
}

TEST(BpeModel, AgreesWithTheTextbookAlgorithmForShortAndLongWords) {
  for (unsigned seed = 0; seed < 12; ++seed) {
    const RandomVocabulary vocabulary(seed);
    const BpeModel model = model_of(vocabulary.source());
    std::mt19937 random(seed);
    for (const std::size_t length : {1U, 2U, 7U, 63U, 64U, 65U, 66U, 200U}) {
      std::string word;
      for (std::size_t i = 0; i < length; ++i) word.push_back(static_cast<char>('a' + random() % 3));
      EXPECT_EQ(encode(model, word), vocabulary.encode_plainly(word)) << word;
    }
  }
}

const BpeSource kSmall{.vocabulary = {{"a", 0}, {"b", 1}, {"ab", 2}, {"aba", 3}, {"<unk>", 4}}, .merges = {{"a", "b"}}};

TEST(BpeModel, TakesAWordThatIsATokenWholeOnlyWhenToldTo) {
  EXPECT_THAT(encode(model_of(kSmall), "aba"), ElementsAre(2, 0));
  BpeSource source = kSmall;
  source.ignore_merges = true;
  EXPECT_THAT(encode(model_of(source), "aba"), ElementsAre(3));
  EXPECT_THAT(encode(model_of(source), "abab"), ElementsAre(2, 2));
}

TEST(BpeModel, DropsBytesItLacksOrGivesTheUnknownId) {
  EXPECT_THAT(encode(model_of(kSmall), "axxb"), ElementsAre(2));
  BpeSource source = kSmall;
  source.unknown_id = 4;
  EXPECT_THAT(encode(model_of(source), "axxb"), ElementsAre(0, 4, 4, 1));
  source.fuse_unknown = true;
  EXPECT_THAT(encode(model_of(source), "axxbx"), ElementsAre(0, 4, 1, 4));
}

TEST(BpeModel, NamesTheMergeThatNeedsAMissingToken) {
  BpeSource source = kSmall;
  source.merges.emplace_back("b", "b");
  const auto model = BpeModel::build(source);
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().code, ErrorCode::corrupt_file);
  EXPECT_THAT(model.error().message, ::testing::HasSubstr("Merge 1 (\"b\" with \"b\")"));
}

}  // namespace
}  // namespace quantscope
