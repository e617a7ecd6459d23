// SPDX-License-Identifier: GPL-3.0-or-later
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/model/generate.h"
#include "tests/support/library_codes.h"
#include "tests/support/loaded_model.h"
#include "tests/support/reference_data.h"

namespace quantscope {
namespace {

using testing::LoadedModel;
using testing::OracleFile;
using testing::read_oracle;

double standard_deviation(const std::vector<float>& values) {
  double sum = 0;
  double squares = 0;
  for (const float value : values) {
    sum += value;
    squares += static_cast<double>(value) * value;
  }
  const double mean = sum / static_cast<double>(values.size());
  return std::sqrt(std::max(0.0, squares / static_cast<double>(values.size()) - mean * mean));
}

double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  EXPECT_EQ(a.size(), b.size());
  double largest = 0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    largest = std::max(largest, static_cast<double>(std::abs(a[i] - b[i])));
  return largest;
}

/// The reference models of all architectures.
class ModelReference : public ::testing::TestWithParam<const char*> {};

TEST_P(ModelReference, LogitsInFp32EqualTheLibrarys) {
  QUANTSCOPE_REQUIRE_SHARED();
  const auto folder = testing::shared_folder() / "reference/models";
  const OracleFile oracle = read_oracle(folder / (std::string(GetParam()) + ".outputs.safetensors"));
  LoadedModel model = LoadedModel::load(folder / GetParam(), "fp32");
  int compared = 0;
  for (int i = 0; oracle.contains("ids_" + std::to_string(i)); ++i, ++compared) {
    const auto ids = oracle.at("ids_" + std::to_string(i)).as<std::int32_t>();
    const auto expected = oracle.at("logits_fp32_" + std::to_string(i)).as<float>();
    EXPECT_LE(largest_difference(model.logits(ids), expected), 2e-4 * std::max(1.0, standard_deviation(expected)))
        << "sequence " << i;
  }
  EXPECT_GE(compared, 4);
}

TEST_P(ModelReference, GreedyIdsEqualTheLibrarysWhileMarginsAreSafe) {
  QUANTSCOPE_REQUIRE_SHARED();
  const auto folder = testing::shared_folder() / "reference/models";
  const OracleFile oracle = read_oracle(folder / (std::string(GetParam()) + ".outputs.safetensors"));
  LoadedModel model = LoadedModel::load(folder / GetParam(), "fp32");
  for (int i = 0; oracle.contains("ids_" + std::to_string(i)); ++i) {
    const auto ids = oracle.at("ids_" + std::to_string(i)).as<std::int32_t>();
    const auto expected = oracle.at("greedy_" + std::to_string(i)).as<std::int32_t>();
    const auto margins = oracle.at("greedy_margin_" + std::to_string(i)).as<float>();
    auto sequence = model.decoder->new_sequence();
    ASSERT_TRUE(model.decoder->append(sequence, ids));
    const auto generation = generate_greedy(*model.decoder, sequence, 20, {});
    ASSERT_TRUE(generation);
    for (std::size_t step = 0; step < expected.size() && margins[step] > 1e-3F; ++step)
      ASSERT_EQ(generation->tokens[step].id, expected[step]) << "sequence " << i << " step " << step;
  }
}

double log_sum_exp(std::span<const float> logits) {
  const double peak = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit - peak);
  return peak + std::log(sum);
}

double mean_kl(const std::vector<float>& base, const std::vector<float>& other, std::size_t vocabulary) {
  double total = 0;
  for (std::size_t row = 0; row < base.size(); row += vocabulary) {
    const std::span<const float> p(base.data() + row, vocabulary);
    const std::span<const float> q(other.data() + row, vocabulary);
    const double p_norm = log_sum_exp(p);
    const double q_norm = log_sum_exp(q);
    for (std::size_t i = 0; i < vocabulary; ++i) total += std::exp(p[i] - p_norm) * ((p[i] - p_norm) - (q[i] - q_norm));
  }
  return total / (static_cast<double>(base.size()) / static_cast<double>(vocabulary));
}

