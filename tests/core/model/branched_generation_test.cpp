// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/branched_generation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <random>

#include "tests/support/loaded_model.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"

namespace quantscope {
namespace {

using testing::LoadedModel;
using testing::value_of;
using Ids = std::vector<std::int32_t>;

constexpr std::int64_t answer_tokens = 40;  // longer than a page of the cache

Ids random_ids(std::size_t count, std::mt19937& random) {
  Ids ids(count);
  for (auto& id : ids) id = static_cast<std::int32_t>(random() % 256);
  return ids;
}

Ids join(Ids head, const Ids& tail) {
  head.insert(head.end(), tail.begin(), tail.end());
  return head;
}

/// Dialogues as the questions of a story have them (each prompt continues the one before), prompts that leave the
/// story early, two equal ones, one of a single id, one that shares nothing, and an empty group.
std::vector<PromptGroup> prompt_groups() {
  std::mt19937 random(7);
  std::vector<PromptGroup> groups;
  for (const std::size_t story : {100, 64, 31}) {
    PromptGroup group;
    Ids dialogue = random_ids(story, random);
    for (const std::size_t turn : {5, 27, 1, 32}) {
      dialogue = join(dialogue, random_ids(turn, random));
      group.push_back(dialogue);
    }
    group.push_back(join({dialogue.begin(), dialogue.begin() + 20}, random_ids(50, random)));
    group.push_back(group[1]);
    group.push_back(random_ids(33, random));
    groups.push_back(std::move(group));
  }
  groups.push_back({});
  groups.push_back({random_ids(1, random)});
  return groups;
}

std::int64_t longest_prompt(const std::vector<PromptGroup>& groups) {
  std::size_t longest = 0;
  for (const auto& group : groups)
    for (const Ids& ids : group) longest = std::max(longest, ids.size());
  return static_cast<std::int64_t>(longest);
}

/// Branches end at different times, and some run on to the last token allowed.
bool keep_going(std::span<const GeneratedToken> tokens) {
  return (static_cast<std::size_t>(tokens.front().id) + tokens.size()) % 61 != 0;
}

class BranchedGeneration : public ::testing::Test {
 protected:
  void load(std::int64_t context, const std::string& configuration = "fp32", std::int64_t batch_rows = 64) {
    testing::write_tiny_model(folder_.path());
    model_.reset();  // assigning would free the backend before what lives in it
    model_ = LoadedModel::load(folder_.path(), configuration, context, batch_rows);
  }

  std::vector<BranchResult> run(const std::vector<PromptGroup>& groups, std::int64_t most_branches) {
    std::vector<BranchResult> results;
    BranchOptions options;
    options.max_tokens = answer_tokens;
    options.end_ids = end_ids_;
    options.most_branches = most_branches;
    options.keep_going = keep_going;
    options.on_result = [&](const BranchResult& result) { results.push_back(result); };
    const auto done = generate_branches(
        *model_->decoder, groups.size(), [&](std::size_t i) { return groups[i]; }, options);
    EXPECT_TRUE(done) << done.error().message;
    std::ranges::sort(results, {}, [](const BranchResult& result) { return std::pair(result.group, result.prompt); });
    return results;
  }

  /// The prompt alone in an empty cache.
  Generation alone(const Ids& ids) {
    auto sequence = model_->decoder->new_sequence();
    EXPECT_TRUE(model_->decoder->append(sequence, ids));
    return value_of(generate_greedy(*model_->decoder, sequence, answer_tokens, end_ids_, keep_going));
  }

  void expect_as_alone(const std::vector<PromptGroup>& groups, const std::vector<BranchResult>& results) {
    auto result = results.begin();
    for (std::size_t g = 0; g < groups.size(); ++g) {
      for (std::size_t p = 0; p < groups[g].size(); ++p, ++result) {
        ASSERT_NE(result, results.end());
        ASSERT_EQ(std::pair(result->group, result->prompt), std::pair(g, p));
        const Generation expected = alone(groups[g][p]);
        EXPECT_EQ(result->generation.reason, expected.reason) << g << " " << p;
        ASSERT_EQ(result->generation.tokens.size(), expected.tokens.size()) << g << " " << p;
        for (std::size_t t = 0; t < expected.tokens.size(); ++t) {
          EXPECT_EQ(result->generation.tokens[t].id, expected.tokens[t].id);
          EXPECT_EQ(result->generation.tokens[t].margin, expected.tokens[t].margin);
        }
      }
    }
    EXPECT_EQ(result, results.end());
  }

