// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/evaluate/dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "core/evaluate/random.h"

namespace quantscope {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

QaStory story_of(std::string id, std::size_t questions) {
  QaStory story{std::move(id), "mctest", {}, "A cat sat.", {}};
  for (std::size_t i = 0; i < questions; ++i) {
    story.questions.push_back({static_cast<int>(i + 1), "Who?", {"a cat"}});
  }
  return story;
}

QaDataset dataset_of(std::size_t stories, std::size_t questions) {
  QaDataset dataset;
  dataset.name = "test.json";
  for (std::size_t i = 0; i < stories; ++i) dataset.stories.push_back(story_of("s" + std::to_string(i), questions));
  return dataset;
}

std::vector<std::pair<std::size_t, std::size_t>> pairs_of(const std::vector<QaItem>& items) {
  std::vector<std::pair<std::size_t, std::size_t>> pairs;
  for (const QaItem& item : items) pairs.emplace_back(item.story, item.question);
  return pairs;
}

using Pair = std::pair<std::size_t, std::size_t>;

TEST(Pcg32, DrawsThePublishedSequence) {
  // pcg-c-basic, sample output of pcg32-demo: seed 42, stream 54.
  Pcg32 random(42, 54);
  for (const std::uint32_t expected : {0xa15c02b7U, 0x7b47f409U, 0xba1d3330U, 0x83d2f293U, 0xbfa4784bU, 0xcbed606eU}) {
    EXPECT_EQ(random.next(), expected);
  }
}

TEST(Pcg32, BelowReachesEveryValueAboutEquallyOften) {
  Pcg32 random(1);
  std::array<int, 6> counts{};
  for (int i = 0; i < 60'000; ++i) ++counts.at(random.below(6));
  for (const int count : counts) EXPECT_NEAR(count, 10'000, 500);
}

TEST(Sample, TextFormsRoundTrip) {
  for (const char* text : {"all", "first:1", "first:50", "random:7:0", "random:100:18446744073709551615"}) {
    const auto sample = parse_sample(text);
    ASSERT_TRUE(sample) << text;
    EXPECT_EQ(sample_text(*sample), text);
  }
  EXPECT_EQ(parse_sample("random:5:9"), (Sample{Sample::Kind::random, 5, 9}));
}

TEST(Sample, RefusesWhatIsNoSample) {
  for (const char* text : {"", "ALL", "first", "first:", "first:0", "first:-1", "first:5 ", "first:1.5", "random:5",
                           "random:5:", "random::5", "random:0:1", "random:5:-1", "random:5:1:2", "last:3",
                           "first:99999999999999999999"}) {
    const auto sample = parse_sample(text);
    ASSERT_FALSE(sample) << text;
    EXPECT_EQ(sample.error().code, ErrorCode::invalid_argument);
    EXPECT_THAT(sample.error().message, HasSubstr("random:N:SEED"));
  }
}

TEST(ChooseItems, TakesTheLastTurnOrAllTurnsInFileOrder) {
  const QaDataset dataset = dataset_of(3, 2);
  EXPECT_THAT(pairs_of(*choose_items(dataset, Items::last, {})), ElementsAre(Pair{0, 1}, Pair{1, 1}, Pair{2, 1}));
  EXPECT_THAT(pairs_of(*choose_items(dataset, Items::all, {}, 1, 2)), ElementsAre(Pair{1, 0}, Pair{1, 1}));
  EXPECT_THAT(pairs_of(*choose_items(dataset, Items::all, {Sample::Kind::first, 3, 0})),
              ElementsAre(Pair{0, 0}, Pair{0, 1}, Pair{1, 0}));
}

TEST(ChooseItems, ALargerSampleTakesEverything) {
  const QaDataset dataset = dataset_of(3, 2);
  EXPECT_EQ(choose_items(dataset, Items::all, {Sample::Kind::first, 100, 0})->size(), 6U);
  EXPECT_EQ(pairs_of(*choose_items(dataset, Items::all, {Sample::Kind::random, 100, 3})),
            pairs_of(*choose_items(dataset, Items::all, {})));
}

TEST(ChooseItems, RandomDrawsAreDistinctOrderedAndRepeatable) {
  const QaDataset dataset = dataset_of(40, 5);
  const Sample sample{Sample::Kind::random, 30, 7};
  const auto drawn = pairs_of(*choose_items(dataset, Items::all, sample));
  EXPECT_EQ(drawn.size(), 30U);
  EXPECT_TRUE(std::ranges::is_sorted(drawn));
  EXPECT_EQ(std::set<Pair>(drawn.begin(), drawn.end()).size(), 30U);
  EXPECT_EQ(pairs_of(*choose_items(dataset, Items::all, sample)), drawn);
  EXPECT_NE(pairs_of(*choose_items(dataset, Items::all, {Sample::Kind::random, 30, 8})), drawn);
}

TEST(ChooseItems, EveryItemIsDrawnAboutEquallyOften) {
  const QaDataset dataset = dataset_of(10, 1);
  std::array<int, 10> counts{};
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    const auto items = choose_items(dataset, Items::all, {Sample::Kind::random, 3, seed});
    ASSERT_TRUE(items);
    for (const QaItem& item : *items) ++counts.at(item.story);
  }
  for (const int count : counts) EXPECT_NEAR(count, 600, 100);
}

TEST(ChooseItems, FailsWhenNothingIsLeft) {
  const QaDataset dataset = dataset_of(3, 2);
  for (const auto& items : {choose_items(dataset, Items::all, {}, 3), choose_items(dataset, Items::all, {}, 2, 1),
                            choose_items(QaDataset{}, Items::last, {})}) {
    ASSERT_FALSE(items);
    EXPECT_EQ(items.error().code, ErrorCode::invalid_argument);
    EXPECT_THAT(items.error().message, HasSubstr("No questions are left"));
  }
}

TEST(QaDataset, NotesSayWhatLimitsItsScores) {
  QaDataset dataset;
  EXPECT_THAT(dataset.notes(), IsEmpty());
  dataset.single_reference = true;
  dataset.bundled_sample = true;
  EXPECT_THAT(dataset.notes(), ElementsAre(HasSubstr("Single-reference file: "),
                                           HasSubstr("Bundled sample dataset, written for this program: not CoQA; ")));
}

}  // namespace
}  // namespace quantscope
