// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/evaluate/perplexity.h"

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

struct Variant {
  const char* name;
  const char* configuration;
  double relative_perplexity;
  bool quick;  ///< one window of 2048 is run by itself; the others and the rest with QUANTSCOPE_ALL_WINDOWS=1
};

/// Perplexity of the default model on the windows of the reference, in both protocols.
class SmolLM2Perplexity : public ::testing::TestWithParam<Variant> {
 protected:
  struct Windows {
    const char* few;   ///< key of the reference for the 16-bit variant that has fewer
    const char* many;  ///< and for all others
  };

  static nlohmann::json expected(const Windows& keys) {
    std::ifstream file(testing::shared_folder() / "reference/smollm2/smollm2_perplexity.json");
    const auto variant = nlohmann::json::parse(file).at("variants_results").at(GetParam().name);
    return variant.contains(keys.many) ? variant.at(keys.many) : variant.at(keys.few);
  }

  static PerplexityResult measure(std::size_t protocol, std::int64_t last) {
    const PerplexityProtocol& windows = perplexity_protocols()[protocol];
    LoadedModel model = LoadedModel::load(testing::default_model_file(), GetParam().configuration, windows.window);
    testing::take_cpu_library_codes(model);  // as the reference has them
    const auto tokenizer = value_of(Tokenizer::of(*model.checkpoint));
    std::ifstream file(testing::shared_folder() / "data/wikitext2/wiki.test.raw", std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    PerplexityProtocol without_bos = windows;  // as the reference
    without_bos.begins_with_bos = false;
    // The windows lie in the first 128 KiB; the last tokens of the cut text are not among them.
    const auto ids = tokenizer->encode(text.substr(0, std::size_t{128} << 10U));
    return value_of(evaluate_perplexity(*model.decoder, *tokenizer, ids, without_bos, 0, last, {}, {}, {}));
  }

  static bool wants_all() { return std::getenv("QUANTSCOPE_ALL_WINDOWS") != nullptr; }
};

TEST_P(SmolLM2Perplexity, OfWindowsOf2048IsThatOfTheReference) {
  QUANTSCOPE_REQUIRE_SHARED();
  QUANTSCOPE_REQUIRE_DEFAULT_MODEL();
  if (!GetParam().quick && !wants_all()) GTEST_SKIP() << "takes minutes; set QUANTSCOPE_ALL_WINDOWS=1";
  const auto reference = expected({"gptq_2048_first2", "gptq_2048_first10"});
  const auto windows = wants_all() ? reference.at("windows").get<std::int64_t>() : 1;
  const PerplexityResult result = measure(1, windows);
  ASSERT_EQ(std::ssize(result.chunks), windows);
  double mean = 0;
  for (std::size_t i = 0; i < result.chunks.size(); ++i) mean += reference.at("window_mean_nll")[i].get<double>();
  mean /= static_cast<double>(windows);
  EXPECT_NEAR(std::exp(result.mean_nll - mean), 1.0, GetParam().relative_perplexity);
  if (!wants_all()) return;
  EXPECT_NEAR(result.perplexity / reference.at("ppl").get<double>(), 1.0, GetParam().relative_perplexity);
  EXPECT_NEAR(result.perplexity_error / reference.at("se_ppl").get<double>(), 1.0, 0.05);
}

TEST_P(SmolLM2Perplexity, OfAllWindowsOf512IsThatOfTheReference) {
  QUANTSCOPE_REQUIRE_SHARED();
  QUANTSCOPE_REQUIRE_DEFAULT_MODEL();
  if (!wants_all()) GTEST_SKIP() << "takes minutes; set QUANTSCOPE_ALL_WINDOWS=1";
  const auto reference = expected({"llama_cpp_512_first20", "llama_cpp_512_first40"});
  const PerplexityResult result = measure(0, reference.at("last_chunk_exclusive").get<std::int64_t>());
  ASSERT_EQ(result.scored, reference.at("scored_tokens").get<std::int64_t>());
  EXPECT_NEAR(result.perplexity / reference.at("ppl").get<double>(), 1.0, GetParam().relative_perplexity);
  EXPECT_NEAR(result.perplexity_error / reference.at("se_ppl").get<double>(), 1.0, 0.05);
}

constexpr Variant variants[] = {
    {"fp32", "fp32", 0.0005, true},
    {"nf4", "nf4:compute=fp32", 0.0005, true},
    {"fp4", "fp4:compute=fp32", 0.0005, false},
    {"int4", "int4:compute=fp32", 0.0005, false},
    {"int8", "int8-weight:compute=fp32", 0.0005, false},
    {"nf4_dq", "nf4-dq:compute=fp32", 0.005, false},
    {"bf16", "bf16", 0.005, false},
    {"fp16", "fp16", 0.005, false},
    {"nf4_bf16", "nf4", 0.005, false},
    {"int8_linear8bitlt", "int8:compute=fp32", 0.03, false},
};
INSTANTIATE_TEST_SUITE_P(Variants, SmolLM2Perplexity, ::testing::ValuesIn(variants),
                         [](const auto& case_info) { return std::string(case_info.param.name); });

}  // namespace
}  // namespace quantscope
