// SPDX-License-Identifier: GPL-3.0-or-later
// A file that runs from its stored blocks has the perplexity of its decoded weights.
#include <gtest/gtest.h>

#include "core/checkpoint/gguf_export.h"
#include "core/evaluate/perplexity.h"
#include "core/tokenizer/gguf_vocabulary.h"
#include "kernels/cpu/cpu_backend.h"
#include "tests/support/loaded_model.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"

namespace quantscope {
namespace {

using testing::LoadedModel;
using testing::value_of;

/// Two windows of 512 single-byte tokens.
std::string sample_text() {
  std::string text;
  for (std::uint32_t state = 1; text.size() < 1024;) {
    state = state * 1664525U + 1013904223U;
    text.push_back(static_cast<char>('a' + (state >> 16U) % 26));
  }
  return text;
}

PerplexityResult perplexity_of(const std::filesystem::path& file, const std::string& configuration) {
  LoadedModel model = LoadedModel::load(file, configuration, 512, 512);
  const auto tokenizer = value_of(Tokenizer::of(*model.checkpoint));
  return value_of(evaluate_perplexity(*model.decoder, *tokenizer, tokenizer->encode(sample_text()),
                                      perplexity_protocols().front(), 0, 0, {}, {}, {}));
}

class StoredPerplexity : public ::testing::TestWithParam<GgmlType> {};

TEST_P(StoredPerplexity, IsThatOfTheDecodedWeights) {
  const testing::TemporaryFolder folder;
  testing::write_tiny_model(folder.path() / "model", 256, 512);  // rows of whole blocks of 256
  const auto checkpoint = value_of(Checkpoint::open(folder.path() / "model"));
  const auto backend = value_of(create_cpu_backend({1, "auto"}));
  const auto file = folder.path() / "model.gguf";
  const auto vocabulary = value_of(gguf_vocabulary(*checkpoint));
  ASSERT_TRUE(write_gguf(*checkpoint, vocabulary, {GetParam(), GetParam()}, *backend, file, {}, {}));
  const auto stored = perplexity_of(file, "as-stored:compute=fp32"), decoded = perplexity_of(file, "fp32");
  EXPECT_EQ(stored.scored, 2 * 255);
  EXPECT_NEAR(stored.perplexity / decoded.perplexity, 1.0, 1e-6);
  // The blocks were used: the type leaves its mark.
  const auto source = perplexity_of(folder.path() / "model", "fp32");
  EXPECT_GT(std::abs(source.perplexity / decoded.perplexity - 1.0), 1e-5);
}

INSTANTIATE_TEST_SUITE_P(Types, StoredPerplexity,
                         ::testing::Values(GgmlType::q4_0, GgmlType::q4_1, GgmlType::q5_0, GgmlType::q5_1,
                                           GgmlType::q8_0, GgmlType::iq4_nl, GgmlType::q4_k, GgmlType::q6_k),
                         [](const auto& param_info) { return std::string(ggml_type_info(param_info.param).key); });

}  // namespace
}  // namespace quantscope