  testing::TemporaryFolder folder_;
  std::optional<LoadedModel> model_;
  Ids end_ids_ = {21, 101};
};

TEST_F(BranchedGeneration, TokensEqualThoseOfEachPromptAloneForEveryCacheAndBatch) {
  const auto groups = prompt_groups();
  const std::int64_t smallest = longest_prompt(groups) + answer_tokens;
  for (const std::int64_t context : {smallest, smallest + 32, smallest + 70, smallest + 400, std::int64_t{8192}}) {
    load(context);
    for (const std::int64_t most_branches : {1, 2, 5, 64}) {
      SCOPED_TRACE(::testing::Message() << "context " << context << ", branches " << most_branches);
      const auto results = run(groups, most_branches);
      expect_as_alone(groups, results);
      EXPECT_EQ(model_->decoder->cache().free_pages() * model_->decoder->cache().page_tokens(),
                model_->decoder->capacity());
    }
  }
}

TEST_F(BranchedGeneration, EndsDifferAmongTheBranches) {
  load(8192);
  const auto results = run(prompt_groups(), 64);
  const auto ended = [&](StopReason reason) {
    return std::ranges::count(results, reason, [](const BranchResult& result) { return result.generation.reason; });
  };
  EXPECT_GT(ended(StopReason::stopped_by_caller), 0);
  EXPECT_GT(ended(StopReason::max_tokens), 0);
  EXPECT_GT(ended(StopReason::end_token), 0);
}

TEST_F(BranchedGeneration, QuantizedWeightsAndManyPassesGiveTheSameTokens) {
  const auto groups = prompt_groups();
  for (const char* configuration : {"nf4-dq", "int8", "bf16"}) {
    load(2048, configuration, 16);
    expect_as_alone(groups, run(groups, 64));
  }
}

TEST_F(BranchedGeneration, ADialogueIsComputedOnce) {
  std::mt19937 random(3);
  Ids dialogue = random_ids(90, random);
  PromptGroup group;
  for (int turn = 0; turn < 6; ++turn) {
    dialogue = join(dialogue, random_ids(9, random));
    group.push_back(dialogue);
  }
  load(4096);
  const auto results = run({group}, 64);
  ASSERT_EQ(results.size(), group.size());
  EXPECT_EQ(results[0].computed_tokens, 99);
  for (std::size_t i = 1; i < results.size(); ++i) EXPECT_EQ(results[i].computed_tokens, 9);
}

TEST_F(BranchedGeneration, SaysWhenAPromptDoesNotFit) {
  load(64);
  std::mt19937 random(3);
  const PromptGroup group = {random_ids(30, random)};
  BranchOptions options;
  options.max_tokens = answer_tokens;
  const auto done = generate_branches(
      *model_->decoder, 1, [&](std::size_t) { return group; }, options);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::out_of_memory);
  EXPECT_NE(done.error().message.find("30 tokens"), std::string::npos) << done.error().message;
}

TEST_F(BranchedGeneration, AStopKeepsWhatIsFinished) {
  load(4096);
  const auto groups = prompt_groups();
  std::stop_source source;
  std::size_t finished = 0;
  BranchOptions options;
  options.max_tokens = answer_tokens;
  options.stop = source.get_token();
  options.on_result = [&](const BranchResult&) {
    ++finished;
    source.request_stop();
  };
  options.most_branches = 2;
  const auto done = generate_branches(
      *model_->decoder, groups.size(), [&](std::size_t i) { return groups[i]; }, options);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::cancelled);
  EXPECT_GE(finished, 1U);
  EXPECT_LE(finished, 2U);
}

TEST_F(BranchedGeneration, AFailingGroupEndsTheWork) {
  load(4096);
  const auto done = generate_branches(
      *model_->decoder, 1,
      [](std::size_t) -> Result<PromptGroup> { return fail(ErrorCode::io, "The story cannot be read."); }, {});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message, "The story cannot be read.");
}

}  // namespace
}  // namespace quantscope
