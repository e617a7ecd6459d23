// SPDX-License-Identifier: GPL-3.0-or-later
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "core/tokenizer/regex_splitter.h"
#include "core/tokenizer/split_patterns.h"
#include "tests/support/reference_data.h"

namespace quantscope {
namespace {

using nlohmann::json;
using Pieces = std::vector<std::string>;

Pieces cut(const NamedPreTokenizer& named, const std::string& text) {
  std::vector<std::string_view> pieces{text};
  for (const std::string_view pattern : named.splits) {
    const auto splitter = RegexSplitter::compile({.pattern = std::string(pattern)});
    EXPECT_TRUE(splitter) << pattern;
    std::vector<std::string_view> next;
    splitter->split(pieces, next);
    pieces = std::move(next);
  }
  return {pieces.begin(), pieces.end()};
}

/// Against Hugging Face tokenizers with the same patterns (see tests/data/tokenizers/make_named_splits.py).
TEST(NamedSplits, CutAsTheLibraryCuts) {
  const json expected =
      json::parse(std::ifstream(testing::source_folder() / "tests/data/tokenizers/named_splits.json"));
  ASSERT_EQ(expected.at("groups").size(), named_pre_tokenizers().size());
  for (std::size_t group = 0; group < named_pre_tokenizers().size(); ++group) {
    const NamedPreTokenizer& named = named_pre_tokenizers()[group];
    ASSERT_EQ(named.names.front(), expected.at("groups").at(group).at("name"));
    for (const json& example : expected.at("groups").at(group).at("pieces")) {
      const Pieces pieces = example;
      std::string text;
      for (const std::string& piece : pieces) text += piece;
      EXPECT_EQ(cut(named, text), pieces) << named.names.front();
    }
  }
}

TEST(NamedSplits, EveryNameIsFoundAndNoneTwice) {
  for (const NamedPreTokenizer& named : named_pre_tokenizers()) {
    for (const std::string_view name : named.names) EXPECT_EQ(find_named_pre_tokenizer(name), &named) << name;
  }
  EXPECT_EQ(find_named_pre_tokenizer("kimi-k2"), nullptr);
}

}  // namespace
}  // namespace quantscope