TEST_P(ModelReference, Bf16StaysWithinThreeTimesTheLibrarysDivergence) {
  QUANTSCOPE_REQUIRE_SHARED();
  const auto folder = testing::shared_folder() / "reference/models";
  const OracleFile oracle = read_oracle(folder / (std::string(GetParam()) + ".outputs.safetensors"));
  std::ifstream file(folder / "manifest.json");
  const auto measured = nlohmann::json::parse(file).at("models").at(GetParam()).at("measured");
  LoadedModel model = LoadedModel::load(folder / GetParam(), "bf16");
  const auto vocabulary = static_cast<std::size_t>(model.checkpoint->model().vocabulary);
  for (int i = 0; oracle.contains("ids_" + std::to_string(i)); ++i) {
    const auto ids = oracle.at("ids_" + std::to_string(i)).as<std::int32_t>();
    const auto expected = oracle.at("logits_fp32_" + std::to_string(i)).as<float>();
    const double limit = 3 * measured.at("len" + std::to_string(ids.size())).at("bf16_mean_kl").get<double>() + 1e-4;
    EXPECT_LE(mean_kl(expected, model.logits(ids), vocabulary), limit) << "sequence " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Models, ModelReference,
                         ::testing::Values("stories260K", "llama3_rope_gqa_tied", "llama_head_dim", "mistral", "qwen2",
                                           "qwen3"));

struct Variant {
  const char* name;
  const char* configuration;
};

class QuantizedReference : public ::testing::TestWithParam<std::tuple<const char*, Variant>> {};

/// All logits of one variant of the oracle against the model's.
void expect_logits(LoadedModel& model, const OracleFile& oracle, const std::string& variant) {
  const std::string prefix = variant + ".logits_";
  int compared = 0;
  for (const auto& [key, tensor] : oracle) {
    if (!key.starts_with(prefix)) continue;
    const bool only_last = key.ends_with("_last");
    const std::string index = key.substr(prefix.size(), 1);
    const auto expected = tensor.as<float>();
    auto logits = model.logits(oracle.at("ids_" + index).as<std::int32_t>());
    if (only_last) logits.erase(logits.begin(), logits.end() - static_cast<std::ptrdiff_t>(expected.size()));
    EXPECT_LE(largest_difference(logits, expected), 5e-4 * std::max(1.0, standard_deviation(expected))) << key;
    ++compared;
  }
  EXPECT_GE(compared, 4);
}

TEST_P(QuantizedReference, LogitsEqualTheLibrarys) {
  QUANTSCOPE_REQUIRE_SHARED();
  const auto& [name, variant] = GetParam();
  const auto reference = testing::shared_folder() / "reference";
  const OracleFile oracle = read_oracle(reference / "quantized_models" / (std::string(name) + ".safetensors"));
  LoadedModel model = LoadedModel::load(reference / "models" / name, variant.configuration);
  expect_logits(model, oracle, variant.name);
}

// The 16-bit variants of the oracle round the weights only and compute in fp32; a 16-bit run of this program rounds the
// activations too and is compared above.
constexpr Variant variants[] = {
    {"fp32", "fp32"},
    {"nf4_b64", "nf4:compute=fp32"},
    {"nf4_b64_double", "nf4-dq:compute=fp32"},
    {"fp4_b64", "fp4:compute=fp32"},
    {"nf4_b4096", "nf4:block=4096,compute=fp32"},
    {"int4_b64", "int4:compute=fp32"},
};

INSTANTIATE_TEST_SUITE_P(Variants, QuantizedReference,
                         ::testing::Combine(::testing::Values("stories260K", "llama3_rope_gqa_tied"),
                                            ::testing::ValuesIn(variants)),
                         [](const auto& case_info) {
                           return std::string(std::get<0>(case_info.param)) + "_" + std::get<1>(case_info.param).name;
                         });

class Int8Reference : public ::testing::TestWithParam<const char*> {};

TEST_P(Int8Reference, LogitsEqualTheLibrarysOnceTiesRoundItsWay) {
  QUANTSCOPE_REQUIRE_SHARED();
  const auto reference = testing::shared_folder() / "reference";
  const OracleFile oracle = read_oracle(reference / "quantized_models" / (std::string(GetParam()) + ".safetensors"));
  LoadedModel model = LoadedModel::load(reference / "models" / GetParam(), "int8-weight:compute=fp32");
  const auto codes = testing::take_cpu_library_codes(model);
  expect_logits(model, oracle, "int8");
  EXPECT_LT(codes.moved, codes.total / 1000);
}

INSTANTIATE_TEST_SUITE_P(Models, Int8Reference, ::testing::Values("stories260K", "llama3_rope_gqa_tied"));

TEST(TinyStories, PerplexityPerChunkEqualsTheLibrarys) {
  QUANTSCOPE_REQUIRE_SHARED();
  const auto reference = testing::shared_folder() / "reference";
  const OracleFile oracle = read_oracle(reference / "quantized_models/stories260K.safetensors");
  const auto tokens = oracle.at("perplexity_tokens").as<std::int32_t>();
  const std::size_t chunk = static_cast<std::size_t>(oracle.at("perplexity_tokens").shape[1]);
  for (const Variant& variant : variants) {
    LoadedModel model = LoadedModel::load(reference / "models/stories260K", variant.configuration, 256, 256);
    const auto expected = oracle.at(std::string(variant.name) + ".nll").as<float>();
    double sum = 0;
    double expected_sum = 0;
    for (std::size_t first = 0; first < tokens.size(); first += chunk) {
      auto sequence = model.decoder->new_sequence();
      const auto nll = model.decoder->append_nll(sequence, std::span(tokens).subspan(first, chunk), 0);
      ASSERT_TRUE(nll);
      for (const double value : *nll) sum += value;
    }
    for (const float value : expected) expected_sum += value;
    const double count = static_cast<double>(expected.size());
    EXPECT_NEAR(std::exp(sum / count) / std::exp(expected_sum / count), 1.0, 1e-4) << variant.name;
  }
}

}  // namespace
}  // namespace quantscope
