// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/evaluate/scorers.h"

#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <nlohmann/json.hpp>
#include <vector>

#include "tests/support/reference_data.h"

namespace quantscope {
namespace {

using nlohmann::json;

constexpr std::array<Scorer, 3> scorers = {Scorer::lm_eval, Scorer::official, Scorer::max};

TEST(Scorers, EqualLmEvalOnAllReferenceCases) {
  QUANTSCOPE_REQUIRE_SHARED();
  std::ifstream file(testing::shared_folder() / "reference/metrics/coqa.json");
  const json cases = json::parse(file).at("cases");
  EXPECT_EQ(cases.size(), 59U);
  constexpr std::array<const char*, 3> keys = {"lm_eval", "official", "max"};
  for (const json& entry : cases) {
    const std::string prediction = entry.at("prediction");
    const auto references = entry.at("references").get<std::vector<std::string>>();
    EXPECT_EQ(normalize_answer(prediction), entry.at("normalized_prediction"));
    for (std::size_t i = 0; i < references.size(); ++i) {
      EXPECT_EQ(normalize_answer(references[i]), entry.at("normalized_references").at(i));
    }
    for (std::size_t s = 0; s < scorers.size(); ++s) {
      const QaScore score = score_answer(prediction, references, scorers[s]);
      EXPECT_NEAR(score.em, entry.at(std::string(keys[s]) + "_em").get<double>(), 1e-12) << entry;
      EXPECT_NEAR(score.f1, entry.at(std::string(keys[s]) + "_f1").get<double>(), 1e-12) << entry;
    }
  }
}

TEST(NormalizeAnswer, JoinsAcrossPunctuationAndDropsArticles) {
  EXPECT_EQ(normalize_answer("  The U.S.  well-known\tcat, an A! "), "us wellknown cat");
  EXPECT_EQ(normalize_answer("theatre another"), "theatre another");
  EXPECT_EQ(normalize_answer("the\u2014end"), "\u2014end");
  EXPECT_EQ(normalize_answer("the\u00e9 an\u0661"), "the\u00e9 an\u0661");
  EXPECT_EQ(normalize_answer("\u00bfa\u00bf"), "\u00bf \u00bf");
  EXPECT_EQ(normalize_answer(""), "");
}

TEST(NormalizeAnswer, SplitsAtUnicodeWhiteSpaceOnly) {
  EXPECT_EQ(normalize_answer("x\u00a0y\u2003z\u3000w\u0085v\u2028u\x1fq"), "x y z w v u q");
  EXPECT_EQ(normalize_answer("x\u200by"), "x\u200by");
}

TEST(NormalizeAnswer, LowersWithTheFullMappings) {
  EXPECT_EQ(normalize_answer("\u0130"), "i\u0307");
  EXPECT_EQ(normalize_answer("\u039f\u0394\u039f\u03a3"), "\u03bf\u03b4\u03bf\u03c2");
  EXPECT_EQ(normalize_answer("\u03a3"), "\u03c3");
  EXPECT_EQ(normalize_answer("\u0391\u03a3\u0391"), "\u03b1\u03c3\u03b1");
  EXPECT_EQ(normalize_answer("\u0391\u03a3 \u0391"), "\u03b1\u03c2 \u03b1");
  EXPECT_EQ(normalize_answer("\u0391\u0301\u03a3"), "\u03b1\u0301\u03c2");
  EXPECT_EQ(normalize_answer("\u0391\u03a3.\u0391"), "\u03b1\u03c3\u03b1");
}

TEST(NormalizeAnswer, KeepsIllFormedBytesApart) { EXPECT_EQ(normalize_answer("x\xFFy"), "x\uFFFDy"); }

TEST(ScoreAnswer, LeaveOneOutPunishesDisagreementAmongDistinctReferences) {
  const std::vector<std::string> references = {"white", "white", "white", "a white cat"};
  EXPECT_DOUBLE_EQ(score_answer("white", references, Scorer::lm_eval).em, 0.5);
  EXPECT_NEAR(score_answer("white", references, Scorer::lm_eval).f1, 5.0 / 6, 1e-12);
  EXPECT_DOUBLE_EQ(score_answer("white", references, Scorer::official).em, 1.0);
  EXPECT_DOUBLE_EQ(score_answer("white", references, Scorer::max).f1, 1.0);
}

TEST(ScoreAnswer, AllScorersAgreeOnOneReference) {
  for (const Scorer scorer : scorers) {
    const QaScore score = score_answer("the red dog", std::vector<std::string>{"red cat"}, scorer);
    EXPECT_DOUBLE_EQ(score.f1, 0.5);
    EXPECT_DOUBLE_EQ(score.em, 0.0);
  }
}

TEST(ScoreAnswer, WithoutReferencesIsZero) {
  for (const Scorer scorer : scorers) EXPECT_EQ(score_answer("x", {}, scorer).f1, 0.0);
}

TEST(Scorers, NamesRoundTrip) {
  for (const Scorer scorer : scorers) EXPECT_EQ(parse_scorer(scorer_name(scorer)), scorer);
  EXPECT_EQ(parse_scorer("LM-EVAL"), std::nullopt);
  EXPECT_EQ(scorer_label(Scorer::official), "official (leave-one-out)");
}

}  // namespace
}  // namespace quantscope
