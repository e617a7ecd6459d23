// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/evaluate/kl_divergence.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/support/library_codes.h"
#include "tests/support/loaded_model.h"
#include "tests/support/reference_data.h"

namespace quantscope {
namespace {

using testing::LoadedModel;
using testing::value_of;

// The reference has percentiles over 20 windows; this many of them are run here, and compared token by token where it
// stored values of single tokens. QUANTSCOPE_ALL_WINDOWS=1 runs all 20 and compares every figure.
constexpr std::int64_t few_windows = 2;
constexpr std::int64_t all_windows = 20;

struct Variant {
  const char* name;
  const char* configuration;
  double relative;  ///< tolerance of the mean divergence over all windows
};

class SmolLM2Divergence : public ::testing::TestWithParam<Variant> {};

bool wants_all() { return std::getenv("QUANTSCOPE_ALL_WINDOWS") != nullptr; }

nlohmann::json reference(const char* file) {
  std::ifstream stream(testing::shared_folder() / "reference/smollm2" / file);
  return nlohmann::json::parse(stream);
}

std::vector<std::int32_t> ids_of_text(const Tokenizer& tokenizer) {
  std::ifstream file(testing::shared_folder() / "data/wikitext2/wiki.test.raw", std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  // 20 windows lie in the first 64 KiB; the last tokens of the cut text are not among them.
  return tokenizer.encode(text.substr(0, std::size_t{64} << 10U));
}

KlResult compare(LoadedModel& base, LoadedModel& other, const Tokenizer& tokenizer, std::span<const std::int32_t> ids,
                 std::int64_t windows) {
  PerplexityProtocol protocol = perplexity_protocols().front();
  protocol.begins_with_bos = false;  // as the reference
  const WindowedText text{&tokenizer, ids, protocol, 0, windows};
  const auto states = value_of(ScoredStates::compute(*base.decoder, text, {}, {}));
  const KlBase kl_base{&states, base.model->final_norm(), base.model->head()};
  return value_of(evaluate_kl(*other.decoder, kl_base, text, {}, {}, {}));
}

TEST_P(SmolLM2Divergence, IsThatOfTheReference) {
  QUANTSCOPE_REQUIRE_SHARED();
  QUANTSCOPE_REQUIRE_DEFAULT_MODEL();
  const std::int64_t windows = wants_all() ? all_windows : few_windows;
  LoadedModel base = LoadedModel::load(testing::default_model_file(), "fp32");
  LoadedModel other = LoadedModel::load(testing::default_model_file(), GetParam().configuration);
  testing::take_cpu_library_codes(other);  // as the reference has them
  const auto tokenizer = value_of(Tokenizer::of(*base.checkpoint));
  const auto ids = ids_of_text(*tokenizer);
  const KlResult result = compare(base, other, *tokenizer, ids, windows);
  // Both models' NLLs, window by window.
  const auto variants = reference("smollm2_perplexity.json").at("variants_results");
  const auto sums_of = [&](const char* name) {
    const auto& variant = variants.at(name);
    const char* key = variant.contains("llama_cpp_512_first40") ? "llama_cpp_512_first40" : "llama_cpp_512_first20";
    return variant.at(key).at("chunk_sum_nll");
  };
  const auto base_sums = sums_of("fp32"), sums = sums_of(GetParam().name);
  for (std::size_t i = 0; i < result.chunks.size(); ++i) {
    EXPECT_NEAR(result.chunks[i].base_nll_sum, base_sums[i].get<double>(), 0.02) << i;
    const double wanted = sums[i];
    EXPECT_NEAR(result.chunks[i].nll_sum, wanted, 0.02 + GetParam().relative * 0.1 * wanted) << i;
  }
  if (!wants_all()) return;
  const auto& variant = variants.at(GetParam().name);
  const auto& expected =
      variant.at(variant.contains("llama_cpp_512_first40") ? "llama_cpp_512_first40" : "llama_cpp_512_first20")
          .at("kld_vs_fp32");
  const double tolerance = GetParam().relative;
  ASSERT_EQ(result.scored, expected.at("n").get<std::int64_t>());
  const auto near = [&](double value, const char* key, double factor = 1) {
    const double wanted = expected.at(key).get<double>() / factor;
    EXPECT_NEAR(value, wanted, tolerance * std::abs(wanted) + 1e-7) << key;
  };
  near(result.divergence.mean, "mean");
  near(result.divergence.error, "se_mean");
  near(KlResult::at(result.divergence_percentiles, 0.5), "median");
  near(KlResult::at(result.divergence_percentiles, 0.9), "p90");
  near(KlResult::at(result.divergence_percentiles, 0.95), "p95");
  near(KlResult::at(result.divergence_percentiles, 0.99), "p99");
  near(KlResult::at(result.divergence_percentiles, 0.999), "p99_9");
  near(KlResult::at(result.divergence_percentiles, 1), "max");
  near(result.rms_delta_p.value, "rms_delta_p_percent", 100);
  near(result.rms_delta_p.error, "se_rms_delta_p_percent", 100);
  EXPECT_NEAR(100 * result.same_top.mean, expected.at("same_top_percent").get<double>(), 0.1);
}

constexpr Variant variants[] = {
    {"nf4", "nf4:compute=fp32", 0.001},
    {"fp4", "fp4:compute=fp32", 0.001},
    {"int4", "int4:compute=fp32", 0.001},
    {"int8", "int8-weight:compute=fp32", 0.002},
};
INSTANTIATE_TEST_SUITE_P(Variants, SmolLM2Divergence, ::testing::ValuesIn(variants),
                         [](const auto& case_info) { return std::string(case_info.param.name); });

}  // namespace
}  // namespace quantscope
