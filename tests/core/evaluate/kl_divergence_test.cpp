// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/evaluate/kl_divergence.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/support/loaded_model.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"

namespace quantscope {
namespace {

using testing::LoadedModel;
using testing::value_of;

// Two windows, scored from a position that is not at a pass boundary.
constexpr PerplexityProtocol protocol{"test", 40, 13, true};
constexpr std::int64_t windows = 2;

class KlDivergence : public ::testing::Test {
 protected:
  void SetUp() override {
    testing::write_tiny_model(folder_.path());
    for (std::int32_t i = 0; i < windows * protocol.window + 5; ++i) ids_.push_back(i * i % 251);
  }

  LoadedModel load(const std::string& configuration, std::int64_t batch_rows = 512) const {
    return LoadedModel::load(folder_.path(), configuration, 256, batch_rows);
  }

  /// Other against base as evaluate_kl() says.
  KlResult compare(const LoadedModel& base, const LoadedModel& other) const {
    const auto tokenizer = value_of(Tokenizer::of(*base.checkpoint));
    const WindowedText text{tokenizer.get(), ids_, protocol, 0, 0};
    const auto states = value_of(ScoredStates::compute(*base.decoder, text, {}, {}));
    EXPECT_EQ(states.bytes(), windows * protocol.scored() * base.model->description().hidden * 4);
    // Heads must live on the backend that compares: the other one's.
    const auto weight_of = [&](const Weight& weight) {
      return value_of(other.backend->upload(value_of(base.backend->download(weight))));
    };
    const auto norm = weight_of(*base.model->final_norm().weight);
    const auto head = weight_of(*base.model->head().weight);
    KlBase kl_base{&states, base.model->final_norm(), base.model->head()};
    kl_base.norm.weight = norm.get();
    kl_base.head.weight = head.get();
    return value_of(evaluate_kl(*other.decoder, kl_base, text, {}, {}, {}));
  }

  /// The definition, from all logits of both models in float64.
  std::vector<HeadPair> from_logits(LoadedModel& base, LoadedModel& other) const {
    const auto tokenizer = value_of(Tokenizer::of(*base.checkpoint));
    const auto vocabulary = static_cast<std::size_t>(base.model->description().vocabulary);
    std::vector<HeadPair> pairs;
    for (std::int64_t chunk = 0; chunk < windows; ++chunk) {
      const auto ids = window_ids(*tokenizer, ids_, protocol, chunk);
      const auto p = base.logits(ids), q = other.logits(ids);
      for (std::int64_t i = protocol.first_scored; i + 1 < protocol.window; ++i) {
        const auto row = static_cast<std::size_t>(i) * vocabulary;
        pairs.push_back(pair_of(std::span(p).subspan(row, vocabulary), std::span(q).subspan(row, vocabulary),
                                static_cast<std::size_t>(ids[static_cast<std::size_t>(i + 1)])));
      }
    }
    return pairs;
  }

  static std::vector<double> log_softmax(std::span<const float> logits) {
    long double sum = 0;
    for (const float logit : logits) sum += std::exp(static_cast<long double>(logit));
    std::vector<double> values;
    for (const float logit : logits) values.push_back(static_cast<double>(logit - std::log(sum)));
    return values;
  }

  static HeadPair pair_of(std::span<const float> base, std::span<const float> other, std::size_t target) {
    const auto p = log_softmax(base), q = log_softmax(other);
    HeadPair pair{p[target], q[target], 0, false};
    for (std::size_t i = 0; i < p.size(); ++i) pair.divergence += std::exp(p[i]) * (p[i] - q[i]);
    pair.same_top =
        std::max_element(p.begin(), p.end()) - p.begin() == std::max_element(q.begin(), q.end()) - q.begin();
    return pair;
  }

  static std::vector<HeadPair> tokens_of(const KlResult& result) {
    std::vector<HeadPair> tokens;
    for (const KlChunk& chunk : result.chunks) tokens.insert(tokens.end(), chunk.tokens.begin(), chunk.tokens.end());
    return tokens;
  }

