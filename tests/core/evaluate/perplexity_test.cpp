// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/evaluate/perplexity.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/support/reference_data.h"

namespace quantscope {
namespace {

using nlohmann::json;

json read_json(const char* name) {
  std::ifstream file(testing::shared_folder() / "reference" / name);
  return json::parse(file);
}

TEST(Perplexity, ProtocolsScoreWhatTheirToolsScore) {
  const auto protocols = perplexity_protocols();
  ASSERT_EQ(protocols.size(), 2U);
  EXPECT_EQ(protocols[0].name, "ppl-llama.cpp-512");
  EXPECT_EQ(protocols[0].window - 1 - protocols[0].first_scored, 255);
  EXPECT_TRUE(protocols[0].begins_with_bos);
  EXPECT_EQ(protocols[1].name, "ppl-gptq-2048");
  EXPECT_EQ(protocols[1].window - 1 - protocols[1].first_scored, 2047);
  EXPECT_FALSE(protocols[1].begins_with_bos);
}

TEST(Perplexity, MeanAndErrorEqualTheReference) {
  QUANTSCOPE_REQUIRE_SHARED();
  const auto tensors = testing::read_oracle(testing::shared_folder() / "reference/metrics/metrics.safetensors");
  const auto stored = tensors.at("perplexity.nll").as<float>();
  const std::vector<double> nlls(stored.begin(), stored.end());
  const json expected = read_json("metrics/statistics.json").at("perplexity");
  const std::size_t half = nlls.size() / 2;
  const auto result = summarize_perplexity(
      {summarize_chunk(0, std::span(nlls).first(half)), summarize_chunk(1, std::span(nlls).subspan(half))}, 1000);
  EXPECT_EQ(result.scored, expected.at("tokens").get<std::int64_t>());
  EXPECT_EQ(result.tokens, 1000);
  const auto near = [&](double value, const char* key) {
    const double wanted = expected.at(key);
    EXPECT_NEAR(value, wanted, 1e-9 * wanted) << key;
  };
  near(result.mean_nll, "mean_nll");
  near(result.perplexity, "perplexity");
  near(result.perplexity_error, "se_perplexity");
}

TEST(Perplexity, WindowsOfTheReferenceModelSumToItsFigures) {
  QUANTSCOPE_REQUIRE_SHARED();
  const auto tensors = testing::read_oracle(testing::shared_folder() / "reference/smollm2/smollm2_nll512.safetensors");
  const json expected =
      read_json("smollm2/smollm2_perplexity.json").at("variants_results").at("fp32").at("llama_cpp_512_first40");
  const auto& tensor = tensors.at("fp32");
  ASSERT_EQ(tensor.shape, (std::vector<std::int64_t>{40 * 255}));
  const auto stored = tensor.as<float>();
  const std::vector<double> nlls(stored.begin(), stored.end());
  std::vector<PerplexityChunk> chunks;
  for (std::int64_t i = 0; i < 40; ++i) {
    chunks.push_back(summarize_chunk(i, std::span(nlls).subspan(static_cast<std::size_t>(i) * 255, 255)));
    EXPECT_NEAR(chunks.back().nll_sum, expected.at("chunk_sum_nll").at(static_cast<std::size_t>(i)).get<double>(),
                1e-3);
  }
  const auto result = summarize_perplexity(std::move(chunks), 303'415);
  EXPECT_EQ(result.scored, expected.at("scored_tokens").get<std::int64_t>());
  EXPECT_NEAR(result.perplexity, expected.at("ppl").get<double>(), 1e-4);
  EXPECT_NEAR(result.perplexity_error, expected.at("se_ppl").get<double>(), 1e-5);
}

TEST(Perplexity, NothingScoredIsZeroAndEqualNllsHaveNoError) {
  EXPECT_EQ(summarize_perplexity({}, 0).perplexity, 0.0);
  const std::vector<double> nlls(100, std::log(8.0));
  const auto result = summarize_perplexity({summarize_chunk(0, nlls)}, 512);
  EXPECT_NEAR(result.perplexity, 8.0, 1e-12);
  EXPECT_NEAR(result.perplexity_error, 0.0, 1e-6);
}

}  // namespace
}  // namespace quantscope