  testing::TemporaryFolder folder_;
  std::vector<std::int32_t> ids_;
};

TEST_F(KlDivergence, IsWhatTheLogitsOfBothModelsSay) {
  for (const char* configuration : {"int8-weight:compute=fp32", "nf4:compute=fp32", "fp4:scope=all,compute=fp32"}) {
    LoadedModel base = load("fp32"), other = load(configuration);
    const auto expected = from_logits(base, other);
    const auto tokens = tokens_of(compare(base, other));
    ASSERT_EQ(tokens.size(), expected.size());
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      EXPECT_NEAR(tokens[i].divergence, expected[i].divergence, 2e-7 + 1e-5 * expected[i].divergence);
      EXPECT_NEAR(tokens[i].base_log_probability, expected[i].base_log_probability, 1e-6);
      EXPECT_NEAR(tokens[i].log_probability, expected[i].log_probability, 1e-6);
      EXPECT_EQ(tokens[i].same_top, expected[i].same_top);
    }
  }
}

TEST_F(KlDivergence, OfAModelWithItselfIsExactlyNothing) {
  for (const char* configuration : {"fp32", "bf16", "nf4", "int8"}) {
    const LoadedModel base = load(configuration), same = load(configuration);
    const KlResult result = compare(base, same);
    EXPECT_EQ(KlResult::at(result.divergence_percentiles, 0), 0.0) << configuration;
    EXPECT_EQ(KlResult::at(result.divergence_percentiles, 1), 0.0) << configuration;
    EXPECT_EQ(result.same_top.mean, 1.0);
    EXPECT_EQ(result.log_ratio.mean, 0.0);
    EXPECT_EQ(result.log_ratio.error, 0.0);
    EXPECT_EQ(result.rms_delta_p.value, 0.0);
  }
}

TEST_F(KlDivergence, RunsFromTheBaseToTheOther) {
  const LoadedModel base = load("fp32"), other = load("fp4:compute=fp32,block=4096");
  const double forth = compare(base, other).divergence.mean;
  const double back = compare(other, base).divergence.mean;
  EXPECT_GT(forth, 0);
  EXPECT_GT(std::abs(forth - back), 1e-6 * forth);
}

TEST_F(KlDivergence, HasTheSameBitsForAnyThreadsAndBatches) {
  const auto whole = tokens_of(compare(load("fp32:threads=1"), load("nf4:threads=1")));
  for (const auto& [settings, rows] : {std::pair{"threads=3", 512}, std::pair{"threads=2", 7}, {"threads=1", 20}}) {
    const auto tokens =
        tokens_of(compare(load(std::string("fp32:") + settings, rows), load(std::string("nf4:") + settings, rows)));
    ASSERT_EQ(tokens.size(), whole.size());
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      EXPECT_EQ(tokens[i].divergence, whole[i].divergence) << settings << " " << rows;
      EXPECT_EQ(tokens[i].log_probability, whole[i].log_probability);
      EXPECT_EQ(tokens[i].base_log_probability, whole[i].base_log_probability);
    }
  }
}

TEST_F(KlDivergence, ItsPerplexityIsThatOfThePerplexityTask) {
  const LoadedModel base = load("fp32"), other = load("int4");
  const KlResult result = compare(base, other);
  const auto tokenizer = value_of(Tokenizer::of(*base.checkpoint));
  std::vector<double> nll;
  for (std::int64_t chunk = 0; chunk < windows; ++chunk) {
    auto sequence = other.decoder->new_sequence();
    const auto values = value_of(
        other.decoder->append_nll(sequence, window_ids(*tokenizer, ids_, protocol, chunk), protocol.first_scored));
    nll.insert(nll.end(), values.begin(), values.end());
  }
  const auto tokens = tokens_of(result);
  ASSERT_EQ(nll.size(), tokens.size());
  for (std::size_t i = 0; i < nll.size(); ++i) EXPECT_EQ(nll[i], -tokens[i].log_probability);
}

TEST_F(KlDivergence, AStopIsNotAResult) {
  LoadedModel base = load("fp32");
  const auto tokenizer = value_of(Tokenizer::of(*base.checkpoint));
  const WindowedText text{tokenizer.get(), ids_, protocol, 0, 0};
  std::stop_source stop;
  const auto states = value_of(ScoredStates::compute(*base.decoder, text, {}, {}));
  const KlBase kl_base{&states, base.model->final_norm(), base.model->head()};
  int chunks = 0;
  const auto stopped = evaluate_kl(
      *base.decoder, kl_base, text,
      [&](const KlChunk&) {
        ++chunks;
        stop.request_stop();
      },
      {}, stop.get_token());
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, ErrorCode::cancelled);
  EXPECT_EQ(chunks, 1);
  EXPECT_FALSE(ScoredStates::compute(*base.decoder, text, {}, stop.get_token()));
}

}  // namespace
}  // namespace quantscope
